//! `lin-kv`: a linearizable key-value store.

use std::collections::BTreeMap;

use kolk_protocol::Datum;
use kolk_protocol::Random;
use kolk_protocol::message::Body;

use super::Service;
use super::key_value::serve;

/// One copy of everything, and one request after another.
#[derive(Debug, Default)]
pub struct LinKv {
    values: BTreeMap<Datum, Datum>,
}

impl Service for LinKv {
    fn name(&self) -> &'static str {
        "lin-kv"
    }

    fn handle(&mut self, _: &str, body: &Body<'_>, _: &mut Random, reply: &mut Vec<u8>) -> bool {
        serve("lin-kv", body, reply, |request| {
            let (answer, stored) = request.action.apply(self.values.get(&request.key));
            if let Some(value) = stored {
                self.values.insert(request.key.clone(), value);
            }
            answer
        })
    }
}
