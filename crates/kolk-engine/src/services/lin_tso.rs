//! `lin-tso`: timestamps, 0, 1, 2, …

use kolk_protocol::Random;
use kolk_protocol::message::Body;

use super::{Service, refuse, write_reply};

/// A counter.
#[derive(Debug, Default)]
pub struct LinTso {
    next: u64,
}

impl Service for LinTso {
    fn name(&self) -> &'static str {
        "lin-tso"
    }

    fn handle(&mut self, _: &str, body: &Body<'_>, _: &mut Random, reply: &mut Vec<u8>) -> bool {
        if body.kind != "ts" {
            return refuse(reply, body, "lin-tso", "`ts`");
        }
        let timestamp = self.next;
        self.next += 1;
        write_reply(reply, body, "ts_ok", |reply| {
            reply.extend_from_slice(format!(",\"ts\":{timestamp}").as_bytes());
        })
    }
}
