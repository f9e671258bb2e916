//! Literals: what stands between the end of one value and the beginning of the next, `,"name":` with its spaces.
//!
//! A literal is compared often and is short, so its first 32 bytes are kept as two numbers, each with a mask for what is
//! beyond its end: a comparison of up to 16 bytes is one load, one exclusive or and one and, whatever its length.

use std::ops::Range;

const WORD: usize = size_of::<u128>();

/// The bytes between two values.
pub(super) struct Literal {
    words: [u128; 2],
    masks: [u128; 2],
    len: usize,
    /// All of it, for the end of a record and for what does not fit in the words.
    bytes: Box<[u8]>,
    /// The name in it, without its quotes.
    name: Range<usize>,
}

impl Literal {
    pub(super) fn new(bytes: &[u8], name: Range<usize>) -> Self {
        let (mut words, mut masks) = ([0; 2], [0; 2]);
        for (n, chunk) in bytes.chunks(WORD).take(2).enumerate() {
            words[n] = padded(chunk);
            masks[n] = padded(&[0xff; WORD][..chunk.len()]);
        }
        Literal {
            words,
            masks,
            len: bytes.len(),
            bytes: bytes.into(),
            name,
        }
    }

    /// Whether it stands in `text` at `at`.
    #[inline]
    pub(super) fn stands(&self, text: &[u8], at: usize) -> bool {
        match text.get(at..).and_then(<[u8]>::first_chunk::<WORD>) {
            Some(first) if self.len <= WORD => {
                (u128::from_le_bytes(*first) ^ self.words[0]) & self.masks[0] == 0
            }
            _ => self.stands_long(text, at),
        }
    }

    #[inline(never)]
    fn stands_long(&self, text: &[u8], at: usize) -> bool {
        let text = &text[at..];
        match text.first_chunk::<{ 2 * WORD }>() {
            Some(first) if self.len <= 2 * WORD => {
                let halves = [first.first_chunk(), first.last_chunk()];
                let differs = |(half, n): (Option<&[u8; WORD]>, usize)| {
                    let half = u128::from_le_bytes(*half.expect("a half of it"));
                    (half ^ self.words[n]) & self.masks[n]
                };
                differs((halves[0], 0)) | differs((halves[1], 1)) == 0
            }
            _ => text.starts_with(&self.bytes),
        }
    }

    /// All of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it is `bytes`.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        *self.bytes == *bytes
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where in it the name is.
    #[inline]
    pub(super) fn name(&self) -> Range<usize> {
        self.name.clone()
    }
}

fn padded(bytes: &[u8]) -> u128 {
    let mut word = [0; WORD];
    word[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_begins_with_it_or_not() {
        let all: Vec<u8> = (1..=100).collect();
        for len in 1..60 {
            let literal = Literal::new(&all[..len], 0..1);
            assert!(literal.is(&all[..len]) && !literal.is(&all[..len + 1]));
            for end in 0..all.len() {
                assert_eq!(literal.stands(&all[..end], 0), end >= len, "{len} in {end}");
            }
            for wrong in 0..len {
                for after in [0, 1, 40] {
                    let mut text = all[..len + after].to_vec();
                    text[wrong] ^= 0x80;
                    assert!(!literal.stands(&text, 0), "{wrong} of {len}");
                }
            }
        }
    }
}
