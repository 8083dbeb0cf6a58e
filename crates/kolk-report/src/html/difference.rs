//! What is different between a text and one before it that is much like it.
//!
//! Nodes answer the same question again and again, with a list that has grown by a few values or a
//! set that has a few more, and with another message's number. So a text is told as pieces: so many
//! bytes as in the other, so many bytes of the other left out, and some of its own.

use std::ops::Range;

/// How many bytes two texts must share for pieces to be worth it: below, compression alone does as
/// well.
const SHARED_MIN: usize = 128;

/// How many pieces a text has at most; what is different in more places is stored as it is from
/// there on.
const PIECES_MAX: usize = 12;

/// So many bytes alike are no accident.
const ALIKE: usize = 24;

/// How far is looked for the place where two texts go on alike.
const REACH: usize = 512;

/// How many bytes are compared at a time.
const BLOCK: usize = 64;

/// A piece of a text: what it has of the other, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// So many bytes are the other's, from where the last piece ended.
    pub copy: usize,
    /// So many bytes of the other are left out then.
    pub skip: usize,
    /// Then come these bytes of the text itself.
    pub own: Range<usize>,
}

/// A text in pieces of another; none if they share too little.
pub fn pieces(other: &[u8], text: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let (mut at, mut from, mut shared) = (0, 0, 0);
    loop {
        let copy = common_beginning(&other[from..], &text[at..]);
        (from, at, shared) = (from + copy, at + copy, shared + copy);
        let (rest, own) = (&other[from..], &text[at..]);
        let again = if pieces.len() + 2 < PIECES_MAX { alike_again(rest, own) } else { None };
        if let Some((skip, length)) = again.filter(|_| !own.is_empty()) {
            pieces.push(Piece { copy, skip, own: at..at + length });
            (from, at) = (from + skip, at + length);
            continue;
        }
        let end = common_end(rest, own);
        pieces.push(Piece { copy, skip: rest.len() - end, own: at..text.len() - end });
        if end > 0 {
            pieces.push(Piece { copy: end, skip: 0, own: text.len()..text.len() });
        }
        return (shared + end >= SHARED_MIN).then_some(pieces);
    }
}

/// How many bytes must be left out of each, that both go on alike: another number in the same
/// place, or something that only one of them has.
fn alike_again(other: &[u8], text: &[u8]) -> Option<(usize, usize)> {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (skip, own) = (digits(other), digits(text));
    if skip + own > 0 && common_beginning(&other[skip..], &text[own..]) >= ALIKE {
        return Some((skip, own));
    }
    let find = |within: &[u8], what: &[u8]| {
        let what = what.get(..ALIKE)?;
        within[..within.len().min(REACH)].windows(ALIKE).position(|window| window == what)
    };
    find(text, other).map(|own| (0, own)).or_else(|| find(other, text).map(|skip| (skip, 0)))
}

fn common_beginning(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
    let whole = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    whole + a[whole..].iter().zip(&b[whole..]).take_while(|(a, b)| a == b).count()
}

fn common_end(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK));
    let whole = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - whole], &b[..b.len() - whole]);
    whole + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that pieces make of another.
    fn put_together(other: &str, text: &str, pieces: &[Piece]) -> String {
        let (mut made, mut from) = (String::new(), 0);
        for Piece { copy, skip, own } in pieces {
            made += &other[from..from + copy];
            made += &text[own.clone()];
            from += copy + skip;
        }
        made
    }

    #[test]
    fn pieces_make_the_text_again() {
        let list = |numbers: &mut dyn Iterator<Item = u32>| {
            let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
            numbers.join(",")
        };
        let all = || list(&mut (0..200));
        let reply =
            |number: u32, list: String| format!("{{\"in_reply_to\":{number},\"list\":[{list}]}}");
        for (what, text, own_max) in
            [
                ("the same", reply(99, all()), 0),
                ("another number in front", reply(100, all()), 3),
                ("it has grown", reply(100, list(&mut (0..210))), 50),
                (
                    "a set has more",
                    reply(
                        7,
                        list(&mut (0..200).flat_map(|n| {
                            [n, n * 1000].into_iter().take(if n == 90 { 2 } else { 1 })
                        })),
                    ),
                    12,
                ),
                ("some are gone", reply(99, list(&mut (0..200).filter(|n| n % 70 != 5))), 8),
                ("it was cut", reply(99, list(&mut (0..150))), 8),
            ]
        {
            let other = reply(99, all());
            let pieces = pieces(other.as_bytes(), text.as_bytes()).expect(what);
            assert_eq!(put_together(&other, &text, &pieces), text, "{what}");
            let own: usize = pieces.iter().map(|piece| piece.own.len()).sum();
            assert!(own <= own_max && pieces.len() <= PIECES_MAX, "{what}: {pieces:?}");
        }
    }

    #[test]
    fn what_is_not_alike_is_not_told_in_pieces() {
        let long = "x".repeat(300);
        for (other, text) in [
            ("", ""),
            ("short", "short"),
            (&long, "y"),
            ("y", &long),
            (&long, &long.replace('x', "y")),
        ] {
            assert_eq!(pieces(other.as_bytes(), text.as_bytes()), None, "{other} {text}");
        }
    }
}
