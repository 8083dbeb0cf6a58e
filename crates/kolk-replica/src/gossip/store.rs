//! The values that a node holds: each that it has received, once, or the newest of each origin.

use super::runs::Runs;
use super::version::VersionVector;

/// No value is at this place.
const HOLE: u32 = u32::MAX;

/// How far ahead of what is held a value's number may be. Whatever another node sends, a table must
/// not grow without bounds because of it.
const AHEAD_MAX: u64 = 1 << 20;

/// What becomes of a value when its origin adds another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It stands beside it: a node comes to hold all values.
    All,
    /// The newer one takes its place, since it says everything that the older one said: a node
    /// comes to hold one value of each origin, and who was cut off for long gets no more than that.
    Newest,
}

/// Values in the order in which they came, and by origin and number.
pub(super) struct Store<T> {
    keep: Keep,
    values: Vec<T>,
    /// Of the value at the same place: its origin, its number, and whether this node has passed it
    /// on to everybody.
    ids: Vec<Id>,
    /// By origin and number: the value's place, or [`HOLE`]. With [`Keep::Newest`] an origin has no
    /// more than one place.
    places: Vec<Vec<u32>>,
    version: VersionVector,
    /// The places whose values are new.
    fresh: Vec<u32>,
}

#[derive(Clone, Copy)]
pub(super) struct Id {
    pub(super) origin: u32,
    pub(super) number: u64,
    pub(super) is_spread: bool,
}

/// The outcome of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    /// It is new, and stands at this place.
    New(u32),
    /// It was there, at this place.
    Known(u32),
    /// It cannot be: nobody has that name, or its number is out of all bounds.
    Absurd,
}

impl<T> Store<T> {
    pub(super) fn new(origins: usize, keep: Keep) -> Store<T> {
        Store {
            keep,
            values: Vec::new(),
            ids: Vec::new(),
            places: vec![Vec::new(); origins],
            version: VersionVector::new(origins),
            fresh: Vec::new(),
        }
    }

    /// All values, in the order in which they came.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// The places that have a new value since this was last asked, each once.
    pub(super) fn take_fresh(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.fresh)
    }

    pub(super) fn id(&self, place: u32) -> Id {
        self.ids[place as usize]
    }

    pub(super) fn version(&self) -> &VersionVector {
        &self.version
    }

    /// Where the value with this number stands.
    pub(super) fn place(&self, origin: u32, number: u64) -> Option<u32> {
        let places = self.places.get(origin as usize)?;
        match self.keep {
            Keep::All => {
                let place = *places.get(usize::try_from(number).ok()?)?;
                (place != HOLE).then_some(place)
            }
            Keep::Newest => {
                places.first().copied().filter(|place| self.id(*place).number == number)
            }
        }
    }

    pub(super) fn mark_spread(&mut self, place: u32) {
        self.ids[place as usize].is_spread = true;
    }

    pub(super) fn insert(&mut self, origin: u32, number: u64, value: T) -> Inserted {
        let inserted = match self.keep {
            Keep::All => self.insert_beside(origin, number, value),
            Keep::Newest => self.insert_over(origin, number, value),
        };
        if let Inserted::New(place) = inserted
            && (self.keep == Keep::All || !self.fresh.contains(&place))
        {
            self.fresh.push(place);
        }
        inserted
    }

    fn insert_beside(&mut self, origin: u32, number: u64, value: T) -> Inserted {
        if let Some(place) = self.place(origin, number) {
            return Inserted::Known(place);
        }
        let place = self.values.len() as u32;
        let Some(places) = self.places.get_mut(origin as usize) else { return Inserted::Absurd };
        if number > places.len() as u64 + AHEAD_MAX || place == HOLE {
            return Inserted::Absurd;
        }
        let at = number as usize;
        if at >= places.len() {
            places.resize(at + 1, HOLE);
        }
        places[at] = place;
        self.values.push(value);
        self.ids.push(Id { origin, number, is_spread: false });
        let mut held = self.version.get(origin as usize);
        while places.get(held as usize).is_some_and(|place| *place != HOLE) {
            held += 1;
        }
        self.version.raise(origin as usize, held);
        Inserted::New(place)
    }

    fn insert_over(&mut self, origin: u32, number: u64, value: T) -> Inserted {
        let Some(places) = self.places.get_mut(origin as usize) else { return Inserted::Absurd };
        let id = Id { origin, number, is_spread: false };
        let place = match places.first() {
            Some(place) if number <= self.ids[*place as usize].number => {
                return Inserted::Known(*place);
            }
            Some(place) => {
                (self.values[*place as usize], self.ids[*place as usize]) = (value, id);
                *place
            }
            None => {
                places.push(self.values.len() as u32);
                self.values.push(value);
                self.ids.push(id);
                places[0]
            }
        };
        self.version.raise(origin as usize, number.saturating_add(1));
        Inserted::New(place)
    }
}

impl<T: Clone> Store<T> {
    /// The values at these places as runs, as few as possible. Sorts `places`.
    pub(super) fn runs(&self, places: &mut [u32]) -> Runs<T> {
        let id = |place: u32| (self.id(place).origin, self.id(place).number);
        places.sort_unstable_by_key(|place| id(*place));
        let mut runs = Runs::with_capacity(places.len());
        for &mut place in places {
            let (origin, number) = id(place);
            if runs.last() != Some((origin, number)) {
                runs.push(origin, number, self.values[place as usize].clone());
            }
        }
        runs
    }

    /// The places of up to `count_max` values that are not in `version`.
    pub(super) fn beyond(&self, version: &VersionVector, count_max: usize) -> Vec<u32> {
        let missing = self.places.iter().enumerate().flat_map(|(origin, places)| {
            let held = match self.keep {
                Keep::All => usize::try_from(version.get(origin)).unwrap_or(usize::MAX),
                Keep::Newest => usize::from(version.get(origin) >= self.version.get(origin)),
            };
            places.iter().skip(held).copied().filter(|place| *place != HOLE)
        });
        missing.take(count_max).collect()
    }
}
