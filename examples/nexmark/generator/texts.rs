//! Texts: cut out of one long random text, which costs a copy and no draw for each letter.

use crate::nexmark::random::Random;

/// How long the long text is; it should stay in a processor's cache.
const LEN: usize = 64 * 1024;

/// The longest piece that is cut.
const PIECE_MAX: usize = 1_024;

/// A long text of lower-case letters, with a blank after every twelve on average.
pub(super) struct Texts(String);

impl Texts {
    pub(super) fn new(random: &mut Random) -> Self {
        let char = |_| match random.below(13) {
            0 => ' ',
            _ => letter(random),
        };
        Texts((0..LEN + PIECE_MAX).map(char).collect())
    }

    /// A piece of `len` characters.
    pub(super) fn cut(&self, random: &mut Random, len: usize) -> &str {
        let start = random.index(LEN);
        &self.0[start..start + len.min(PIECE_MAX)]
    }
}

/// A word of at least `min` and at most `max` letters.
pub(super) fn word(random: &mut Random, min: usize, max: usize) -> String {
    let len = min + random.index(max - min + 1);
    (0..len).map(|_| letter(random)).collect()
}

fn letter(random: &mut Random) -> char {
    char::from(b'a' + random.below(26) as u8)
}
