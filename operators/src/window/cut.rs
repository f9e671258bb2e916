//! How a stream is cut: what every kind of window that keeps *pieces* says of itself.
//!
//! What is kept of records lies in pieces. The records of a piece are in the same windows, so each record is folded into
//! one piece, however many windows it is in; the row of a window is the merge of its pieces. Most kinds of windows do not
//! overlap, and then a window is one piece.
//!
//! ```text
//!  windows      ├───────────────────┤
//!                    ├───────────────────┤            overlapping: a window is made of pieces
//!                         ├───────────────────┤
//!  pieces       ├────┼────┼────┼────┼────┼────┤
//! ```
//!
//! A piece is named by a [`Window`] from its start to the end of the *first window that counts it*. For windows that do not
//! overlap that is the window. Where they do, a late record may be too late for some windows and in time for the rest: it
//! goes to the piece with the same start that those count and the others do not.

use millstream_engine::{EventTime, Record, Window};

use super::hops::Hops;
use super::lateness::Lateness;

/// Cuts records of type `T` into pieces.
pub(super) trait Cut<T>: Clone + 'static {
    /// The stretch that `record` lies in: all records in it are in the same windows.
    fn stretch(&self, record: &Record<T>) -> Window;

    /// Whether `record` lies in `stretch`.
    fn is_in(&self, record: &Record<T>, stretch: Window) -> bool {
        stretch.start <= record.time && record.time < stretch.end
    }

    /// The piece for records in `stretch` that are judged by `watermark`; `None` if they are late.
    fn piece(&self, stretch: Window, watermark: EventTime) -> Option<Window> {
        (self.lateness().close(stretch) > watermark).then_some(stretch)
    }

    /// How long windows can be corrected.
    fn lateness(&self) -> &Lateness;

    /// The same, to take back what a run before has noted.
    fn lateness_mut(&mut self) -> &mut Lateness;

    /// Whether there is one window that is open for ever.
    fn never_closes(&self) -> bool {
        false
    }

    /// How windows overlap, if they do; else each piece is a window.
    fn hops(&self) -> Option<Hops> {
        None
    }
}
