//! Entries: what the log of a step says, read back.
//!
//! The bytes come from a file whose checksums were right; what does not fit nevertheless was written by another type, and
//! is an error that says which.

use rmp_serde::Deserializer;
use rmp_serde::decode::ReadRefReader;
use serde::de::DeserializeOwned;

use super::log::Kind;
use crate::time::EventTime;
use crate::window::Window;

/// Why state could not be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are not what this type writes.
    #[error("what was kept is no {expected}: {reason}")]
    Mismatch {
        /// The type that was to be read.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The bytes end in the middle of an entry.
    #[error("an entry is cut off")]
    CutOff,
    /// An entry for a step that keeps none such.
    #[error("the step keeps nothing of this kind")]
    Unexpected,
}

/// Reads values in the order in which they were written.
pub struct Loading<'a> {
    from: Deserializer<ReadRefReader<'a, [u8]>>,
}

impl<'a> Loading<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Loading {
            from: Deserializer::from_read_ref(bytes),
        }
    }

    /// The next value.
    ///
    /// # Errors
    /// If there is none, or it is of another type.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T, LoadError> {
        T::deserialize(&mut self.from).map_err(|error| LoadError::Mismatch {
            expected: std::any::type_name::<T>(),
            reason: error.to_string(),
        })
    }
}

/// One change of state, read back.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What becomes of the value.
    pub kind: Kind,
    /// The window that the key is in, if it is in one.
    pub window: Option<Window>,
    /// Window and key as they were written: equal for equal keys.
    place: &'a [u8],
    key: &'a [u8],
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The key.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn key<K: DeserializeOwned>(&self) -> Result<K, LoadError> {
        Loading::new(self.key).take()
    }

    /// What was written as value.
    #[must_use]
    pub fn value(&self) -> Loading<'a> {
        Loading::new(self.value)
    }

    /// Window and key as they were written: what tells its place from others.
    pub(crate) fn place(&self) -> &'a [u8] {
        self.place
    }

    /// The key as it was written.
    pub(crate) fn key_bytes(&self) -> &'a [u8] {
        self.key
    }
}

/// Reads the entries of a block; gives each with its bytes.
pub(crate) struct Entries<'a>(pub(crate) &'a [u8]);

impl<'a> Entries<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn take_time(&mut self) -> Option<EventTime> {
        let micros = self.take(8)?.try_into().ok()?;
        Some(EventTime::from_micros(i64::from_le_bytes(micros)))
    }

    fn take_measured(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(length as usize)
    }

    fn entry(&mut self) -> Option<Entry<'a>> {
        let kind = match self.take(1)? {
            [1] => Kind::Put,
            [2] => Kind::Add,
            [3] => Kind::Remove,
            _ => return None,
        };
        let from = self.0;
        let window = match self.take(1)? {
            [0] => None,
            [1] => Some(Window {
                start: self.take_time()?,
                end: self.take_time()?,
            }),
            _ => return None,
        };
        let key = self.take_measured()?;
        let place = &from[..from.len() - self.0.len()];
        let value = self.take_measured()?;
        Some(Entry {
            kind,
            window,
            place,
            key,
            value,
        })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(Entry<'a>, &'a [u8]), LoadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let before = self.0;
        let Some(entry) = self.entry() else {
            self.0 = &[];
            return Some(Err(LoadError::CutOff));
        };
        let length = before.len() - self.0.len();
        Some(Ok((entry, &before[..length])))
    }
}
