//! `map`: one value for each value.

use std::panic::Location;

use millstream_engine::raw::owned;
use millstream_engine::{Data, Record, Stream};

/// Turns each value into another.
pub trait Map<'f, T> {
    /// A stream of `f(value)` for each value, with the same event times, in the same order.
    ///
    /// No state. A panic in `f` ends the run with an error that names this line.
    #[track_caller]
    #[must_use]
    fn map<U: Data>(&self, f: impl FnMut(T) -> U + 'static) -> Stream<'f, U>;
}

impl<'f, T: Data> Map<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn map<U: Data>(&self, mut f: impl FnMut(T) -> U + 'static) -> Stream<'f, U> {
        self.transform("map", Location::caller(), move |batch, out| {
            out.reserve(batch.len());
            owned(
                batch,
                |Record {
                     value,
                     time,
                     behind,
                 }| {
                    out.push(Record {
                        value: f(value),
                        time,
                        behind,
                    })
                },
            );
        })
    }
}
