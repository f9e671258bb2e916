//! The sink operator: writes rows as they come, stages and publishes at publish epochs.
//!
//! Staging makes durable and invisible, publishing makes visible; between the two lies the commit of the epoch. A run
//! without durable state commits each epoch as soon as it is complete.

use std::rc::Rc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use timely::dataflow::channels::pact::Pipeline;

use crate::error::{BoxError, Error};
use crate::flow::Live;
use crate::logic::{At, Emitted, Logic, Publish, Size};
use crate::record::{Data, Record};
use crate::row_stream::RowStream;
use crate::sink::{SinkPart, SinkRow, StageAt};
use crate::stateful::{Counted, Fed, stateful};
use crate::stream::Batch;
use crate::time::EventTime;
use crate::window::Window;

/// Builds the operator; `part` is `None` when the pipeline is built dry.
pub(crate) fn output<T: Data>(
    rows: &RowStream<'_, T>,
    name: &str,
    part: Option<Box<dyn SinkPart>>,
) {
    let stream = &rows.stream;
    let build = &stream.flow.build;
    let step = build.step("sink", name, stream.reads.to_vec(), None);
    let counted = Counted {
        step,
        worker: build.worker,
        counts_state: true,
    };
    let logic = OutputLogic {
        name: name.into(),
        live: build.live.clone(),
        part,
        row: Rc::clone(&rows.row),
        windows: rows.windows,
        pending: Vec::new(),
    };
    let fed = Fed {
        batches: stream.batches.clone(),
        marks: stream.marks.clone(),
        n_origins: stream.origins.len(),
    };
    let built = stateful(&stream.flow, counted, fed, Pipeline, None, logic);
    build.comes_out(built.out);
}

struct OutputLogic<T> {
    name: String,
    live: Option<Live>,
    part: Option<Box<dyn SinkPart>>,
    row: Rc<dyn Fn(&Record<T>) -> SinkRow>,
    /// Of rows that are timed at the start of their window: how long these are.
    windows: Option<Duration>,
    /// Room for the rows of a batch.
    pending: Vec<SinkRow>,
}

impl<T: Data> OutputLogic<T> {
    /// A run that has failed asks nothing more of its sinks: what they are given next may build on what failed.
    fn has_failed(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.shared.failed())
    }

    /// No row that is timed before this will follow, after no record that is before `watermark`.
    fn rows_from(&self, watermark: EventTime) -> EventTime {
        match self.windows {
            Some(size) if watermark.is_finite() => Window::tumbling(watermark, size).start,
            _ => watermark,
        }
    }

    fn write(&mut self, batch: &[Record<T>], at: At) -> Result<(), BoxError> {
        if self.has_failed() {
            return Ok(());
        }
        let Some(part) = &mut self.part else {
            return Ok(());
        };
        self.pending
            .extend(batch.iter().map(|record| (self.row)(record)));
        part.write(at.epoch, &mut self.pending)?;
        assert!(self.pending.is_empty(), "sink {} took all rows", self.name);
        Ok(())
    }

    fn stage_and_publish(&mut self, at: At, last: bool) -> Result<(), BoxError> {
        if self.has_failed() {
            return Ok(());
        }
        let watermark = self.rows_from(at.watermark);
        let (Some(part), Some(live)) = (&mut self.part, &self.live) else {
            return Ok(());
        };
        let now = live.shared.setup.clock.now();
        let staged = part.stage(StageAt {
            epoch: at.epoch,
            watermark,
            now,
            last,
        })?;
        // A run that fails publishes nothing of an epoch that others may not have finished.
        if staged.is_empty() && !last || live.shared.failed() {
            return Ok(());
        }
        let published = part.publish(&staged)?;
        live.shared
            .published
            .fetch_add(published.len() as u64, SeqCst);
        let watchers = live
            .run
            .0
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (watcher, published) in watchers
            .iter()
            .flat_map(|w| published.iter().map(move |p| (w, p)))
        {
            watcher(&self.name, published);
        }
        Ok(())
    }

    fn check(&self, result: Result<(), BoxError>) {
        if let (Err(source), Some(live)) = (result, &self.live) {
            live.shared.fail(Error::Sink {
                name: self.name.clone(),
                source,
            });
        }
    }
}

impl<T: Data> Logic for OutputLogic<T> {
    type In = Batch<T>;
    type Out = ();
    type Late = ();

    fn on_batch(&mut self, batch: Batch<T>, at: At, out: &mut Emitted<(), ()>) {
        out.n_records += batch.len() as u64;
        let written = self.write(&batch, at);
        self.check(written);
    }

    fn on_watermark(&mut self, _at: At, _out: &mut Emitted<(), ()>) {}

    fn on_publish(&mut self, at: At, publish: Publish, _out: &mut Emitted<(), ()>) {
        let published = self.stage_and_publish(at, publish.last);
        self.check(published);
    }

    fn size(&mut self) -> Size {
        Size {
            keys: 0,
            open_windows: 0,
            bytes: 0,
            next_close: EventTime::MAX,
        }
    }
}
