//! The writer: one thread a topic, that writes what waits in all partitions as one group, then tells everyone.
//!
//! It waits on a condition while there is nothing to do. After an error it does nothing but answer: what a failed sync has
//! done nobody knows, so nothing more is written to the topic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::error::LogError;
use super::group::{Group, Waiting};
use super::inner::Inner;
use super::record::Appended;
use super::sequence::Sequence;
use super::settings::SyncPolicy;
use super::written::Written;

/// What keeps others away from the store.
pub(super) type Lock = Box<dyn Any + Send + Sync>;

/// The one that writes.
pub(super) struct Writer {
    inner: Arc<Inner>,
    written: Vec<Written>,
    /// A buffer for each partition, empty between groups.
    spare: Vec<Vec<u8>>,
    /// Since when something is not synced that should be.
    unsynced_since: Option<Instant>,
    _lock: Option<Lock>,
}

impl Writer {
    pub(super) fn new(inner: Arc<Inner>, lock: Option<Lock>) -> Self {
        let n_partitions = inner.sequences.len();
        Writer {
            written: (0..n_partitions).map(|_| Written::default()).collect(),
            spare: vec![Vec::new(); n_partitions],
            unsynced_since: None,
            inner,
            _lock: lock,
        }
    }

    /// Writes until the topic is closed.
    pub(super) fn run(mut self) {
        let inner = Arc::clone(&self.inner);
        loop {
            let Group {
                waiting,
                retain,
                is_last,
            } = inner.queue.take(self.sync_at());
            let done = match inner.failure() {
                Some(failure) => Err(failure),
                None => self.work(retain, is_last),
            };
            if let Err(error) = &done {
                inner.fail(error.clone());
                // Nothing is synced any more, so there is nothing to wake up for.
                self.unsynced_since = None;
            }
            waiting
                .into_iter()
                .for_each(|waiting| answer(waiting, &done));
            if is_last {
                break;
            }
        }
        // Whoever opens the topic next finds it left.
        drop(self);
        let ended = Err(inner.failure_or_closed());
        let late = inner.queue.end();
        late.into_iter().for_each(|waiting| answer(waiting, &ended));
        for sequence in &inner.sequences {
            sequence.shelf.end();
        }
    }

    fn work(&mut self, retain: bool, is_last: bool) -> Result<(), LogError> {
        if retain {
            self.inner.retain()?;
        }
        let n_sealed = self.n_sealed();
        self.write()?;
        let is_due = match self.inner.settings.sync {
            SyncPolicy::EveryGroup => true,
            SyncPolicy::Every(_) => self.sync_at().is_some_and(|at| at <= Instant::now()),
            SyncPolicy::Never => false,
        };
        if is_due {
            self.sync()?;
        }
        if is_due || self.inner.settings.sync == SyncPolicy::Never {
            self.show();
        }
        if is_last {
            self.leave()?;
        } else if self.n_sealed() > n_sealed {
            self.inner.retain()?;
        }
        Ok(())
    }

    /// Writes what waits in the tails.
    fn write(&mut self) -> Result<(), LogError> {
        let segment_bytes = self.inner.settings.segment_bytes;
        let parts = self.written.iter_mut().zip(&mut self.spare);
        for (sequence, (written, frames)) in self.inner.sequences.iter().zip(parts) {
            sequence.tail().exchange(frames);
            if frames.is_empty() {
                continue;
            }
            written.write(sequence, segment_bytes, frames)?;
            self.inner.queue.release(frames.len());
            if !written.is_synced() {
                self.unsynced_since.get_or_insert_with(Instant::now);
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.unsynced_since = None;
        let sequences = self.inner.sequences.iter().zip(&mut self.written);
        let unsynced = sequences.filter(|(_, written)| !written.is_synced());
        sync_together(unsynced.collect())
    }

    fn show(&mut self) {
        for (sequence, written) in self.inner.sequences.iter().zip(&mut self.written) {
            written.show(sequence);
        }
    }

    /// Leaves everything sealed.
    fn leave(&mut self) -> Result<(), LogError> {
        let n_sealed = self.n_sealed();
        for (sequence, written) in self.inner.sequences.iter().zip(&mut self.written) {
            written.seal(sequence)?;
        }
        self.show();
        if self.n_sealed() > n_sealed {
            let store = &self.inner.store;
            let place = store.place("");
            store
                .sync()
                .map_err(LogError::write("sync the names in", place))?;
        }
        self.inner.leave_readers()
    }

    /// When what was written must be synced, though nothing more comes.
    fn sync_at(&self) -> Option<Instant> {
        let SyncPolicy::Every(interval) = self.inner.settings.sync else {
            return None;
        };
        self.unsynced_since?.checked_add(interval)
    }

    fn n_sealed(&self) -> u64 {
        self.written.iter().map(Written::n_sealed).sum()
    }
}

/// Syncs several files at the same time: that takes hardly longer than one, where one after the other takes as often as long.
fn sync_together(mut unsynced: Vec<(&Sequence, &mut Written)>) -> Result<(), LogError> {
    let Some((sequence, written)) = unsynced.pop() else {
        return Ok(());
    };
    std::thread::scope(|scope| {
        let mut syncing = Vec::new();
        let mut first = Ok(());
        for (sequence, written) in unsynced {
            let started =
                std::thread::Builder::new().spawn_scoped(scope, || written.sync(sequence));
            match started {
                Ok(thread) => syncing.push(thread),
                Err(error) => {
                    let place = sequence.format.store.place("");
                    first = first.and(Err(LogError::write("start a thread to sync", place)(error)));
                }
            }
        }
        let synced = written.sync(sequence);
        let joined = syncing.into_iter().map(|thread| {
            let joined = thread.join();
            joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        joined.fold(first.and(synced), Result::and)
    })
}

/// Tells someone what became of their records.
fn answer(waiting: Waiting, done: &Result<(), LogError>) {
    let Waiting { then, appended } = waiting;
    let result: Result<Appended, LogError> = match done {
        Ok(()) => Ok(appended),
        Err(error) => Err(error.clone()),
    };
    // One who panics must not take the answer from the others.
    if catch_unwind(AssertUnwindSafe(|| then(result))).is_err() {
        tracing::error!("whoever was told that records were appended has panicked");
    }
}
