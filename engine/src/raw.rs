//! What operators are made of: the machine's inner parts, for the crates of this workspace and not for users.
#![doc(hidden)]

pub use crate::building::{Asked, Windowing};
pub use crate::chunked::Chunked;
pub use crate::content_bytes::{bytes_of, content_bytes};
pub use crate::diffs::{
    ByKey, Depth, Derived, Diff, Diffs, Inside, Loop, Outside, RowsAsked, TableAsked, sum_up,
};
pub use crate::key::{ByRef, ByValue, NoKey};
pub use crate::keyed_state::{KeyedState, Place};
pub use crate::keyed_step::{Hashed, Routed, StepAsked};
pub use crate::logic::{At, Emitted, Logic, Publish, Size};
pub use crate::shard::{N_SHARDS, Shard, hash_key};
pub use crate::snapshot::entry::Entry;
pub use crate::snapshot::log::{Kind, Log, Replayed};
pub use crate::stream::{Batch, left, owned};
pub use crate::table::Demand;
pub use crate::table_key::row_values;
pub use crate::window::Spacing;
pub use timely::Container;
