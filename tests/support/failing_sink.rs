//! A sink of which one part fails, once, when it is asked to do something for the nth time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use millstream::engine::{
    BoxError, Delivery, Epoch, Published, Sink, SinkContext, SinkPart, SinkRow, StageAt, Staged,
    Unpublished,
};
use millstream::prelude::*;

/// What a part is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Write,
    Stage,
    /// It cannot fail but by a panic.
    Save,
    Publish,
}

/// Which part fails, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SinkFault {
    pub(crate) asked_to: Asked,
    pub(crate) worker: usize,
    /// Counted from 1, in all runs.
    pub(crate) nth: u64,
}

/// Rows in memory, by way of parts of which one fails; a clone is the same.
#[derive(Clone)]
pub(crate) struct FailingSink {
    memory: Memory,
    fault: Option<SinkFault>,
    n_asked: Arc<AtomicU64>,
    failed_at: Arc<Mutex<Option<Epoch>>>,
}

impl FailingSink {
    /// One that fails by `fault`, if there is one.
    pub(crate) fn new(memory: &Memory, fault: Option<SinkFault>) -> Self {
        FailingSink {
            memory: memory.clone(),
            fault,
            n_asked: Arc::default(),
            failed_at: Arc::default(),
        }
    }

    /// The epoch with which it failed, if it has.
    pub(crate) fn failed_at(&self) -> Option<Epoch> {
        *self
            .failed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, to: Asked, of: usize, epoch: Epoch) -> Result<(), BoxError> {
        let Some(SinkFault {
            asked_to,
            worker,
            nth,
        }) = self.fault
        else {
            return Ok(());
        };
        if (asked_to, worker) == (to, of) && self.n_asked.fetch_add(1, Ordering::SeqCst) + 1 == nth
        {
            *self
                .failed_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(epoch);
            return Err(format!("it fails to {to:?}").into());
        }
        Ok(())
    }
}

struct FailingPart {
    part: Box<dyn SinkPart>,
    sink: FailingSink,
    worker: usize,
    epoch: Epoch,
}

impl Sink for FailingSink {
    fn check(&self, cx: &SinkContext) -> Result<(), BoxError> {
        self.memory.check(cx)
    }
    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(FailingPart {
            part: self.memory.open(cx)?,
            sink: self.clone(),
            worker: cx.worker,
            epoch: Epoch::default(),
        }))
    }
    fn delivery(&self) -> Delivery {
        self.memory.delivery()
    }
    fn recover(&self, cx: &SinkContext, at: Epoch, staged: &[Staged]) -> Result<(), BoxError> {
        self.memory.recover(cx, at, staged)
    }
}

impl FailingPart {
    fn ask(&self, to: Asked) -> Result<(), BoxError> {
        self.sink.ask(to, self.worker, self.epoch)
    }
}

impl SinkPart for FailingPart {
    fn write(&mut self, epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        self.epoch = epoch;
        self.ask(Asked::Write)?;
        self.part.write(epoch, rows)
    }
    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        self.epoch = at.epoch;
        self.ask(Asked::Stage)?;
        self.part.stage(at)
    }
    fn publish(&mut self, staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        // Later epochs may have been written meanwhile: the names of what is staged tell its own.
        let epochs = staged.iter().filter_map(|staged| {
            let mut words = staged.0.rsplitn(4, '-');
            words.nth(2)?.parse::<Epoch>().ok()
        });
        let epoch = epochs.max().unwrap_or_default();
        self.sink.ask(Asked::Publish, self.worker, epoch)?;
        self.part.publish(staged)
    }
    fn holds_rows(&self) -> bool {
        self.part.holds_rows()
    }
    fn save(&mut self, unpublished: &mut Unpublished) {
        if let Err(error) = self.ask(Asked::Save) {
            panic!("{error}");
        }
        self.part.save(unpublished);
    }
    fn restore(&mut self, bucket: &str, rows: Vec<SinkRow>) -> Result<(), BoxError> {
        self.part.restore(bucket, rows)
    }
    fn note(&mut self) -> Option<String> {
        self.part.note()
    }
    fn restore_note(&mut self, note: &str) -> Result<(), BoxError> {
        self.part.restore_note(note)
    }
}
