//! The micro-operations of transactions, packed.
//!
//! A history of a million transactions holds millions of `["append", 5, 7]`. As a tree of
//! [`Value`]s each takes some 150 bytes and four allocations; packed it takes two words and one for
//! each integer, in one allocation for a whole transaction.

use std::sync::Arc;

use crate::Value;

/// What a micro-operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MicroFunction {
    /// `r`: read a key.
    Read,
    /// `append`: append to a list.
    Append,
    /// `w`: set a register.
    Write,
}

impl MicroFunction {
    const ALL: [MicroFunction; 3] =
        [MicroFunction::Read, MicroFunction::Append, MicroFunction::Write];

    /// The name in histories.
    pub const fn name(self) -> &'static str {
        self.word()
    }

    const fn word(self) -> &'static &'static str {
        match self {
            MicroFunction::Read => &"r",
            MicroFunction::Append => &"append",
            MicroFunction::Write => &"w",
        }
    }
}

/// What a micro-operation wrote or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand<'a> {
    /// Nothing, or it is not known.
    Null,
    /// An integer.
    Int(i64),
    /// A list of integers.
    Ints(&'a [i64]),
}

impl Operand<'_> {
    /// The same as a value.
    pub fn value(self) -> Value {
        match self {
            Operand::Null => Value::Null,
            Operand::Int(int) => Value::Int(int),
            Operand::Ints(ints) => Value::ints(ints.to_vec()),
        }
    }
}

/// One micro-operation: `[function, key, operand]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicroOp<'a> {
    /// What it does.
    pub function: MicroFunction,
    /// To which key.
    pub key: i64,
    /// What was written or read.
    pub operand: Operand<'a>,
}

const NULL: i64 = 0;
const INT: i64 = 1;
const INTS: i64 = 2;

/// A transaction's micro-operations, one at least, whose keys and values are integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicroOps {
    /// Of each its head (function, kind and length of the operand), its key, its operand.
    words: Box<[i64]>,
    /// Whether functions are keywords, as in EDN, and not strings, as in JSON.
    keywords: bool,
}

impl MicroOps {
    /// The micro-operations in their order.
    pub fn iter(&self) -> impl Iterator<Item = MicroOp<'_>> {
        let mut rest = &*self.words;
        std::iter::from_fn(move || {
            let (head, key, tail) = match rest {
                [head, key, tail @ ..] => (*head, *key, tail),
                _ => return None,
            };
            let (operand, length) = match head >> 2 & 3 {
                INT => (Operand::Int(tail[0]), 1),
                INTS => {
                    let length = (head >> 4) as usize;
                    (Operand::Ints(&tail[..length]), length)
                }
                _ => (Operand::Null, 0),
            };
            rest = &tail[length..];
            Some(MicroOp { function: MicroFunction::ALL[(head & 3) as usize], key, operand })
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Never true: packed are transactions of one micro-operation at least.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The same as a list of lists.
    pub fn to_list(&self) -> Vec<Value> {
        let value = |micro_op: MicroOp<'_>| {
            let word = micro_op.function.word();
            let function = if self.keywords { Value::Keyword(word) } else { Value::text(*word) };
            let parts = vec![function, Value::Int(micro_op.key), micro_op.operand.value()];
            Value::List(Arc::new(parts))
        };
        self.iter().map(value).collect()
    }

    /// Whether functions are keywords, and not strings.
    pub fn has_keywords(&self) -> bool {
        self.keywords
    }
}

/// Packs micro-operations, one transaction after another.
#[derive(Debug, Default)]
pub struct Packer {
    words: Vec<i64>,
    /// Where the head of a micro-operation stands whose list is not finished.
    open: usize,
}

impl Packer {
    /// Forgets what was not finished.
    pub fn clear(&mut self) {
        self.words.clear();
    }

    /// Adds a micro-operation whose operand is not a list.
    pub fn push(&mut self, function: MicroFunction, key: i64, operand: Option<i64>) {
        let kind = if operand.is_some() { INT } else { NULL };
        self.words.extend([function as i64 | kind << 2, key]);
        self.words.extend(operand);
    }

    /// Adds a micro-operation with an empty list.
    pub fn begin_list(&mut self, function: MicroFunction, key: i64) {
        self.open = self.words.len();
        self.words.extend([function as i64 | INTS << 2, key]);
    }

    /// Adds an integer to the list begun last.
    pub fn push_int(&mut self, int: i64) {
        self.words.push(int);
        self.words[self.open] += 1 << 4;
    }

    /// The transaction. Its functions are keywords or strings.
    pub fn finish(&mut self, keywords: bool) -> Value {
        if self.words.is_empty() {
            return Value::List(Arc::default());
        }
        let words = self.words.as_slice().into();
        self.words.clear();
        Value::MicroOps(Arc::new(MicroOps { words, keywords }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_is_what_it_was() {
        let mut packer = Packer::default();
        for (keywords, json) in [
            (false, r#"[["append",3,-7],["r",-1,[1,2]],["r",9,null],["r",4,[]],["w",0,5]]"#),
            (true, r#"[["r",3,4]]"#),
            (false, "[]"),
        ] {
            packer.push(MicroFunction::Append, 1, None);
            packer.clear();
            let plain = Value::from_json(json).unwrap();
            for micro_op in plain.as_list().unwrap().iter() {
                let parts = micro_op.as_list().unwrap();
                let name = parts[0].as_str().unwrap();
                let function =
                    MicroFunction::ALL.into_iter().find(|known| known.name() == name).unwrap();
                let key = parts[1].as_int().unwrap();
                match &parts[2] {
                    Value::Null => packer.push(function, key, None),
                    Value::Int(int) => packer.push(function, key, Some(*int)),
                    list => {
                        packer.begin_list(function, key);
                        for int in list.as_list().unwrap().iter() {
                            packer.push_int(int.as_int().unwrap());
                        }
                    }
                }
            }
            let packed = packer.finish(keywords);
            assert_eq!(packed.to_string(), json);
            assert_eq!(packed == plain, !keywords || json == "[]");
            assert_eq!(plain == packed, !keywords || json == "[]");
            assert_eq!(packed, packed.clone());
            let list = Value::list(packed.as_list().unwrap().to_vec());
            assert_eq!(list, packed, "{json}");
        }
    }
}
