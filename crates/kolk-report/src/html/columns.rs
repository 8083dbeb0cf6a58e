//! Columns of whole numbers, small: each number as a variable-length integer (seven bits a byte,
//! least first, as in Protocol Buffers), where they rise the difference from the one before.
//!
//! A column is the length of its bytes, then the bytes. How many numbers it has is known from the
//! table it belongs to.

/// A table's columns, one after another.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    bytes: Vec<u8>,
}

impl Columns {
    /// Adds numbers as they are.
    pub fn plain(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let mut column = Vec::new();
        for number in numbers {
            write_number(&mut column, number);
        }
        self.push(&column);
    }

    /// Adds numbers as differences, each from the one before, the first from 0.
    pub fn differences(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let mut last = 0u64;
        self.plain(numbers.into_iter().map(|number| {
            let difference = number.wrapping_sub(last).cast_signed();
            last = number;
            zigzag(difference)
        }));
    }

    /// The columns so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, column: &[u8]) {
        write_number(&mut self.bytes, column.len() as u64);
        self.bytes.extend_from_slice(column);
    }
}

/// Two tables' columns as one text of bytes.
pub fn join(first: &Columns, second: &Columns) -> Vec<u8> {
    [first.bytes.as_slice(), &second.bytes].concat()
}

/// Appends a number.
pub fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Puts numbers near zero, of either sign, near zero: 0, −1, 1, −2 become 0, 1, 2, 3.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// 0 for nothing, else the number and one.
pub fn or_zero(number: Option<u32>) -> u64 {
    number.map_or(0, |number| u64::from(number) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_small() {
        for (number, bytes) in [
            (0, vec![0]),
            (127, vec![127]),
            (128, vec![0x80, 1]),
            (300, vec![0xac, 2]),
            (u64::MAX, [vec![0xff; 9], vec![1]].concat()),
        ] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, bytes, "{number}");
        }
    }

    #[test]
    fn columns_are_lengths_and_bytes() {
        let mut columns = Columns::default();
        columns.plain([5, 300]);
        columns.differences([1000, 1001, 999]);
        columns.plain([]);
        assert_eq!(columns.bytes, [3, 5, 0xac, 2, 4, 0xd0, 0x0f, 2, 3, 0]);
    }
}
