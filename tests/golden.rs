//! Golden pipelines: input and expected output, each run straight and in every way that must not make a difference.
//!
//! | golden | pipeline | input |
//! |---|---|---|
//! | `late` | windows with lateness, stragglers, late records, broken lines | a file |
//! | `over` | windows over the closed rows of windows | two files, read in 16 lanes |
//! | `views` | two views of one source, one of which soon lets go of its rows | a script |
//! | `idle` | two sources merged, one of which falls idle and comes back | two scripts, and the clock |
//! | `rolling` | windows into Parquet files that roll | a script |
//!
//! The expected rows lie in `tests/golden/NAME/expected.TABLE.ndjson`; `UPDATE_GOLDEN=1` writes them anew, as the straight
//! way has them. So that they are not only what once came out, each golden computes them again from the input in a way of
//! its own that knows no epochs, workers or commits, or is so small that its comment says how they come about.

#[path = "golden/harness.rs"]
mod harness;
#[path = "support/last_views.rs"]
mod last_views;

#[path = "golden/idle.rs"]
mod idle;
#[path = "golden/late.rs"]
mod late;
#[path = "golden/over.rs"]
mod over;
#[path = "golden/rolling.rs"]
mod rolling;
#[path = "golden/views.rs"]
mod views;
