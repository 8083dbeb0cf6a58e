//! Values on their way, and how they are written.

use std::fmt;
use std::iter::Take;
use std::marker::PhantomData;
use std::vec::IntoIter;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Values by their origins and numbers, as runs: on the wire each is a list of the origin, the
/// number of the first, and the values, whose numbers are consecutive.
///
/// Most runs are short, so the values of all of them stand in one list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Runs<T> {
    heads: Vec<Run>,
    values: Vec<T>,
}

/// What a run has beside its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) origin: u32,
    /// The number of the first value.
    pub(super) first: u64,
    pub(super) count: usize,
}

impl<T> Runs<T> {
    /// No runs, with room for so many values.
    pub(super) fn with_capacity(count: usize) -> Runs<T> {
        Runs { heads: Vec::with_capacity(count), values: Vec::with_capacity(count) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Adds a value; it belongs to the last run if it is the next one there.
    pub(super) fn push(&mut self, origin: u32, number: u64, value: T) {
        match self.heads.last_mut() {
            Some(run) if run.origin == origin && run.first + run.count as u64 == number => {
                run.count += 1;
            }
            _ => self.heads.push(Run { origin, first: number, count: 1 }),
        }
        self.values.push(value);
    }

    /// The origin and the number of the value that was added last.
    pub(super) fn last(&self) -> Option<(u32, u64)> {
        self.heads.last().map(|run| (run.origin, run.first + (run.count as u64 - 1)))
    }

    /// One run.
    #[cfg(test)]
    pub(super) fn of(origin: u32, first: u64, values: Vec<T>) -> Runs<T> {
        Runs { heads: vec![Run { origin, first, count: values.len() }], values }
    }

    /// All values.
    #[cfg(test)]
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// Takes the runs apart, in order; `each` gets a run's values and must take all of them.
    pub(super) fn take_each(self, mut each: impl FnMut(Run, Take<&mut IntoIter<T>>)) {
        let mut values = self.values.into_iter();
        for run in self.heads {
            each(run, values.by_ref().take(run.count));
        }
    }
}

// Not derived: `T` needs no default.
impl<T> Default for Runs<T> {
    fn default() -> Runs<T> {
        Runs { heads: Vec::new(), values: Vec::new() }
    }
}

impl<T: Serialize> Serialize for Runs<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rest = &self.values[..];
        serializer.collect_seq(self.heads.iter().map(|run| {
            let (values, others) = rest.split_at(run.count);
            rest = others;
            (run.origin, run.first, values)
        }))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Runs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Runs<T>, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Runs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Runs<T>, A::Error> {
                let Runs { mut heads, mut values } = Runs::default();
                while let Some(run) = seq.next_element_seed(RunReader(&mut values))? {
                    heads.push(run);
                }
                Ok(Runs { heads, values })
            }
        }
        deserializer.deserialize_seq(Reader(PhantomData))
    }
}

/// Reads a run, and puts its values behind those of the others.
struct RunReader<'a, T>(&'a mut Vec<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for RunReader<'_, T> {
    type Value = Run;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Run, D::Error> {
        deserializer.deserialize_tuple(3, self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for RunReader<'_, T> {
    type Value = Run;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tuple of size 3")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Run, A::Error> {
        let missing = |count| A::Error::invalid_length(count, &"a tuple of size 3");
        let origin = seq.next_element()?.ok_or_else(|| missing(0))?;
        let first = seq.next_element()?.ok_or_else(|| missing(1))?;
        let count = seq.next_element_seed(ValuesReader(self.0))?.ok_or_else(|| missing(2))?;
        Ok(Run { origin, first, count })
    }
}

/// Reads values and counts them.
struct ValuesReader<'a, T>(&'a mut Vec<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for ValuesReader<'_, T> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ValuesReader<'_, T> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let before = self.0.len();
        while let Some(value) = seq.next_element()? {
            self.0.push(value);
        }
        Ok(self.0.len() - before)
    }
}
