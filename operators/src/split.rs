//! `split`: those that, and those that not.

use millstream_engine::{Data, Stream};

use crate::filter::Filter;

/// Divides a stream in two.
pub trait Split<'f, T> {
    /// The values for which `belongs` is true, and those for which it is not; each goes to exactly one of the two.
    ///
    /// `belongs` is asked twice for each value and must answer the same. No state.
    #[track_caller]
    fn split(
        &self,
        belongs: impl Fn(&T) -> bool + Clone + 'static,
    ) -> (Stream<'f, T>, Stream<'f, T>);
}

impl<'f, T: Data> Split<'f, T> for Stream<'f, T> {
    #[track_caller]
    fn split(
        &self,
        belongs: impl Fn(&T) -> bool + Clone + 'static,
    ) -> (Stream<'f, T>, Stream<'f, T>) {
        let others = belongs.clone();
        (
            self.filter(move |value| belongs(value)),
            self.filter(move |value| !others(value)),
        )
    }
}
