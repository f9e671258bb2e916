//! Steps over tables: what is made of tables that change is a table that changes with them.
//!
//! ```text
//!  table ─▶ join, left_join, semi_join, anti_join (table) ─▶ table, by the same key
//!  table ─▶ group_by ─▶ Grouped ┬▶ the same joins, by the group ─▶ table, by the key of the row
//!                               ├▶ aggregate, distinct ─▶ table, by the group
//!                               └▶ top_k ─▶ table, by the group and the rank
//!  table ─▶ filter, iterate ─▶ table, by the same key
//! ```
//!
//! A row that changes in a table, or leaves it, changes what was made of it: a join gives back a pair that is none any more, an
//! aggregate is made anew, and who was eleventh is tenth. All of it moves together: a derived table is at every publish epoch
//! what its tables are at that epoch.
//!
//! A step keeps the rows of the tables that it reads, in memory. Snapshots have those of the tables at the roots alone: a run
//! that goes on makes the rest of them again.

mod aggregate;
mod anti_join;
mod distinct;
mod filter;
mod group_by;
mod iterate;
mod join;
mod joining;
mod left_join;
mod ordered;
mod semi_join;
mod top_k;

pub use anti_join::AntiJoin;
pub use filter::FilterRows;
pub use group_by::{GroupBy, Grouped};
pub use iterate::{Inner, Iterate, Loop};
pub use join::Join;
pub use joining::Joining;
pub use left_join::LeftJoin;
pub use ordered::Ordered;
pub use semi_join::SemiJoin;
