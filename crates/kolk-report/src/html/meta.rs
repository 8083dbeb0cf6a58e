//! What the page is told beside the tables: the run, names, how many of what.

use kolk_history::Function;
use kolk_history::Plan;
use kolk_history::node_events::Kind;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Stored;
use super::error::HtmlError;
use super::intern::Names;
use super::logs::StoredLog;
use super::messages::Messages;
use super::node_events;
use super::offsets::Offsets;
use super::operations::Operations;

/// The version of the page's data.
const FORMAT: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    format: u32,
    plan: &'a Plan,
    results: &'a RawValue,
    /// Those the history's operations name.
    nodes: &'a [String],
    actors: &'a [String],
    kinds: &'a [String],
    functions: Vec<&'static str>,
    message_count: usize,
    copy_count: usize,
    event_count: u32,
    operation_count: usize,
    body_starts: &'a [u64],
    value_starts: &'a [u64],
    /// For the log alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    offsets: Option<OffsetsMeta<'a>>,
    logs: Vec<Log<'a>>,
    /// Roles and leaders that the nodes' states name.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    state_names: &'a [String],
    #[serde(skip_serializing_if = "is_zero")]
    node_events: usize,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    event_names: &'a [String],
    /// What can become of a node and its disk, by the numbers in the table of events.
    #[serde(skip_serializing_if = "<[Kind]>::is_empty")]
    event_kinds: &'static [Kind],
    /// Of a run that was made small.
    #[serde(skip_serializing_if = "Option::is_none")]
    small: Option<&'a RawValue>,
}

/// What is told of the nodes: their logs, and what became of them.
pub struct OfNodes<'a> {
    pub logs: &'a [StoredLog],
    pub state_names: &'a Names,
    pub events: &'a node_events::Stored,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OffsetsMeta<'a> {
    keys: Vec<(&'a str, usize)>,
    value_starts: &'a [u64],
}

impl<'a> From<&'a Offsets> for OffsetsMeta<'a> {
    fn from(offsets: &'a Offsets) -> OffsetsMeta<'a> {
        OffsetsMeta {
            keys: offsets.keys.iter().map(|key| (key.name.as_str(), key.count)).collect(),
            value_starts: &offsets.value_starts,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    node: &'a str,
    count: u64,
    starts: &'a [u64],
    is_timed: bool,
    #[serde(skip_serializing_if = "is_zero")]
    states: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl<'a> From<&'a StoredLog> for Log<'a> {
    fn from(log: &'a StoredLog) -> Log<'a> {
        Log {
            node: &log.node,
            count: log.count,
            starts: &log.starts,
            is_timed: log.is_timed,
            states: log.states,
        }
    }
}

/// The JSON of the part `meta`.
pub fn json(
    stored: &Stored<'_>,
    messages: &Messages,
    operations: &Operations,
    offsets: Option<&Offsets>,
    of_nodes: &OfNodes<'_>,
    small: Option<&str>,
) -> Result<String, HtmlError> {
    let results = crate::stored::current(stored.results);
    let meta = Meta {
        format: FORMAT,
        plan: stored.plan,
        results: serde_json::from_str(&results).map_err(HtmlError::Results)?,
        nodes: &stored.history.nodes,
        actors: messages.actors.list(),
        kinds: messages.kinds.list(),
        functions: Function::ALL.iter().map(|function| function.name()).collect(),
        message_count: messages.count(),
        copy_count: messages.copy_count(),
        event_count: messages.event_count,
        operation_count: operations.count,
        body_starts: &messages.body_starts,
        value_starts: &operations.value_starts,
        offsets: offsets.map(OffsetsMeta::from),
        logs: of_nodes.logs.iter().map(Log::from).collect(),
        state_names: of_nodes.state_names.list(),
        node_events: of_nodes.events.count,
        event_names: of_nodes.events.names.list(),
        event_kinds: if of_nodes.events.count > 0 { &Kind::ALL } else { &[] },
        small: small.map(serde_json::from_str).transpose().map_err(HtmlError::Small)?,
    };
    serde_json::to_string(&meta).map_err(HtmlError::Results)
}
