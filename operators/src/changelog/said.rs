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
    #[serde(
        with = "as_list",
        bound(serialize = "V: Serialize", deserialize = "V: Deserialize<'de>")
    )]
    pub(super) row: Option<Kept<V>>,
    /// Readers have not been told. Every snapshot epoch is a publish epoch: then they know it all.
    #[serde(skip)]
    pub(super) is_unsaid: bool,
}

/// A row as a list of one, or of none: a value may be written as nothing, and is a row all the same.
mod as_list {
    use super::{Deserialize, Kept, Serialize};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<V: Serialize, S: Serializer>(
        row: &Option<Kept<V>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        row.as_slice().serialize(to)
    }

    pub(super) fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Kept<V>>, D::Error> {
        Ok(Vec::deserialize(from)?.pop())
    }
}
