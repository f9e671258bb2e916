//! Which letters are meant.

use millstream_engine::EventTime;

use super::letter::Letter;

/// What letters must be like; without anything said, all are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Of this source.
    pub source: Option<String>,
    /// With this in the reason.
    pub reason: Option<String>,
    /// Rejected first at this time or later.
    pub since: Option<EventTime>,
    /// Rejected first before this time.
    pub until: Option<EventTime>,
    /// Of none of these sources.
    pub except: Vec<String>,
    /// Sent again already, or not yet.
    pub replayed: Option<bool>,
}

impl LetterFilter {
    /// Whether `letter` is meant.
    #[must_use]
    pub fn holds(&self, letter: &Letter) -> bool {
        self.source
            .as_ref()
            .is_none_or(|name| *name == letter.source)
            && self
                .reason
                .as_ref()
                .is_none_or(|part| letter.reason.contains(part))
            && self.since.is_none_or(|since| letter.first_seen >= since)
            && self.until.is_none_or(|until| letter.first_seen < until)
            && self
                .replayed
                .is_none_or(|replayed| letter.replayed == replayed)
    }
}
