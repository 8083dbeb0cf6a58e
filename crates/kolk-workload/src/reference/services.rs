//! The services' messages.

use super::{Exchange, ServiceDoc, field, message};

const KEY: super::Field =
    field("key", "any JSON", "which key; keys are compared by value; if left out, null");

const READ: Exchange = Exchange {
    request: message("read", "The value of a key.", &[KEY]),
    reply: message("read_ok", "The key has a value.", &[field("value", "any JSON", "the value")]),
    errors: &[(20, "there is no such key")],
};

const WRITE: Exchange = Exchange {
    request: message(
        "write",
        "Sets a key, whatever it was.",
        &[KEY, field("value", "any JSON", "to what; if left out, null")],
    ),
    reply: message("write_ok", "It is set.", &[]),
    errors: &[],
};

const fn cas(create_if_not_exists: &'static [super::Field]) -> Exchange {
    Exchange {
        request: message(
            "cas",
            "Compare and set: sets a key to `to` if its value is `from`, in one step.",
            create_if_not_exists,
        ),
        reply: message("cas_ok", "It was `from`, and is `to` now.", &[]),
        errors: &[
            (20, "there is no such key"),
            (22, "the value is not `from`; the text shows both values"),
        ],
    }
}

const CAS: Exchange = cas(&[
    KEY,
    field("from", "any JSON", "the value expected, compared by value; if left out, null"),
    field("to", "any JSON", "the value to set; if left out, null"),
    field(
        "create_if_not_exists",
        "true or false, optional",
        "if there is no such key, set it to `to` without an error; if left out, false, and if \
         neither true nor false, true",
    ),
]);

const LWW_CAS: Exchange = cas(&[
    KEY,
    field("from", "any JSON", "the value expected, compared by value; if left out, null"),
    field("to", "any JSON", "the value to set; if left out, null"),
    field(
        "create_if_not_exists",
        "true or false, optional",
        "without effect here, as in Maelstrom: a key that is not there stays error 20",
    ),
]);

const STORY: &[&str] = &[
    r#"{"type":"read","key":"sum"}"#,
    r#"{"type":"cas","key":"sum","from":0,"to":5,"create_if_not_exists":true}"#,
    r#"{"type":"cas","key":"sum","from":4,"to":9}"#,
    r#"{"type":"cas","key":"sum","from":5,"to":9}"#,
    r#"{"type":"write","key":["any","JSON"],"value":{"a":null}}"#,
    r#"{"type":"read","key":"sum"}"#,
    r#"{"type":"fly"}"#,
];

/// All services.
pub const SERVICES: &[ServiceDoc] = &[
    ServiceDoc {
        name: "lin-kv",
        about: "A linearizable key-value store: every request takes effect at one moment between \
                its sending and its answer, as if there were one copy.",
        exchanges: &[READ, WRITE, CAS],
        promises: &[
            "A read sees at least the newest value acknowledged before the read was sent.",
            "A request that got no answer may have happened, or may happen later.",
        ],
        example: STORY,
    },
    ServiceDoc {
        name: "seq-kv",
        about: "A sequentially consistent key-value store: there is one order of all requests, it \
                keeps the order of each node's, but it need not be that of real time. A read may \
                be stale.",
        exchanges: &[READ, WRITE, CAS],
        promises: &[
            "A node sees its own writes, and never goes back to an older state.",
            "A read, or whatever leaves the store as it was, may be answered from one of the last \
             32 states, the newest among them, each as likely as the others. Whoever only reads \
             comes up to date in the end.",
            "What changes something acts on the newest state, and whoever made a change is up to \
             date. To read what is newest, first write a value that is new (a barrier), then read.",
        ],
        example: STORY,
    },
    ServiceDoc {
        name: "lww-kv",
        about: "A key-value store of several replicas in which the last write wins. It is unsafe \
                on purpose: to see what that does to an algorithm.",
        exchanges: &[READ, WRITE, LWW_CAS],
        promises: &[
            "Requests are answered by replicas at random, which are merged from time to time.",
            "A read may go back. An acknowledged write may be lost to another one. Two `cas` from \
             the same value may both succeed.",
        ],
        example: &[
            r#"{"type":"write","key":"x","value":1}"#,
            r#"{"type":"read","key":"x"}"#,
            r#"{"type":"read","key":"x"}"#,
            r#"{"type":"read","key":"x"}"#,
            r#"{"type":"cas","key":"y","from":0,"to":5,"create_if_not_exists":true}"#,
        ],
    },
    ServiceDoc {
        name: "lin-tso",
        about: "A linearizable timestamp oracle: gives out 0, 1, 2, …",
        exchanges: &[Exchange {
            request: message("ts", "The next timestamp.", &[]),
            reply: message(
                "ts_ok",
                "A timestamp that is greater than all that were given out before.",
                &[field("ts", "integer of 0 or more", "the timestamp")],
            ),
            errors: &[],
        }],
        promises: &["No timestamp is given out twice, and none is left out by the service."],
        example: &[r#"{"type":"ts"}"#, r#"{"type":"ts"}"#, r#"{"type":"read","key":1}"#],
    },
];

/// The service with this name.
pub fn service(name: &str) -> Option<&'static ServiceDoc> {
    SERVICES.iter().find(|doc| doc.name == name)
}
