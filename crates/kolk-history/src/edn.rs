//! EDN, as far as Jepsen's files need it.
//!
//! The format is described at <https://github.com/edn-format/edn>; what Clojure's printer writes
//! beyond it (`##Inf`, namespaced maps, metadata, regular expressions) is read as well. Both sides
//! speak [`Value`](crate::Value) directly, without a tree of their own between.
//!
//! | EDN | [`Value`](crate::Value) |
//! |---|---|
//! | list, vector, set | a list |
//! | keyword | [a keyword](crate::Value::Keyword) if kolk's vocabulary has the word, else a string |
//! | symbol, character | a string |
//! | `1N`, `1.5M` | an integer of any size, a float |
//! | `#tag value` | the value |

mod parser;
mod writer;

pub use parser::{DEPTH_MAX, EdnError, read};
pub use writer::{write, write_pretty};

pub(crate) use parser::Parser;
