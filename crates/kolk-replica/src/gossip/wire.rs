//! The messages between nodes: one type, in which every field is optional.

use serde::{Deserialize, Serialize};

use super::runs::Runs;
use super::version::VersionVector;

/// The body of a message.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message<T> {
    Gossip(Packet<T>),
}

/// Keys are single letters, and what is at its default is left out: every byte is parsed, and
/// there are many of these messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Packet<T> {
    /// The sender's clock, in milliseconds.
    #[serde(rename = "t", default, skip_serializing_if = "is_default")]
    pub(super) clock: u64,
    /// The receiver's clock as it was last heard, and how many milliseconds ago that was.
    #[serde(rename = "e", default, skip_serializing_if = "is_default")]
    pub(super) echo: Option<(u64, u64)>,
    /// The stream that is acknowledged is held up to here.
    #[serde(rename = "a", default, skip_serializing_if = "is_default")]
    pub(super) ack: u64,
    /// What comes behind `ack` and before this has not arrived, though later parts have.
    #[serde(rename = "g", default, skip_serializing_if = "is_default")]
    pub(super) gap: u64,
    /// This packet is the sender's stream from `from` to `to`; with `from` at 0 everything before
    /// `to` that was not in earlier packets is in this one. With `to` at 0 it is no part of the
    /// stream.
    #[serde(rename = "f", default, skip_serializing_if = "is_default")]
    pub(super) from: u64,
    /// The end of the part of the stream that this packet is: see `from`.
    #[serde(rename = "n", default, skip_serializing_if = "is_default")]
    pub(super) to: u64,
    /// Values that the receiver should know.
    #[serde(rename = "r", default, skip_serializing_if = "Runs::is_empty")]
    pub(super) runs: Runs<T>,
    /// Values that the receiver should know, and pass on to everybody.
    #[serde(rename = "s", default, skip_serializing_if = "Runs::is_empty")]
    pub(super) spread: Runs<T>,
    /// The runs to be passed on were sent so that they would arrive just before the receiver does
    /// so.
    #[serde(rename = "j", default, skip_serializing_if = "is_default")]
    pub(super) timed: bool,
    /// The receiver must answer at once.
    #[serde(rename = "q", default, skip_serializing_if = "is_default")]
    pub(super) ask: bool,
    /// The version vector of the sender's values.
    #[serde(rename = "v", default, skip_serializing_if = "is_default")]
    pub(super) version: Option<VersionVector>,
    /// The receiver must send the values that are missing in `version`.
    #[serde(rename = "w", default, skip_serializing_if = "is_default")]
    pub(super) want: bool,
}

// Not derived: `T` needs no default.
impl<T> Default for Packet<T> {
    fn default() -> Packet<T> {
        Packet {
            clock: 0,
            echo: None,
            ack: 0,
            gap: 0,
            from: 0,
            to: 0,
            runs: Runs::default(),
            spread: Runs::default(),
            timed: false,
            ask: false,
            version: None,
            want: false,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
