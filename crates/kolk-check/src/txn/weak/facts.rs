//! Who reads what from whom, who writes what, and in which order sessions run.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use crate::txn::components::Components;
use crate::txn::graph::{Builder, Graph, Kinds};
use crate::txn::same_key::SameKey;
use crate::txn::table::{MicroOp, NONE, Table};

/// Up to how many keys are searched one by one. More are sorted.
pub(super) const FEW: usize = 16;

/// How many numbers it may take at most to tell what each transaction sees of each session, where
/// chains take the place of sessions.
const SEEN_MAX: u64 = 1 << 32;

/// A read of another transaction's write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub key: u32,
    /// Who wrote what was read; [`NONE`] for nothing.
    pub from: u32,
}

/// Reads that no level allows. All but the last kind are reported where the other anomalies are.
#[derive(Debug, Default)]
pub(super) struct Foul {
    /// Whether somebody read what nobody wrote, what failed, what its writer overwrote, or what the
    /// reader wrote only later.
    dirty: bool,
    /// Reads of a key that do not see what their own transaction had written to it: the transaction
    /// and the micro-operation's place.
    pub not_its_own: Vec<(u32, u32)>,
}

impl Foul {
    pub(super) fn is_clean(&self) -> bool {
        !self.dirty && self.not_its_own.is_empty()
    }
}

/// Reads, writes and sessions, by transaction.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub table: &'a Table,
    read_starts: Vec<u32>,
    reads: Vec<Read>,
    write_starts: Vec<u32>,
    writes: Vec<u32>,
    session_starts: Vec<u32>,
    members: Vec<u32>,
    /// Each transaction's session and its place there.
    pub places: Vec<(u32, u32)>,
    /// The transaction before in the order of its process.
    previous: Vec<u32>,
    pub foul: Foul,
    pub with_sessions: bool,
    /// The order of sessions, writers and readers, once it was asked for.
    known: OnceCell<Graph>,
}

impl<'a> Facts<'a> {
    /// The facts of a table. Without sessions no transaction comes before another by its process.
    pub(super) fn new(table: &'a Table, with_sessions: bool) -> Facts<'a> {
        let mut facts = Facts {
            table,
            read_starts: Vec::with_capacity(table.len() + 1),
            reads: Vec::new(),
            write_starts: Vec::with_capacity(table.len() + 1),
            writes: Vec::new(),
            session_starts: Vec::new(),
            members: Vec::new(),
            places: vec![(NONE, NONE); table.len()],
            previous: vec![NONE; table.len()],
            foul: Foul::default(),
            with_sessions,
            known: OnceCell::new(),
        };
        let happened = facts.add_reads();
        facts.add_writes(&happened);
        facts.add_sessions(&happened);
        facts
    }

    /// The facts without sessions, in which *chains* take their place: transactions each of which
    /// read from the one before.
    pub(super) fn in_chains(table: &'a Table) -> Facts<'a> {
        let mut facts = Facts::new(table, false);
        let components = Components::new(facts.known_graph(), Kinds::ALL);
        let mut order: Vec<u32> = (0..table.len() as u32)
            .filter(|number| facts.places[*number as usize].0 != NONE)
            .collect();
        // Edges lead to lower numbers.
        order.sort_unstable_by_key(|number| std::cmp::Reverse(components.of[*number as usize]));
        let mut chains: Vec<Vec<u32>> = Vec::new();
        for number in order {
            let is_last = |from: u32| {
                let chain = chains.get(facts.places[from as usize].0 as usize);
                chain.is_some_and(|chain| chain.last() == Some(&from))
            };
            let mut reads = facts.reads(number).iter().filter(|read| read.from != NONE);
            let chain = match reads.find(|read| is_last(read.from)) {
                Some(read) => facts.places[read.from as usize].0,
                None => {
                    chains.push(Vec::new());
                    chains.len() as u32 - 1
                }
            };
            let members = &mut chains[chain as usize];
            facts.places[number as usize] = (chain, members.len() as u32);
            members.push(number);
        }
        facts.session_starts = std::iter::once(0)
            .chain(chains.iter().scan(0, |end, chain| {
                *end += chain.len() as u32;
                Some(*end)
            }))
            .collect();
        facts.members = chains.concat();
        facts
    }

    /// Whether there are so few sessions that what each transaction sees of each can be told.
    pub(super) fn are_few_sessions(&self) -> bool {
        u64::from(self.sessions()) * self.table.len() as u64 <= SEEN_MAX
    }

    /// Takes all reads of acknowledged transactions. Gives who surely happened: they, and whoever's
    /// writes they read.
    fn add_reads(&mut self) -> Vec<bool> {
        let table = self.table;
        let mut happened: Vec<bool> = (0..table.len() as u32).map(|t| table.is_ok(t)).collect();
        let mut same_key = SameKey::new(table);
        self.read_starts.push(0);
        for transaction in 0..table.len() as u32 {
            if table.is_ok(transaction) {
                same_key.enter(table, transaction);
                for at in table.range(transaction) {
                    self.add_read(&same_key, transaction, at as u32, &mut happened);
                }
            }
            self.read_starts.push(self.reads.len() as u32);
        }
        // A list shows who appended before its last element, too.
        for key in 0..table.keys.len() as u32 {
            for element in table.spine(key) {
                let writer = table.elements.writer(*element);
                if writer != NONE && table.is_possible(writer) {
                    happened[writer as usize] = true;
                }
            }
        }
        happened
    }

    fn add_read(&mut self, same_key: &SameKey, transaction: u32, at: u32, happened: &mut [bool]) {
        let table = self.table;
        let read = table.operations[at as usize];
        if read.is_write() {
            return;
        }
        let Some(value) = table.last_read(read) else { return };
        let mut own = same_key.all_before(at).map(|at| table.operations[at as usize]);
        if let Some(own) = own.find(|earlier| earlier.is_write()) {
            if value != Some(own.element()) {
                self.foul.not_its_own.push((transaction, at));
            }
            return;
        }
        let Some(element) = value else {
            self.reads.push(Read { key: read.key(), from: NONE });
            return;
        };
        let writer = table.origin_of_read(read, element).sound_writer();
        let Some(from) = writer.filter(|writer| *writer != transaction) else {
            self.foul.dirty = true;
            return;
        };
        happened[from as usize] = true;
        self.reads.push(Read { key: read.key(), from });
    }

    fn add_writes(&mut self, happened: &[bool]) {
        let table = self.table;
        self.write_starts.push(0);
        for transaction in 0..table.len() as u32 {
            let first = self.writes.len();
            if happened[transaction as usize] {
                let writes = table.micro_ops(transaction).iter().filter(|micro_op| {
                    micro_op.is_write() && {
                        let origin = micro_op.origin();
                        origin.is_final() && origin.writer() == transaction
                    }
                });
                self.writes.extend(writes.map(|write| write.key()));
            }
            if self.writes.len() - first > FEW {
                self.writes[first..].sort_unstable();
            }
            self.write_starts.push(self.writes.len() as u32);
        }
    }

    /// A session for each process. What is not known to be acknowledged may have happened at any
    /// time after its invocation, so nothing comes after it, and it has a session of its own.
    fn add_sessions(&mut self, happened: &[bool]) {
        let table = self.table;
        // Transactions are in the order of their completions, and a process runs one after another.
        let mut sessions: FxHashMap<u32, u32> = FxHashMap::default();
        // Of each session, how many there are and which is the last.
        let mut ends: Vec<(u32, u32)> = Vec::new();
        let mut alone = Vec::new();
        for number in (0..table.len() as u32).filter(|number| happened[*number as usize]) {
            let process = table.transactions[number as usize].process;
            let session = *sessions.entry(process).or_insert(ends.len() as u32);
            if session as usize == ends.len() {
                ends.push((0, NONE));
            }
            let (size, last) = &mut ends[session as usize];
            if self.with_sessions {
                self.previous[number as usize] = *last;
            }
            if table.is_ok(number) {
                self.places[number as usize] = (session, *size);
                (*size, *last) = (*size + 1, number);
            } else {
                alone.push(number);
            }
        }
        for number in alone {
            self.places[number as usize] = (ends.len() as u32, 0);
            ends.push((1, number));
        }
        let mut begin = 0;
        for (size, _) in &ends {
            self.session_starts.push(begin);
            begin += size;
        }
        self.session_starts.push(begin);
        self.members = vec![NONE; begin as usize];
        for (number, (session, place)) in self.places.iter().enumerate() {
            if *session != NONE {
                let start = self.session_starts[*session as usize];
                self.members[(start + place) as usize] = number as u32;
            }
        }
    }

    /// A transaction's reads of what others wrote, in its own order.
    #[inline]
    pub(super) fn reads(&self, transaction: u32) -> &[Read] {
        let at = transaction as usize;
        &self.reads[self.read_starts[at] as usize..self.read_starts[at + 1] as usize]
    }

    /// The keys a transaction writes, each once; in ascending order if they are many.
    #[inline]
    pub(super) fn writes(&self, transaction: u32) -> &[u32] {
        let at = transaction as usize;
        &self.writes[self.write_starts[at] as usize..self.write_starts[at + 1] as usize]
    }

    /// The number of sessions.
    pub(super) fn sessions(&self) -> u32 {
        self.session_starts.len() as u32 - 1
    }

    /// A session's transactions in their order.
    pub(super) fn session(&self, session: u32) -> &[u32] {
        let at = session as usize;
        &self.members[self.session_starts[at] as usize..self.session_starts[at + 1] as usize]
    }

    /// The transaction before in the order of its process.
    #[inline]
    pub(super) fn previous(&self, transaction: u32) -> Option<u32> {
        Some(self.previous[transaction as usize]).filter(|previous| *previous != NONE)
    }

    /// Who wrote what a read saw; [`NONE`] if nobody did.
    pub(super) fn reads_from(&self, read: MicroOp) -> u32 {
        let element = self.table.last_read(read).flatten();
        element.map_or(NONE, |element| self.table.elements.writer(element))
    }

    /// The graph of that order.
    pub(super) fn known_graph(&self) -> &Graph {
        self.known.get_or_init(|| {
            let mut graph = Builder::new(self.table.len());
            self.known_order(&mut graph);
            graph.finish()
        })
    }

    /// Adds the order of sessions, and of writers and their readers.
    pub(super) fn known_order(&self, graph: &mut Builder) {
        for transaction in 0..self.table.len() as u32 {
            if let Some(previous) = self.previous(transaction) {
                graph.edge(previous, transaction, Kinds::PROCESS);
            }
            let mut last = NONE;
            for read in self.reads(transaction) {
                if read.from != NONE && read.from != last {
                    last = read.from;
                    graph.edge(read.from, transaction, Kinds::WR);
                }
            }
        }
    }
}
