//! Committing and collecting: manifests are written, and files that no manifest names any more are removed.
//!
//! ```text
//!  files:  base │ delta │ delta │ delta │ …          the newest few that outweigh the one before them are merged into one
//!  kept :  what the newest manifest names, and what the one before it names
//! ```
//!
//! Manifests are written by a thread of their own, one after the other; so a file is only removed once two manifests have
//! been written that do without it, and either of the two can be gone back to. Merging is done by another thread, for it
//! takes long: what it makes takes the place of what it was made of in the next manifest.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::StateError;
use super::file::StateFile;
use super::follow::{CommitStep, Follower};
use super::manifest::{Manifest, SLOTS};
use super::merge::merge;
use super::store::Store;
use crate::epoch::Epoch;

/// What the committer is asked.
pub(crate) enum Job {
    /// To write a manifest.
    Commit(Box<Manifest>),
    /// To remove what neither the newest manifest needs nor the one before.
    Collect,
}

/// The manifest, durable.
pub(crate) type Committed = Box<Manifest>;

/// Writes manifests, and removes what they do without.
pub(crate) struct Committer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) follower: Option<Follower>,
    /// The files of the newest manifest and of the one before.
    newest: BTreeSet<String>,
    older: BTreeSet<String>,
    /// Files that were named once and may have to go.
    known: BTreeSet<String>,
}

impl Committer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        follower: Option<Follower>,
        newest: &Manifest,
    ) -> Self {
        let names: BTreeSet<String> = newest.names().map(str::to_owned).collect();
        Committer {
            store,
            follower,
            older: names.clone(),
            known: names.clone(),
            newest: names,
        }
    }

    /// Does a job; gives what is committed.
    pub(crate) fn work(&mut self, job: Job) -> Option<Result<Committed, StateError>> {
        match job {
            Job::Commit(manifest) => Some(self.commit(manifest)),
            Job::Collect => self.collect().err().map(Err),
        }
    }

    fn commit(&mut self, manifest: Box<Manifest>) -> Result<Committed, StateError> {
        manifest.write(&*self.store)?;
        let names: BTreeSet<String> = manifest.names().map(str::to_owned).collect();
        self.known.extend(names.iter().cloned());
        self.older = std::mem::replace(&mut self.newest, names);
        Ok(manifest)
    }

    fn collect(&mut self) -> Result<(), StateError> {
        let Committer { newest, older, .. } = self;
        let gone = |name: &String| !newest.contains(name) && !older.contains(name);
        let gone: Vec<String> = self.known.extract_if(.., gone).collect();
        if gone.is_empty() {
            return Ok(());
        }
        for name in &gone {
            remove(&*self.store, name)?;
        }
        if let Some(follower) = &self.follower {
            let epoch = Epoch::default();
            follower(CommitStep::Collected, epoch).map_err(StateError::Followed)?;
        }
        Ok(())
    }
}

fn remove(store: &dyn Store, name: &str) -> Result<(), StateError> {
    let removed = store.remove(name);
    removed.map_err(StateError::io("remove", store.place(name)))
}

/// Whether a file is one that we write: what else lies in a directory is somebody else's.
fn is_ours(name: &str) -> bool {
    let is_epoch = |text: &str| text.parse::<Epoch>().is_ok();
    let is_of_worker = |text: &str| {
        let parts = text.rsplit_once('-');
        parts.is_some_and(|(epoch, worker)| is_epoch(epoch) && worker.parse::<usize>().is_ok())
    };
    SLOTS.contains(&name.strip_suffix(".tmp").unwrap_or(name))
        || name.strip_prefix("state-").is_some_and(is_of_worker)
        || name.strip_prefix("merged-").is_some_and(is_epoch)
}

/// The names of all files that are ours.
pub(crate) fn our_names(store: &dyn Store) -> Result<Vec<String>, StateError> {
    let names = store.names();
    let mut names = names.map_err(StateError::io("list", store.place("")))?;
    names.retain(|name| is_ours(name));
    Ok(names)
}

/// Removes every file of ours that `manifest` does not name: what runs left behind that died.
pub(crate) fn remove_unnamed(store: &dyn Store, manifest: &Manifest) -> Result<(), StateError> {
    let named: BTreeSet<&str> = manifest.names().chain(SLOTS).collect();
    let names = our_names(store)?;
    let unnamed = names.iter().filter(|name| !named.contains(&***name));
    unnamed.into_iter().try_for_each(|name| remove(store, name))
}

/// Removes everything of ours, manifests first: what they name is of no use to anyone afterwards.
pub(crate) fn remove_all(store: &dyn Store) -> Result<(), StateError> {
    let sync = |store: &dyn Store| {
        let synced = store.sync();
        synced.map_err(StateError::io(
            "sync the directory of",
            store.place(SLOTS[0]),
        ))
    };
    let names = our_names(store)?;
    let (slots, others): (Vec<_>, Vec<_>) =
        names.iter().partition(|name| SLOTS.contains(&&***name));
    slots.into_iter().try_for_each(|name| remove(store, name))?;
    sync(store)?;
    others
        .into_iter()
        .try_for_each(|name| remove(store, name))?;
    sync(store)
}

/// Files to be merged.
pub(crate) struct ToMerge {
    pub(crate) inputs: Vec<StateFile>,
    /// Nothing is older than these.
    pub(crate) onto_nothing: bool,
    /// The steps that there are, by their names in the files.
    pub(crate) steps: BTreeSet<String>,
    pub(crate) name: String,
}

/// What takes the place of what.
pub(crate) struct Merged {
    pub(crate) inputs: Vec<StateFile>,
    pub(crate) file: StateFile,
}

/// Merges files durably.
pub(crate) fn merge_durably(
    store: &Arc<dyn Store>,
    follower: Option<&Follower>,
    to_merge: ToMerge,
) -> Result<Merged, StateError> {
    let follow = |step| match follower {
        Some(follower) => follower(step, Epoch::default()).map_err(StateError::Followed),
        None => Ok(()),
    };
    let ToMerge {
        inputs,
        onto_nothing,
        steps,
        name,
    } = to_merge;
    follow(CommitStep::Merging)?;
    let file = merge(
        store,
        &inputs,
        onto_nothing,
        |step| steps.contains(step),
        &name,
    )?;
    let synced = store.sync();
    synced.map_err(StateError::io("sync the directory of", store.place(&name)))?;
    follow(CommitStep::Merged)?;
    Ok(Merged { inputs, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_somebody_elses_is_known() {
        for ours in [
            "manifest-0",
            "manifest-1.tmp",
            "state-1.205-12",
            "merged-3.7",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "manifest-dev.json",
            "manifest-0.bak",
            "manifest-2",
            "state-of-affairs.txt",
            "state-1.2",
            "merged-report.csv",
            "merged-1.2.csv",
            "lock",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
