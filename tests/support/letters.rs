//! Dead letters that a test can read.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::sync::{Arc, Mutex};

use millstream::engine::{BoxError, DeadLetter, DeadLetters};

/// Keeps all letters; a copy keeps the same.
#[derive(Clone, Default)]
pub(crate) struct Letters(Arc<Mutex<Vec<DeadLetter>>>);

impl Letters {
    /// The letters so far, by partition and place.
    pub(crate) fn sorted(&self) -> Vec<DeadLetter> {
        let mut letters = self.0.lock().expect("no one panics with it").clone();
        letters.sort_by_key(|letter| (letter.source.clone(), letter.offset, letter.partition));
        letters
    }
}

impl DeadLetters for Letters {
    fn write(&self, letters: Vec<DeadLetter>) -> Result<(), BoxError> {
        self.0
            .lock()
            .expect("no one panics with it")
            .extend(letters);
        Ok(())
    }
}
