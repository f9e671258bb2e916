//! Rows: what the values of a table must be able to do so that the table can be joined, grouped and ranked.

use std::fmt::Debug;

use crate::record::Data;

/// Data that can be compared: what a step over tables keeps as the value of a row.
///
/// It finds a row that goes by comparing it with those it has, so there must be one order that says of every two whether
/// they are equal. A struct derives `PartialEq, Eq, PartialOrd, Ord` and `Debug`; in the place of `f64` it has a
/// [`Float`](crate::Float).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a row that is joined, grouped or ranked",
    note = "it needs an order: derive `PartialEq, Eq, PartialOrd, Ord, Debug`, with `Float` in the place of `f64`",
    note = "`map_values` turns the values of a table into others"
)]
pub trait Row: Data + Ord + Debug {}

impl<V: Data + Ord + Debug> Row for V {}
