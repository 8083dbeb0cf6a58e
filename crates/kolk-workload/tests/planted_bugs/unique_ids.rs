//! Ids that are not as unique as their author thinks.

use std::cell::Cell;

use kolk_node::workload::{key_value, timestamp, unique_ids};
use kolk_node::{Context, ErrorCode, Machine, Node, Random, RpcError, machine};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Place, Row, find_all, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Sound: the node's name and a count.
    NameAndCount,
    /// Sound: a timestamp of `lin-tso`.
    Timestamp,
    /// Sound: a counter in `lin-kv`, raised by compare-and-set.
    Counter,
    /// A count that every node begins at 0.
    CountAlone,
    /// The milliseconds since the beginning.
    Clock,
    /// The node's name and a count of one byte.
    Wraps,
    /// A random number of 12 bits.
    SmallRandom,
    /// A random number from a generator that every node seeds alike.
    SharedSeed,
    /// A counter in `lin-kv`, read and then written.
    ReadThenWrite,
    /// A counter in `seq-kv`, read and then written: what is read may be old.
    StaleCounter,
    /// A counter raised by compare-and-set, in a store where the last write wins.
    LastWriteWins,
    /// Blocks of ids that one node hands out; without an answer from it the last block is used
    /// once more.
    ReusesBlock,
}

const SOUND: &[Kind] = &[Kind::NameAndCount, Kind::Timestamp, Kind::Counter];

const fn row(bug: Kind, place: Place) -> Row<Kind> {
    Row { bug, place, named: "duplicate-id", beside: &[] }
}

const ROWS: &[Row<Kind>] = &[
    row(Kind::CountAlone, Place::Calm),
    row(Kind::Clock, Place::Calm),
    row(Kind::Wraps, Place::Calm),
    row(Kind::SmallRandom, Place::Calm),
    row(Kind::SharedSeed, Place::Calm),
    row(Kind::ReadThenWrite, Place::Calm),
    row(Kind::StaleCounter, Place::Calm),
    row(Kind::LastWriteWins, Place::Calm),
    row(Kind::ReusesBlock, Place::Partitions),
];

#[test]
fn bugs_are_found() {
    find_all("unique-ids", ROWS, make);
}

#[test]
fn without_a_bug_they_pass() {
    pass_everywhere("unique-ids", SOUND, make);
}

fn make(kind: Kind) -> Box<dyn Machine> {
    machine(move |_| Ids {
        kind,
        count: Cell::new(0),
        leased: Cell::new(0),
        block: Cell::new(0),
        random: Cell::new(Random::from_seed(42)),
    })
}

struct Ids {
    kind: Kind,
    count: Cell<i64>,
    /// How many blocks this node has handed out.
    leased: Cell<i64>,
    /// The block this node takes its ids from.
    block: Cell<i64>,
    random: Cell<Random>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Generate {},
    Lease {},
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    GenerateOk { id: Value },
    LeaseOk { block: i64 },
}

/// How many ids there are in a block.
const BLOCK: i64 = 10;

impl Node for Ids {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Generate {} => Ok(Reply::GenerateOk { id: self.id(cx).await? }),
            Request::Lease {} => {
                self.leased.set(self.leased.get() + 1);
                Ok(Reply::LeaseOk { block: self.leased.get() })
            }
        }
    }
}

impl Ids {
    async fn id(&self, cx: &Context) -> Result<Value, RpcError> {
        let count = self.count.get();
        self.count.set(count + 1);
        Ok(match self.kind {
            Kind::NameAndCount => json!([cx.node_id(), count]),
            Kind::CountAlone => json!(count),
            Kind::Clock => json!(cx.now().as_millis()),
            Kind::Wraps => json!(format!("{}-{}", cx.node_id(), count as u8 % 64)),
            Kind::SmallRandom => json!(cx.rng().below(4096)),
            Kind::SharedSeed => {
                let mut random = self.random.replace(Random::from_seed(0));
                let id = random.next_u64();
                self.random.set(random);
                json!(id)
            }
            Kind::Timestamp => {
                let timestamp::Reply::TsOk { ts } =
                    cx.rpc("lin-tso", &timestamp::Request::Ts {}).await?;
                json!(ts)
            }
            Kind::Counter => json!(raise_by_cas(cx, "lin-kv").await?),
            Kind::LastWriteWins => json!(raise_by_cas(cx, "lww-kv").await?),
            Kind::ReadThenWrite => json!(raise_by_write(cx, "lin-kv").await?),
            Kind::StaleCounter => json!(raise_by_write(cx, "seq-kv").await?),
            Kind::ReusesBlock => {
                if count % BLOCK == 0 {
                    self.lease(cx).await;
                }
                json!([self.block.get(), count % BLOCK])
            }
        })
    }

    async fn lease(&self, cx: &Context) {
        let Some(first) = cx.node_ids().first() else { return };
        if let Ok(Reply::LeaseOk { block }) = cx.rpc(first, &Request::Lease {}).await {
            self.block.set(block);
        }
    }
}

type Ask = key_value::Request<&'static str, i64>;
type Answer = key_value::Reply<i64>;

const KEY: &str = "counter";

/// What the counter holds; 0 if there is none.
async fn look(cx: &Context, store: &str) -> Result<i64, RpcError> {
    match cx.rpc::<Answer>(store, &Ask::Read { key: KEY }).await {
        Ok(Answer::ReadOk { value }) => Ok(value),
        Ok(_) => Err(RpcError::new(ErrorCode::CRASH, "another reply was expected")),
        Err(error) if error.code == ErrorCode::KEY_DOES_NOT_EXIST => Ok(0),
        Err(error) => Err(error),
    }
}

async fn raise_by_write(cx: &Context, store: &str) -> Result<i64, RpcError> {
    let value = look(cx, store).await? + 1;
    cx.rpc::<Answer>(store, &Ask::Write { key: KEY, value }).await?;
    Ok(value)
}

pub(crate) async fn raise_by_cas(cx: &Context, store: &str) -> Result<i64, RpcError> {
    loop {
        let from = look(cx, store).await?;
        let to = from + 1;
        let raise = if from == 0 && store == "lww-kv" {
            // This store creates nothing by compare-and-set.
            Ask::Write { key: KEY, value: to }
        } else {
            Ask::Cas { key: KEY, from, to, create_if_not_exists: true }
        };
        match cx.rpc::<Answer>(store, &raise).await {
            Ok(_) => return Ok(to),
            Err(error) if error.code == ErrorCode::PRECONDITION_FAILED => {}
            Err(error) => return Err(error),
        }
    }
}

/// The node speaks the protocol that the workload's own types describe.
#[test]
fn replies_are_the_workloads() {
    let reply = serde_json::to_value(Reply::GenerateOk { id: json!(1) }).expect("JSON");
    let same = serde_json::to_value(unique_ids::Reply::GenerateOk { id: json!(1) }).expect("JSON");
    assert_eq!(reply, same);
}
