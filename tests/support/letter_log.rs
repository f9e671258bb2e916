//! The dead letters of a run that has ended, from the log beside its state.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::path::Path;

use millstream::connectors::{Letter, LetterBook, LetterFilter, Topic};

/// All letters of a run that kept its state in `state`, oldest first; none if there is no log of them.
pub(crate) fn letters_beside(state: &Path) -> Vec<Letter> {
    let log = state.join("sink-dead-letters");
    if !log.is_dir() {
        return Vec::new();
    }
    let topic = Topic::open_existing(&log).expect("nobody has it open");
    let book = LetterBook::open(topic).expect("a letter book");
    let page = book.page(&LetterFilter::default(), 0, usize::MAX);
    page.expect("it can be read").letters
}
