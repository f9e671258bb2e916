//! Dead letters that a test can read.
#![allow(dead_code, reason = "not every test needs all of it")]

use millstream::engine::DeadLetter;
use millstream::prelude::*;

/// The letters that were published into `memory`, by source and place.
pub(crate) fn letters_in(memory: &Memory) -> Vec<DeadLetter> {
    let rows = memory.rows();
    let letter = |row: &Vec<_>| DeadLetter::from_values(row).expect("a row of a letter");
    let mut letters: Vec<_> = rows.iter().map(letter).collect();
    letters.sort_by_key(|letter| (letter.source.clone(), letter.offset, letter.partition));
    letters
}
