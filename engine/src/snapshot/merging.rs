//! Merging beside the run: one merge at a time, by a thread of its own, taken up by the next manifest.

use super::collect::{Merged, ToMerge};
use super::error::StateError;
use super::manifest::Manifest;
use super::merge::choose;
use super::state::{Durable, lock};
use super::writer::Writer;

#[derive(Default)]
pub(super) struct Merging {
    pub(super) merger: Option<Writer<ToMerge, Merged>>,
    is_busy: bool,
}

impl Durable {
    /// What was merged since the last manifest.
    pub(super) fn take_merged(&self) -> Result<Option<Merged>, StateError> {
        let mut merging = lock(&self.merging);
        let done = merging.merger.as_ref().and_then(Writer::done);
        let Some(done) = done else { return Ok(None) };
        merging.is_busy = false;
        done.map(Some)
    }

    pub(super) fn merge_if_due(&self, manifest: &Manifest) {
        let mut merging = lock(&self.merging);
        let Some(range) = choose(&manifest.files).filter(|_| !merging.is_busy) else {
            return;
        };
        let to_merge = ToMerge {
            inputs: manifest.files[range.clone()].to_vec(),
            onto_nothing: range.start == 0,
            steps: manifest
                .steps
                .values()
                .map(|step| step.in_files.clone())
                .collect(),
            name: format!("merged-{}", manifest.epoch),
        };
        merging.is_busy = true;
        if let Some(merger) = &merging.merger {
            merger.ask(to_merge);
        }
    }
}
