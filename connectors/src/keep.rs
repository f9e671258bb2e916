//! What takes the rows that a part of a sink hands over to a snapshot: the engine's list, or a snapshot in a test.
//!
//! The engine alone can look into an [`Unpublished`]. The parts of this crate are therefore written against this small
//! trait, so that what they hand over can be checked beside them.

use millstream_engine::{SinkRow, Unpublished};

/// Takes rows and news of buckets, as [`Unpublished`] does.
pub(crate) trait Keep {
    /// What was in `bucket` is staged, or published, now.
    fn emptied(&mut self, bucket: String);
    /// These came into `bucket`.
    fn rows(&mut self, bucket: String, rows: Vec<SinkRow>);
}

impl Keep for Unpublished {
    fn emptied(&mut self, bucket: String) {
        Unpublished::emptied(self, bucket);
    }

    fn rows(&mut self, bucket: String, rows: Vec<SinkRow>) {
        Unpublished::rows(self, bucket, rows);
    }
}
