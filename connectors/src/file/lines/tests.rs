//! Lines against the plainest way to split a file, on files that a seed decides.

use super::*;
use crate::testing::Random;

/// The lines of a stripe of `file`, read in pieces of `chunk` bytes: their places and beginnings.
fn lines_of(file: &[u8], start: u64, end: u64, chunk: usize) -> Vec<(u64, Vec<u8>)> {
    let mut lines = Lines::new();
    let from = usize::try_from(lines.begin(start, end)).unwrap();
    let mut input = &file[from..];
    let mut found = Vec::new();
    loop {
        while let Some(line) = lines.next() {
            found.push(match line {
                Line::Whole {
                    offset,
                    bytes,
                    text,
                } => {
                    assert!(text.is_none_or(|text| text.as_bytes() == bytes));
                    (offset, bytes.to_vec())
                }
                Line::TooLong { offset, head, .. } => (offset, head.to_vec()),
            });
        }
        if lines.is_done() {
            return found;
        }
        lines.fill(chunk, &mut input).unwrap();
        let kept = lines.buffer.capacity() + lines.head.capacity();
        assert!(
            kept <= 2 * (LINE_BYTES_MAX + chunk) + HEAD_BYTES + 64,
            "{kept} bytes are kept"
        );
    }
}

/// The same by the plainest means.
fn naive(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut offset = 0;
    let mut found = Vec::new();
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = if offset == 0 {
            text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
        } else {
            text
        };
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.iter().all(|byte| b" \t\r".contains(byte)) {
            let kept = if text.len() > LINE_BYTES_MAX {
                HEAD_BYTES
            } else {
                text.len()
            };
            found.push((offset, text[..kept].to_vec()));
        }
        offset += line.len() as u64;
    }
    found
}

fn random_file(random: &mut Random) -> Vec<u8> {
    let mut file = if random.below(4) == 0 {
        BYTE_ORDER_MARK.to_vec()
    } else {
        Vec::new()
    };
    let longest = [3, 30, 300][random.below(3)];
    for _ in 0..random.below(40) {
        let letter = b"abc \t\r"[random.below(6)];
        let length = random.below(longest);
        file.extend((0..length).map(|i| if i % 7 == 3 { b'x' } else { letter }));
        file.extend_from_slice([&b"\n"[..], b"\r\n", b"\n\n", b" \n"][random.below(4)]);
    }
    if random.below(2) == 0 {
        file.extend_from_slice(b"the last has no end");
    }
    file
}

#[test]
fn all_stripes_together_have_each_line_once() {
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let file = random_file(&mut random);
        let length = 1 + random.below(200) as u64;
        let chunk = 1 + random.below(70);
        let mut found = Vec::new();
        for i in 0..(file.len() as u64).div_ceil(length) {
            let (start, end) = (i * length, ((i + 1) * length).min(file.len() as u64));
            found.extend(lines_of(&file, start, end, chunk));
        }
        assert_eq!(
            found,
            naive(&file),
            "seed {seed}, stripes of {length}, chunks of {chunk}"
        );
    }
}

#[test]
fn a_line_that_is_too_long_costs_its_head_and_nothing_else() {
    for (length, is_whole) in [
        (LINE_BYTES_MAX, true),
        (LINE_BYTES_MAX + 1, false),
        (5 << 20, false),
    ] {
        for ending in ["\n", "\r\n", ""] {
            let line = vec![b'y'; length];
            let file = [b"a\n", &line[..], ending.as_bytes()].concat();
            let next = if ending.is_empty() { &b""[..] } else { b"b" };
            let file = [&file[..], next].concat();
            let found = lines_of(&file, 0, u64::MAX, 256 * 1024);
            assert_eq!(found, naive(&file), "{length} bytes and {ending:?}");
            assert_eq!(found[1].1.len() == length, is_whole);
        }
    }
    let blank = vec![b' '; 3 << 20];
    assert_eq!(lines_of(&blank, 0, u64::MAX, 256 * 1024), []);
}

#[test]
fn a_line_over_many_stripes_is_read_by_the_first() {
    let file = b"0123456789012345678901234567890\nb\n";
    let found: Vec<_> = (0..9)
        .map(|i| lines_of(file, i * 4, i * 4 + 4, 3).len())
        .collect();
    assert_eq!(found, [1, 0, 0, 0, 0, 0, 0, 0, 1]);
}
