//! `filter`: only those that.

use std::panic::Location;
use std::rc::Rc;

use millstream_engine::{Data, Stream};

/// Keeps the values for which something is true.
pub trait Filter<'f, T> {
    /// A stream of the values for which `keep` is true, with their event times, in the same order.
    ///
    /// No state. A value is copied only if another step reads the same stream.
    #[track_caller]
    #[must_use]
    fn filter(&self, keep: impl FnMut(&T) -> bool + 'static) -> Stream<'f, T>;
}

impl<'f, T: Data> Filter<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn filter(&self, mut keep: impl FnMut(&T) -> bool + 'static) -> Stream<'f, T> {
        self.transform(
            "filter",
            Location::caller(),
            move |batch, out| match Rc::try_unwrap(batch) {
                Ok(records) => out.extend(records.into_iter().filter(|record| keep(&record.value))),
                Err(shared) => {
                    out.extend(shared.iter().filter(|record| keep(&record.value)).cloned())
                }
            },
        )
    }
}
