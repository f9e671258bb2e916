//! The vocabulary of Millstream: one verb a file.

mod aggregate;

pub use aggregate::{
    Aggregate, ApproxCountDistinct, Count, CountDistinct, Extreme, Mean, Measure, Number, Of,
    Optional, Quantile, Ranked, Sum, Tally,
};
