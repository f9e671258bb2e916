//! The files of one worker, as its writer thread makes them: one for each snapshot in which something of its own changed.

use std::sync::Arc;

use super::change::Change;
use super::error::StateError;
use super::file::{StateFile, StateWriter};
use super::store::Store;
use crate::epoch::Epoch;

/// What the writer of a worker is asked.
pub(crate) enum Job {
    /// To write this into the file of the epoch.
    Write(u64, Change),
    /// To finish that file.
    Finish,
}

/// The file, if there is anything in it; durable.
pub(crate) type Written = Option<StateFile>;

/// Writes the files of one worker.
pub(crate) struct Files {
    store: Arc<dyn Store>,
    worker: usize,
    /// The one that is being written.
    file: Option<StateWriter>,
}

impl Files {
    pub(crate) fn new(store: Arc<dyn Store>, worker: usize) -> Self {
        Files {
            store,
            worker,
            file: None,
        }
    }

    /// Does a job; gives what is finished.
    pub(crate) fn work(&mut self, job: Job) -> Option<Result<Written, StateError>> {
        match job {
            Job::Write(epoch, change) => self.write(epoch, change).err().map(Err),
            Job::Finish => Some(self.finish()),
        }
    }

    fn write(&mut self, epoch: u64, change: Change) -> Result<(), StateError> {
        if self.file.is_none() {
            let name = format!("state-{}-{}", Epoch::from_u64(epoch), self.worker);
            self.file = Some(StateWriter::create(&*self.store, &name)?);
        }
        let file = self.file.as_mut().expect("just made");
        match change {
            Change::Block { step, shard, bytes } => file.block(&step, shard, &bytes),
            Change::Forgotten { step, windows } => {
                file.forget(&step, &windows);
                Ok(())
            }
            other => unreachable!("{other:?} is part of the vote"),
        }
    }

    fn finish(&mut self) -> Result<Written, StateError> {
        let Some(file) = self.file.take() else {
            return Ok(None);
        };
        let file = file.finish()?;
        let place = self.store.place(&file.name);
        let sync = self.store.sync();
        sync.map_err(StateError::io("sync the directory of", place))?;
        Ok(Some(file))
    }
}
