//! What was last said of a key.

use millstream_engine::EventTime;
use serde::{Deserialize, Serialize};

use crate::kept::Kept;

/// What was last said of a key, and when that was so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Said<V> {
    /// The event time of the record that said it.
    pub(super) time: EventTime,
    /// The row; `None` is the trace of one that is gone.
    pub(super) row: Option<Kept<V>>,
    /// Readers have not been told. Every snapshot epoch is a publish epoch: then they know it all.
    #[serde(skip)]
    pub(super) is_unsaid: bool,
}
