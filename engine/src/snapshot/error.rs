//! What can go wrong with what a run keeps.
//!
//! Two things are told apart, because they ask for different deeds: the system could not do what was asked of it, so the
//! same start may succeed later; or what was kept is not what was written, and starting again would not help.

use std::io;

use super::entry::LoadError;
use crate::error::BoxError;

/// Why state could not be kept, or found again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The system could not do it.
    #[error("cannot {action} {place}: {source}{}", what_to_do(.source))]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// On what: a path.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{place} is damaged ({what}): restore it from a copy, or start over with --fresh")]
    Damaged {
        /// The file.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// A file in a format that this version cannot read.
    #[error(
        "{place} has format version {found}, and this program reads version {known}: go on with the version that wrote \
         it, or start over with --fresh"
    )]
    Format {
        /// The file.
        place: String,
        /// The version of its format.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// There are manifests, and none can be read: it is not known what was committed.
    #[error(
        "both manifests are damaged, {place} ({what}) and {other_place} ({other_what}): restore one from a copy, or \
         start over with --fresh"
    )]
    BothManifestsBad {
        /// One of them.
        place: String,
        /// What is wrong with it.
        what: String,
        /// The other.
        other_place: String,
        /// What is wrong with that.
        other_what: String,
    },
    /// Another process keeps its state there.
    #[error("{place} is in use by another process: stop that one first, or take another directory")]
    InUse {
        /// The directory.
        place: String,
    },
    /// The input was read to its end: nothing is left to do.
    #[error(
        "the state in {place} is that of a run that has finished: nothing is left to do; \
         to run it again from the beginning say --fresh"
    )]
    Finished {
        /// The state.
        place: String,
    },
    /// A source reads something else than the run that left the state.
    #[error(
        "the state in {place} is that of another input: source {source_name:?} had read {kept}, and is to read {found}; \
         go on with the former, or start over with --fresh"
    )]
    OtherInput {
        /// The state.
        place: String,
        /// The source.
        source_name: String,
        /// What it had read.
        kept: String,
        /// What it reads now.
        found: String,
    },
    /// State was kept for a step, a view, a sink or a source that the pipeline has no more.
    #[error(
        "{step} has state and is not in the pipeline any more: \
         bring it back, or say --drop-state {name} to go on without what it had"
    )]
    StepGone {
        /// Its kind and name.
        step: String,
        /// Its name.
        name: String,
    },
    /// State was kept for a step that is defined differently now.
    #[error(
        "{step} is not what it was: its state is of ({kept}), now it is ({found}); \
         give it another name, or say --drop-state {name} to let it start empty"
    )]
    StepChanged {
        /// Its kind and name.
        step: String,
        /// Its name.
        name: String,
        /// What it was made of.
        kept: String,
        /// What it is made of now.
        found: String,
    },
    /// The state of a step is of other types than those it has now.
    #[error(
        "{step} cannot read its state: {source}; if its types were changed, add fields with #[serde(default)] only, \
         or say --drop-state {name} to let it start empty"
    )]
    Unreadable {
        /// Its kind and name.
        step: String,
        /// Its kind and name, as `--drop-state` wants them: by its name alone it is not dropped, for it fits.
        name: String,
        /// What is wrong.
        source: LoadError,
    },
    /// The state of a step refused to be written.
    #[error("the state of {step} cannot be written: {reason}")]
    Unwritable {
        /// Its kind and name.
        step: String,
        /// What its `Serialize` said.
        reason: String,
    },
    /// A thread that writes could not be started.
    #[error("cannot start a thread that writes snapshots: {source}")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
    /// A store, or whoever follows commits, panicked.
    #[error("a thread that writes snapshots panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// Whoever follows commits ended the run.
    #[error("the run was ended while a commit was followed: {0}")]
    Followed(#[source] BoxError),
}

impl StateError {
    /// Makes an error of what the system said when `action` was tried on `place`.
    pub(crate) fn io(
        action: &'static str,
        place: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> StateError {
        move |source| StateError::Io {
            action,
            place: place.into(),
            source,
        }
    }

    /// `place` is damaged in that `what`.
    pub(crate) fn damaged(place: impl Into<String>, what: impl Into<String>) -> StateError {
        StateError::Damaged {
            place: place.into(),
            what: what.into(),
        }
    }
}

/// What helps against `error`, if something does, with a colon before it.
fn what_to_do(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ": free space and start again, it goes on from the last commit"
        }
        io::ErrorKind::PermissionDenied => ": give this user the right to read and write there",
        io::ErrorKind::ReadOnlyFilesystem => ": take a directory that can be written",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_to_do() {
        let error = StateError::io("write", "/state/a")(io::ErrorKind::StorageFull.into());
        assert_eq!(
            error.to_string(),
            "cannot write /state/a: no storage space: free space and start again, it goes on from the last commit"
        );
        let error = StateError::io("write", "/state/a")(io::Error::other("odd"));
        assert_eq!(error.to_string(), "cannot write /state/a: odd");
    }
}
