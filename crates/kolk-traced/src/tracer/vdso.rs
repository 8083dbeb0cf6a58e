//! The clock that programs read without a call: code written over the vDSO's.
//!
//! The vDSO is a small library that the kernel maps into every program; its functions read the
//! clock from a page that the kernel keeps. Each of them is made to jump to one of ours, which
//! reads it from a page that the tracer keeps. Words of that page, of 8 bytes each: how many more
//! reads are answered before one becomes a call; wall clock, seconds and nanoseconds; time since
//! the start of the machine, seconds and nanoseconds; the microseconds of the wall clock.
//!
//! A program that looks at the clock again and again until it has changed thus comes to the tracer
//! after a fixed number of reads, which then lets the clock go on.

/// How many reads of the clock are answered at one instant.
pub(super) const READS: u64 = 4096;
/// How large the page's part with words is.
pub(super) const WORDS: usize = 6;

/// Stands in the code where the page's address belongs.
const PLACEHOLDER: u64 = 0x1122_3344_5566_7788;

/// Offsets of the functions in [`CODE`].
const FUNCTIONS: [(&str, u64); 5] = [
    ("__vdso_clock_gettime", 0x00),
    ("__vdso_gettimeofday", 0x60),
    ("__vdso_time", 0xa0),
    ("__vdso_getcpu", 0xd0),
    ("__vdso_getrandom", 0xf0),
];
/// The offset of a call instruction, for calls that the tracer makes in the program's place.
pub(super) const SYSCALL: u64 = 0x100;

/// What `src/tracer/vdso.s` assembles to.
#[rustfmt::skip]
const CODE: [u8; 272] = [
    0x83, 0xff, 0x0b, 0x77, 0x46, 0x49, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22,
    0x11, 0xb8, 0x21, 0x08, 0x00, 0x00, 0x0f, 0xa3, 0xf8, 0x72, 0x1a, 0xb8, 0xd2, 0x00,
    0x00, 0x00, 0x0f, 0xa3, 0xf8, 0x73, 0x28, 0x49, 0x83, 0x28, 0x01, 0x78, 0x22, 0x49,
    0x8b, 0x40, 0x18, 0x49, 0x8b, 0x50, 0x20, 0xeb, 0x0e, 0x49, 0x83, 0x28, 0x01, 0x78,
    0x12, 0x49, 0x8b, 0x40, 0x08, 0x49, 0x8b, 0x50, 0x10, 0x48, 0x89, 0x06, 0x48, 0x89,
    0x56, 0x08, 0x31, 0xc0, 0xc3, 0xb8, 0xe4, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xc3, 0xcc,
    0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x49, 0xb8,
    0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x49, 0x83, 0x28, 0x01, 0x78, 0x23,
    0x48, 0x85, 0xff, 0x74, 0x0f, 0x49, 0x8b, 0x40, 0x08, 0x48, 0x89, 0x07, 0x49, 0x8b,
    0x40, 0x28, 0x48, 0x89, 0x47, 0x08, 0x48, 0x85, 0xf6, 0x74, 0x07, 0x48, 0xc7, 0x06,
    0x00, 0x00, 0x00, 0x00, 0x31, 0xc0, 0xc3, 0xb8, 0x60, 0x00, 0x00, 0x00, 0x0f, 0x05,
    0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x49, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33,
    0x22, 0x11, 0x49, 0x83, 0x28, 0x01, 0x78, 0x0d, 0x49, 0x8b, 0x40, 0x08, 0x48, 0x85,
    0xff, 0x74, 0x03, 0x48, 0x89, 0x07, 0xc3, 0xb8, 0xc9, 0x00, 0x00, 0x00, 0x0f, 0x05,
    0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x31, 0xc0,
    0x48, 0x85, 0xff, 0x74, 0x02, 0x89, 0x07, 0x48, 0x85, 0xf6, 0x74, 0x02, 0x89, 0x06,
    0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
    0xcc, 0xcc, 0x48, 0xc7, 0xc0, 0xda, 0xff, 0xff, 0xff, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc,
    0xcc, 0xcc, 0xcc, 0xcc, 0x0f, 0x05, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
    0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
];

/// The page's words.
pub(super) fn words(wall: u64, up: u64) -> [u8; WORDS * 8] {
    const SECOND: u64 = 1_000_000_000;
    let words =
        [READS, wall / SECOND, wall % SECOND, up / SECOND, up % SECOND, wall % SECOND / 1000];
    let mut bytes = [0; WORDS * 8];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Where in the vDSO's image our code has room: in the zeros behind its end.
pub(super) fn room(image: &[u8]) -> Option<usize> {
    let at = image.len().checked_sub(CODE.len())? & !15;
    image[at..].iter().all(|byte| *byte == 0).then_some(at)
}

/// Our code for a page at that address.
pub(super) fn code(page: u64) -> Vec<u8> {
    let mut code = CODE.to_vec();
    let placeholder = PLACEHOLDER.to_le_bytes();
    for at in 0..code.len() - 8 {
        if code[at..at + 8] == placeholder {
            code[at..at + 8].copy_from_slice(&page.to_le_bytes());
        }
    }
    code
}

/// The jumps that lead from the vDSO's functions, mapped at `base`, to our code at `base + room`:
/// addresses and bytes. `None` if the image is not what it should be.
pub(super) fn jumps(image: &[u8], base: u64, room: usize) -> Option<Vec<(u64, Vec<u8>)>> {
    let mut jumps = Vec::new();
    for (name, value) in symbols(image)? {
        let Some((_, to)) = FUNCTIONS.iter().find(|(known, _)| known.as_bytes() == name) else {
            continue;
        };
        let distance = (room as u64 + to) as i64 - (value as i64 + 5);
        let mut bytes = vec![0xe9];
        bytes.extend_from_slice(&i32::try_from(distance).ok()?.to_le_bytes());
        jumps.push((base + value, bytes));
    }
    Some(jumps)
}

/// The names and values of an ELF image's dynamic symbols.
fn symbols(image: &[u8]) -> Option<Vec<(&[u8], u64)>> {
    const DYNSYM: u32 = 11;
    let u16_at = |at: usize| Some(u16::from_le_bytes(image.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(image.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| {
        usize::try_from(u64::from_le_bytes(image.get(at..at.checked_add(8)?)?.try_into().ok()?))
            .ok()
    };
    let (table, size, count) = (u64_at(40)?, usize::from(u16_at(58)?), usize::from(u16_at(60)?));
    let header = |number: usize| table.checked_add(number * size);
    let mut symbols = Vec::new();
    for number in 0..count {
        let at = header(number)?;
        if u32_at(at + 4)? != DYNSYM {
            continue;
        }
        let (from, length) = (u64_at(at + 24)?, u64_at(at + 32)?);
        let names = u64_at(header(usize::try_from(u32_at(at + 40)?).ok()?)? + 24)?;
        for symbol in (from..from.checked_add(length)?).step_by(24) {
            let name = image.get(names + usize::try_from(u32_at(symbol)?).ok()?..)?;
            let end = memchr::memchr(0, name)?;
            symbols.push((&name[..end], u64_at(symbol + 8)? as u64));
        }
    }
    Some(symbols)
}
