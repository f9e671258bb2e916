//! The vocabulary of Millstream: one verb a file.
//!
//! Verbs are extension traits on the engine's `Stream` and `KeyedStream`; a step with state is a plain struct with pure
//! methods that the engine's shell drives.

mod aggregate;
mod aggregating;
mod branch;
mod changelog;
mod during;
mod enrich;
mod filter;
mod filter_map;
mod flat_map;
mod in_order;
mod inspect;
mod join_row;
mod joined;
mod keep;
mod kept;
mod key_by;
mod map;
mod maybe;
mod rolled;
mod rolling;
mod sided;
mod split;
mod table;
mod top_k;
mod window;

pub use aggregate::{
    Aggregate, ApproxCountDistinct, Count, CountDistinct, CountDistinctEach, CountIf, Extreme,
    Mean, Measure, Number, Of, Optional, Quantile, Ranked, Sum, Tally,
};
pub use aggregating::Aggregating;
pub use branch::Branch;
pub use changelog::{Changelog, RowChange, Upserted};
pub use during::{During, Intervals};
pub use enrich::{Enrich, SideInput};
pub use filter::Filter;
pub use filter_map::FilterMap;
pub use flat_map::FlatMap;
pub use inspect::Inspect;
pub use join_row::{AsRows, JoinRow, Rows};
pub use joined::Joined;
pub use keep::Keep;
pub use kept::Kept;
pub use key_by::KeyBy;
pub use map::Map;
pub use maybe::Maybe;
pub use rolled::Rolled;
pub use rolling::Rolling;
pub use sided::Sided;
pub use split::Split;
pub use table::{
    AntiJoin, FilterRows, GroupBy, Grouped, Inner, Iterate, Join, Joining, LeftJoin, Loop, Ordered,
    SemiJoin,
};
pub use top_k::{InRank, TopK};
pub use window::{
    Aggregated, Extremes, Hopping, HoppingSize, InTheirWindows, Session, TheirWindows, Tumbling,
    WindowKind, WindowedStream, Windows,
};
