//! A node without async: a state machine that is stepped with a time and one input, here the
//! workload `unique-ids`.
//!
//! ```text
//! cargo build --example machine
//! kolk test -w unique-ids --bin target/debug/examples/machine
//! ```

use kolk_node::{Input, Machine, Outputs, Time};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Default)]
struct UniqueIds {
    node_id: String,
    given: u64,
}

#[derive(Deserialize)]
struct Body {
    r#type: String,
    msg_id: Value,
    node_id: Option<String>,
}

impl Machine for UniqueIds {
    fn step(&mut self, _: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        let Input::Message { src, body } = input else { return None };
        match serde_json::from_str(body) {
            Ok(body) => outputs.push(src, self.answer(body).to_string().as_bytes()),
            Err(error) => outputs.log(&format!("dropped a message from {src}: {error}")),
        }
        // Nothing to do until the next message.
        None
    }
}

impl UniqueIds {
    fn answer(&mut self, body: Body) -> Value {
        match (&*body.r#type, body.node_id) {
            ("init", Some(node_id)) => {
                self.node_id = node_id;
                json!({"type": "init_ok", "in_reply_to": body.msg_id})
            }
            ("generate", _) => {
                self.given += 1;
                let id = format!("{}-{}", self.node_id, self.given);
                json!({"type": "generate_ok", "in_reply_to": body.msg_id, "id": id})
            }
            (kind, _) => {
                let text = format!("unknown type `{kind}`");
                json!({"type": "error", "in_reply_to": body.msg_id, "code": 10, "text": text})
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    kolk_node::run_machine(UniqueIds::default())
}
