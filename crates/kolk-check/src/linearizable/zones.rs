//! Histories in which every value that somebody sees was set once, in O(n log n).
//!
//! Then each value has a *cluster*: the operation that set it, and those that saw it. Clusters come
//! one after another, and a swap ties two together: it is the last of one and the first of the
//! next, so that all clusters tied by swaps are one *block*. A block whose first end comes before
//! its last beginning covers the time between them, its *forward zone*: the value was there all
//! that time. The operations of any other block all overlap, from the last beginning to the first
//! end, its *backward zone*, and it fits wherever there is a point in that which no forward zone
//! covers. So the history is linearizable iff no operation of a block ends before one begins that
//! comes earlier in the block, no two forward zones overlap, and no backward zone lies within a
//! forward zone.
//!
//! Gibbons & Korach, *Testing shared memories*, SIAM Journal on Computing 26, 1997, section 4;
//! unambiguous histories of other types: Lee & Mathur, *Efficient decrease-and-conquer
//! linearizability monitoring*, OOPSLA 2025.

use super::problem::{Effect, INITIAL, Op, Problem, UNSEEN};

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Zoned {
    /// This order explains everything.
    Order(Vec<u32>),
    /// There is none, by these operations alone.
    None { proof: Vec<u32> },
    /// A value was set more than once.
    Ambiguous,
}

/// A time: before the first event is −1.
type Moment = i64;

const NOBODY: u32 = u32::MAX;

/// Who set and who saw each value.
struct Clusters {
    /// The operation that set the value.
    setter: Vec<u32>,
    /// The swap that replaced it.
    swap: Vec<u32>,
    /// The reads of value `v` are `reads[first_read[v]..first_read[v + 1]]`, in their order.
    first_read: Vec<u32>,
    reads: Vec<u32>,
}

/// Clusters tied by swaps.
struct Block {
    /// Its operations in their order.
    ops: Vec<u32>,
    first_ret: Moment,
    last_call: Moment,
    /// Whose these are.
    first_to_end: u32,
    last_to_begin: u32,
    /// An operation that ended before one began that comes earlier in the block.
    conflict: Option<(u32, u32)>,
}

impl Block {
    fn is_forward(&self) -> bool {
        self.first_ret < self.last_call
    }
}

/// Decides a problem, unless it is ambiguous.
pub(super) fn decide(problem: &Problem) -> Zoned {
    let clusters = match Clusters::new(problem) {
        Ok(clusters) => clusters,
        Err(zoned) => return zoned,
    };
    let blocks = clusters.blocks(problem);
    let placed: usize = blocks.iter().map(|block| block.ops.len()).sum();
    if placed < problem.ops.len() {
        // Swaps that see one another's values in a circle, or a value that nobody set.
        let mut is_placed = vec![false; problem.ops.len()];
        blocks.iter().flat_map(|block| &block.ops).for_each(|op| is_placed[*op as usize] = true);
        let left = (0..problem.ops.len() as u32).filter(|op| !is_placed[*op as usize]);
        return Zoned::None { proof: left.collect() };
    }
    order(blocks)
}

impl Clusters {
    fn new(problem: &Problem) -> Result<Clusters, Zoned> {
        let values = problem.values as usize;
        let mut clusters = Clusters {
            setter: vec![NOBODY; values],
            swap: vec![NOBODY; values],
            first_read: vec![0; values + 1],
            reads: Vec::new(),
        };
        for (at, op) in (0..).zip(&problem.ops) {
            let set = match op.effect {
                Effect::Append(_) => return Err(Zoned::Ambiguous),
                Effect::Read(value) => {
                    clusters.first_read[value as usize + 1] += 1;
                    continue;
                }
                Effect::Write(to) | Effect::Swap { to, .. } => to,
            };
            if set == UNSEEN {
                continue;
            }
            let setter = &mut clusters.setter[set as usize];
            if *setter != NOBODY || set == INITIAL {
                return Err(Zoned::Ambiguous);
            }
            *setter = at;
        }
        for (at, op) in (0..).zip(&problem.ops) {
            if let Effect::Swap { from, .. } = op.effect {
                let swap = &mut clusters.swap[from as usize];
                if *swap != NOBODY {
                    // Of two swaps that saw the same value, set once, one cannot have happened.
                    let setter = clusters.setter[from as usize];
                    let proof = [setter, *swap, at].into_iter().filter(|op| *op != NOBODY);
                    return Err(Zoned::None { proof: proof.collect() });
                }
                *swap = at;
            }
        }
        clusters.sort_reads(problem);
        Ok(clusters)
    }

    fn sort_reads(&mut self, problem: &Problem) {
        for value in 1..self.first_read.len() {
            self.first_read[value] += self.first_read[value - 1];
        }
        let mut next = self.first_read.clone();
        self.reads = vec![0; next[next.len() - 1] as usize];
        for (at, op) in (0..).zip(&problem.ops) {
            if let Effect::Read(value) = op.effect {
                let place = &mut next[value as usize];
                self.reads[*place as usize] = at;
                *place += 1;
            }
        }
    }

    /// The blocks: one for the initial value, one for each write.
    fn blocks(&self, problem: &Problem) -> Vec<Block> {
        let mut blocks = vec![self.block(problem, NOBODY)];
        let writes = (0..).zip(&problem.ops);
        let writes = writes.filter(|(_, op)| matches!(op.effect, Effect::Write(_)));
        blocks.extend(writes.map(|(at, _)| self.block(problem, at)));
        blocks
    }

    /// The block that begins with this write, or with the initial value.
    fn block(&self, problem: &Problem, first: u32) -> Block {
        let op_of = |at: u32| problem.ops.get(at as usize);
        let mut block = Block {
            ops: Vec::new(),
            first_ret: if first == NOBODY { -1 } else { Moment::MAX },
            last_call: -1,
            first_to_end: NOBODY,
            last_to_begin: NOBODY,
            conflict: None,
        };
        let mut setter = first;
        loop {
            let value = match op_of(setter).map(|op| op.effect) {
                None => INITIAL,
                Some(Effect::Write(to) | Effect::Swap { to, .. }) => to,
                Some(Effect::Read(_) | Effect::Append(_)) => return block,
            };
            if let Some(op) = op_of(setter) {
                block.check(setter, op);
                block.join(setter, op);
            }
            if value == UNSEEN {
                return block;
            }
            let reads = self.first_read[value as usize]..self.first_read[value as usize + 1];
            let reads = &self.reads[reads.start as usize..reads.end as usize];
            // Reads of one value come in any order: none is checked against another.
            let of = |read: &u32| (*read, &problem.ops[*read as usize]);
            reads.iter().map(of).for_each(|(read, op)| block.check(read, op));
            reads.iter().map(of).for_each(|(read, op)| block.join(read, op));
            setter = self.swap[value as usize];
            if setter == NOBODY {
                return block;
            }
        }
    }
}

impl Block {
    fn check(&mut self, at: u32, op: &Op) {
        if Moment::from(op.ret) < self.last_call && self.conflict.is_none() {
            self.conflict = Some((self.last_to_begin, at));
        }
    }

    fn join(&mut self, at: u32, op: &Op) {
        self.ops.push(at);
        if Moment::from(op.ret) < self.first_ret {
            (self.first_ret, self.first_to_end) = (Moment::from(op.ret), at);
        }
        if Moment::from(op.call) > self.last_call {
            (self.last_call, self.last_to_begin) = (Moment::from(op.call), at);
        }
    }

    /// Enough of its operations to show that it is in another's way: all up to the last that
    /// matters.
    fn proof(&self) -> impl Iterator<Item = u32> {
        self.ops.iter().copied()
    }
}

/// Puts blocks in order.
fn order(mut blocks: Vec<Block>) -> Zoned {
    if let Some(block) = blocks.iter().find(|block| block.conflict.is_some()) {
        return Zoned::None { proof: block.proof().collect() };
    }
    blocks.retain(|block| !block.ops.is_empty());
    let both = |a: &Block, b: &Block| Zoned::None { proof: a.proof().chain(b.proof()).collect() };
    let mut forward: Vec<u32> = (0..blocks.len() as u32).collect();
    forward.retain(|block| blocks[*block as usize].is_forward());
    forward.sort_unstable_by_key(|block| blocks[*block as usize].first_ret);
    let forward: Vec<&Block> = forward.iter().map(|block| &blocks[*block as usize]).collect();
    for two in forward.windows(2) {
        if two[1].first_ret < two[0].last_call {
            return both(two[0], two[1]);
        }
    }
    let mut places: Vec<(Moment, bool, u32)> = Vec::with_capacity(blocks.len());
    for (at, block) in (0..).zip(&blocks) {
        if block.is_forward() {
            places.push((block.last_call, false, at));
            continue;
        }
        // The forward zone that covers the point where the block would come first.
        let next = forward.partition_point(|zone| zone.first_ret < block.last_call);
        let cover = next.checked_sub(1).map(|before| forward[before]);
        match cover.filter(|zone| zone.last_call > block.last_call) {
            Some(zone) if zone.last_call > block.first_ret => return both(zone, block),
            Some(zone) => places.push((zone.last_call, true, at)),
            None => places.push((block.last_call, true, at)),
        }
    }
    places.sort_unstable();
    let ordered = places.iter().flat_map(|(.., at)| &blocks[*at as usize].ops);
    Zoned::Order(ordered.copied().collect())
}
