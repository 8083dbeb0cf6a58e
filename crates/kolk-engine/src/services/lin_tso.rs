//! `lin-tso`: timestamps, 0, 1, 2, …

use kolk_protocol::Random;
use kolk_protocol::message::Body;

use super::{Service, unknown_type, write_error, write_reply};

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
            return write_error(reply, body, &unknown_type("lin-tso", body, "`ts`"));
        }
        let timestamp = self.next;
        self.next += 1;
        write_reply(reply, body, "ts_ok", |reply| {
            reply.extend_from_slice(format!(",\"ts\":{timestamp}").as_bytes());
        })
    }
}
