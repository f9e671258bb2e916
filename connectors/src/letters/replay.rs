//! Replay: letters go back to the source they came from.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, mpsc};

use millstream_engine::{Again, Inlet, Refusal};

use super::letter::Letter;
use super::{LetterBook, LetterError, LetterFilter, SENDING, SENT};
use crate::log::LogError;

/// How many letters are sent at once.
const AT_ONCE: usize = 500;

/// What became of the letters that were to be sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Replay {
    /// So many were sent, those that an earlier call had begun to send among them.
    pub replayed: u64,
    /// So many were not, because only their first 64 KiB were kept.
    pub cut: u64,
    /// So many were not, because their source reads its input itself and cannot be sent anything.
    pub not_possible: u64,
}

/// Why letters could not be sent again. Those that were sent before are marked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The letter book could not be read.
    #[error(transparent)]
    Letters(#[from] LetterError),
    /// The source does not take them, for now.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<LogError> for ReplayError {
    fn from(error: LogError) -> Self {
        ReplayError::Letters(error.into())
    }
}

impl LetterBook {
    /// Sends all letters that `filter` holds for through the pipeline again, by the inlet of their source, and marks them:
    /// none is sent twice.
    ///
    /// # Errors
    /// If the book cannot be read or written, or a source refuses; it can be asked for again then.
    pub fn replay(
        &self,
        filter: &LetterFilter,
        inlet: impl Fn(&str) -> Option<Arc<dyn Inlet>>,
    ) -> Result<Replay, ReplayError> {
        let _alone = self
            .replaying
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let n_finished = self.finish_sending(&inlet)?;
        let filter = LetterFilter {
            replayed: Some(false),
            ..filter.clone()
        };
        let mut replay = Replay {
            replayed: n_finished,
            ..Replay::default()
        };
        let mut from = 0;
        // What fails again is a new letter, and not meant by this call.
        let end = self.topic.end(0);
        loop {
            let page = self.page(&filter, from, AT_ONCE)?;
            let mut by_source: BTreeMap<String, BTreeMap<u64, Letter>> = BTreeMap::new();
            let letters = page.letters.into_iter();
            for letter in letters.take_while(|letter| letter.number < end) {
                if letter.whole().is_none() {
                    replay.cut += 1;
                } else if inlet(&letter.source).is_none() {
                    replay.not_possible += 1;
                } else {
                    let of_source = by_source.entry(letter.source.clone()).or_default();
                    of_source.insert(letter.number, letter);
                }
            }
            for (source, letters) in by_source {
                self.mark(SENDING, &letters)?;
                replay.replayed += letters.len() as u64;
                self.send(&source, &letters, &inlet)?;
            }
            match page.next {
                Some(next) if next < end => from = next,
                _ => return Ok(replay),
            }
        }
    }

    /// Sends once more what a process was sending when it died, if there is anything.
    ///
    /// # Errors
    /// If the book cannot be read or written, or a source refuses.
    pub fn finish(
        &self,
        inlet: impl Fn(&str) -> Option<Arc<dyn Inlet>>,
    ) -> Result<(), ReplayError> {
        let _alone = self
            .replaying
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.finish_sending(&inlet).map(drop)
    }

    fn finish_sending(
        &self,
        inlet: &impl Fn(&str) -> Option<Arc<dyn Inlet>>,
    ) -> Result<u64, ReplayError> {
        let unfinished = self.marks().sending.clone();
        let Some(first) = unfinished.first() else {
            return Ok(0);
        };
        let mut by_source: BTreeMap<String, BTreeMap<u64, Letter>> = BTreeMap::new();
        self.each(*first, |letter| {
            if unfinished.contains(&letter.number) {
                let of_source = by_source.entry(letter.source.clone()).or_default();
                of_source.insert(letter.number, letter);
            }
            true
        })?;
        let mut n_sent = 0;
        for (source, letters) in by_source {
            if inlet(&source).is_some() {
                self.send(&source, &letters, inlet)?;
                n_sent += letters.len() as u64;
            }
        }
        Ok(n_sent)
    }

    /// Hands letters to their source, waits until it has them, and marks them as sent.
    fn send(
        &self,
        source: &str,
        letters: &BTreeMap<u64, Letter>,
        inlet: &impl Fn(&str) -> Option<Arc<dyn Inlet>>,
    ) -> Result<(), ReplayError> {
        let inlet = inlet(source).expect("it was looked for");
        let book = self.topic.id();
        let again = letters.values().map(|letter| Again {
            key: format!("{book}/{}", letter.number),
            raw: letter.whole().expect("only whole letters are sent"),
            trial: letter.trial(),
        });
        let (answer, answered) = mpsc::channel();
        // Whoever answers after we are gone tells nobody.
        let answer = Box::new(move |result| drop(answer.send(result)));
        inlet.send_again(again.collect(), answer);
        answered.recv().expect("every sending is answered once")?;
        Ok(self.mark(SENT, letters)?)
    }
}
