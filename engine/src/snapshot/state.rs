//! The state of a run: what it goes on from, and what it has committed since.
//!
//! One per process, shared by its workers. A run that is not durable has one too, without a store: its epochs are committed
//! as soon as every worker has voted, and nothing is written.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use timely::scheduling::SyncActivator;

use super::acks::Acks;
use super::collect::{self, Committer, Merged, merge_durably};
use super::error::StateError;
use super::file::StateReader;
use super::files::{self, Files};
use super::follow::{CommitStep, Follower};
use super::keeper::Keeper;
use super::manifest::{Manifest, SourceState, StagedEntry, StepState};
use super::merging::Merging;
use super::store::Store;
use super::write::Vote;
use super::writer::{Ending, Writer};
use crate::epoch::Epoch;
use crate::error::Error;
use crate::shared::Shared;
use crate::step::Step;

/// The state of a run.
#[derive(Default)]
pub(crate) struct RunState {
    pub(crate) durable: Option<Durable>,
    pub(crate) follower: Option<Follower>,
    /// What was published and is still named by the last manifest.
    published: Mutex<Vec<StagedEntry>>,
    endings: Mutex<Vec<Ending>>,
    /// In microseconds: the longest that a snapshot has held up a worker at a time.
    longest_stall: AtomicU64,
}

/// What a durable run has.
pub(crate) struct Durable {
    pub(crate) store: Arc<dyn Store>,
    /// What the run goes on from.
    pub(crate) resumed: Manifest,
    /// The files of `resumed`, the oldest first.
    pub(crate) readers: Vec<StateReader>,
    newest: Mutex<Manifest>,
    pub(super) merging: Mutex<Merging>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Durable {
    pub(crate) fn new(store: Arc<dyn Store>, resumed: Manifest, readers: Vec<StateReader>) -> Self {
        Durable {
            store,
            newest: Mutex::new(resumed.clone()),
            resumed,
            readers,
            merging: Mutex::default(),
        }
    }
}

impl RunState {
    pub(crate) fn new(durable: Option<Durable>, follower: Option<Follower>) -> Self {
        RunState {
            durable,
            follower,
            ..RunState::default()
        }
    }

    /// What was kept of source `name`.
    pub(crate) fn source(&self, name: &str) -> Option<&SourceState> {
        self.durable.as_ref()?.resumed.sources.get(name)
    }

    /// What was kept of a step.
    pub(crate) fn step(&self, step: &Step) -> Option<&StepState> {
        self.durable.as_ref()?.resumed.steps.get(&step.key())
    }

    /// Whether a step goes on from what was committed of it; if not it is new to the pipeline, or there is no state.
    pub(crate) fn goes_on(&self, step: &Step) -> bool {
        self.step(step).is_some_and(|kept| kept.committed)
    }

    /// A step's part in snapshots, if there are any.
    pub(crate) fn keeper(&self, step: &Step) -> Option<Keeper> {
        self.step(step)
            .map(|kept| Keeper::new((&*kept.in_files).into()))
    }

    /// What sink `name` has staged that may not be published yet.
    pub(crate) fn staged(&self, name: &str) -> Vec<StagedEntry> {
        let durable = self.durable.iter();
        let staged = durable.flat_map(|durable| &durable.resumed.staged);
        staged.filter(|entry| entry.sink == name).cloned().collect()
    }

    /// Takes note of what was published: the next manifest need not name it.
    pub(crate) fn published(&self, entries: Vec<StagedEntry>) {
        if self.durable.is_some() {
            lock(&self.published).extend(entries);
        }
    }

    /// A snapshot has held up a worker for `time`.
    pub(crate) fn held_up(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.longest_stall.fetch_max(micros, Relaxed);
    }

    /// The longest that a snapshot has held up a worker at a time.
    pub(crate) fn longest_stall(&self) -> Duration {
        Duration::from_micros(self.longest_stall.load(Relaxed))
    }

    /// The last epoch that was committed, if any was.
    pub(crate) fn last_commit(&self) -> Option<Epoch> {
        let epoch = lock(&self.durable.as_ref()?.newest).epoch;
        (epoch > Epoch::default()).then_some(epoch)
    }

    /// What sources are to be told with the next commits.
    pub(crate) fn acks(&self) -> Acks {
        let durable = self.durable.as_ref();
        durable.map_or_else(Acks::default, |durable| Acks::from(&durable.resumed))
    }

    /// A writer for the files of a worker.
    pub(crate) fn writer(
        &self,
        worker: usize,
        wake: SyncActivator,
    ) -> io::Result<Option<Writer<files::Job, files::Written>>> {
        let Some(durable) = &self.durable else {
            return Ok(None);
        };
        let store = Arc::clone(&durable.store);
        let mut files = Files::new(store, worker);
        let work = move |job| files.work(job);
        self.start(format!("snapshots-{worker}"), wake, work)
            .map(Some)
    }

    /// A writer for manifests, and another that merges files.
    pub(crate) fn committer(
        &self,
        wake: SyncActivator,
        wake_merged: SyncActivator,
    ) -> io::Result<Option<Writer<collect::Job, collect::Committed>>> {
        let Some(durable) = &self.durable else {
            return Ok(None);
        };
        let store = || Arc::clone(&durable.store);
        let (merging, follower) = (store(), self.follower.clone());
        let work = move |to_merge| Some(merge_durably(&merging, follower.as_ref(), to_merge));
        lock(&durable.merging).merger = Some(self.start("merging".into(), wake_merged, work)?);
        let mut committer = Committer::new(store(), self.follower.clone(), &durable.resumed);
        let work = move |job| committer.work(job);
        self.start("commits".into(), wake, work).map(Some)
    }

    fn start<J: Send + 'static, T: Send + 'static>(
        &self,
        name: String,
        wake: SyncActivator,
        work: impl FnMut(J) -> Option<Result<T, StateError>> + Send + 'static,
    ) -> io::Result<Writer<J, T>> {
        let (writer, ending) = Writer::start(name, wake, work)?;
        lock(&self.endings).push(ending);
        Ok(writer)
    }

    /// Tells whoever follows commits of a step; gives whether the run goes on.
    pub(crate) fn step_is_taken(&self, step: CommitStep, epoch: Epoch, shared: &Shared) -> bool {
        if let Some(follower) = &self.follower
            && let Err(source) = follower(step, epoch)
        {
            shared.fail(Error::State(StateError::Followed(source)));
        }
        !shared.failed()
    }

    /// The manifest of an epoch for which every worker has voted, in a durable run.
    pub(crate) fn next_manifest(
        &self,
        epoch: Epoch,
        votes: Vec<Vote>,
        finished: bool,
    ) -> Result<Manifest, StateError> {
        let durable = self.durable.as_ref().expect("a durable run");
        let mut next = lock(&durable.newest).clone();
        next.sequence += 1;
        (next.epoch, next.finished) = (epoch, finished);
        for step in next.steps.values_mut() {
            step.forget_standing();
        }
        self.drop_published(&mut next);
        for vote in votes {
            next.take(vote);
        }
        if let Some(Merged { inputs, file }) = durable.take_merged()? {
            let first = next.files.iter().position(|known| *known == inputs[0]);
            let first = first.expect("what is merged stays named until now");
            next.files.splice(first..first + inputs.len(), [file]);
        }
        Ok(next)
    }

    fn drop_published(&self, manifest: &mut Manifest) {
        let published = std::mem::take(&mut *lock(&self.published));
        manifest.staged.retain(|entry| !published.contains(entry));
    }

    /// `manifest` is durable: files may be merged that it names.
    pub(crate) fn committed(&self, manifest: Manifest) {
        let durable = self.durable.as_ref().expect("a durable run");
        durable.merge_if_due(&manifest);
        *lock(&durable.newest) = manifest;
    }

    /// Ends the threads, once the workers have ended.
    pub(crate) fn end_threads(&self) {
        let endings = std::mem::take(&mut *lock(&self.endings));
        endings.into_iter().for_each(Ending::end);
    }

    /// Writes down what was published since the last manifest, so that nobody looks for it again.
    pub(crate) fn close(&self) -> Result<(), StateError> {
        let Some(durable) = &self.durable else {
            return Ok(());
        };
        let mut last = lock(&durable.newest).clone();
        let n_staged = last.staged.len();
        self.drop_published(&mut last);
        if last.staged.len() == n_staged {
            return Ok(());
        }
        last.sequence += 1;
        last.write(&*durable.store)?;
        *lock(&durable.newest) = last;
        Ok(())
    }
}

impl Manifest {
    /// Takes in what a worker had to say.
    fn take(&mut self, vote: Vote) {
        for (source, partition, state) in vote.partitions {
            let source = self.sources.get_mut(&source);
            let source = source.expect("every source was written down at the start");
            source.partitions.insert(partition, state);
        }
        for (in_files, standing) in vote.steps {
            let mut steps = self.steps.values_mut();
            let step = steps.find(|step| step.in_files == in_files);
            let step = step.expect("every step was written down at the start");
            step.watermark = step.watermark.max(standing.watermark);
            step.counted.add(standing.counted);
            step.notes.extend(standing.note);
            step.committed = true;
        }
        self.staged.extend(vote.staged);
        self.files.extend(vote.file);
    }
}

impl StepState {
    /// Makes room for what the workers say anew.
    fn forget_standing(&mut self) {
        self.counted = super::manifest::Counters::default();
        self.notes.clear();
    }
}
