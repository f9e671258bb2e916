//! Kinds of windows: what `window` may be given.

use std::rc::Rc;
use std::time::Duration;

use millstream_engine::raw::{Spacing, Windowing};
use millstream_engine::{Data, KeyOf};

use crate::aggregate::Aggregate;

/// A way to cut a stream of `T` into windows: [`Tumbling`](super::Tumbling), [`Hopping`](super::Hopping),
/// [`Session`](super::Session).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no kind of window",
    note = "use `Tumbling::of(minutes(1))`, `Hopping::of(minutes(10)).every(minutes(1))`, or `Session::gap(minutes(30))`"
)]
pub trait WindowKind<T: Data>: Clone + 'static {
    /// What it is, in words: state that was kept of other windows is of no use. The lateness is not in them; it may change.
    #[doc(hidden)]
    fn in_words(&self) -> String;

    /// What kind of a step aggregates them, in a word.
    #[doc(hidden)]
    fn step_kind(&self) -> &'static str {
        "window"
    }

    /// How the windows follow one another, if all are of one length.
    #[doc(hidden)]
    fn spacing(&self) -> Option<Spacing>;

    /// How long after its end a window may still be corrected.
    #[doc(hidden)]
    fn lateness_allowed(&self) -> Duration;

    /// How far behind the watermark the end of a window may lie that is not final.
    #[doc(hidden)]
    fn behind(&self) -> Duration {
        self.lateness_allowed()
    }

    /// The steps that aggregate the records of each key in each window.
    #[doc(hidden)]
    fn windowing<K: KeyOf<T>, A: Aggregate<T>>(
        &self,
        key: Rc<K>,
        aggregate: Rc<A>,
    ) -> impl Windowing<T, Key = K::Key, Values = A::Output>;
}
