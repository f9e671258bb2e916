//! Steps: what a pipeline consists of, by name, and what each counts.
//!
//! Counters are kept per worker, so that counting costs a worker nothing but a store to memory of its own, and summed
//! when somebody asks. The step that is at work is noted per thread: if it panics, the error names it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::snapshot::manifest::Counters;
use crate::status::StepStatus;
use crate::time::EventTime;

/// A step of the graph, the same for all workers.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) inputs: Vec<String>,
    /// What a window adds to its end before it is final, in words; for the reason why it is open.
    pub(crate) closes: Option<String>,
    /// What makes the state of one step unusable for another: of what it is made, in words.
    pub(crate) definition: String,
    meters: Vec<Meter>,
}

/// What one worker counts in one step.
#[derive(Default)]
#[repr(align(128))] // Two workers never write to one cache line.
pub(crate) struct Meter {
    pub(crate) records_in: AtomicU64,
    pub(crate) records_out: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) keys: AtomicU64,
    pub(crate) open_windows: AtomicU64,
    pub(crate) state_bytes: AtomicU64,
    /// [`EventTime::MIN`] as micros while nothing is promised.
    pub(crate) watermark: AtomicI64,
    /// The end of the oldest open window, plus lateness; `i64::MAX` if none is open.
    pub(crate) next_close: AtomicI64,
}

impl Meter {
    pub(crate) fn add_all(&self, news: Counters) {
        Self::add(&self.records_in, news.records_in);
        Self::add(&self.records_out, news.records_out);
        Self::add(&self.late, news.late);
    }

    /// Adds to a counter that only this worker writes.
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.store(counter.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }
}

impl Step {
    pub(crate) fn new(
        name: String,
        kind: &'static str,
        inputs: Vec<String>,
        closes: Option<String>,
        definition: String,
        workers: usize,
    ) -> Self {
        let meter = || Meter {
            watermark: AtomicI64::new(EventTime::MIN.micros()),
            next_close: AtomicI64::new(i64::MAX),
            ..Meter::default()
        };
        Step {
            name,
            kind,
            inputs,
            closes,
            definition,
            meters: (0..workers).map(|_| meter()).collect(),
        }
    }

    /// Kind and name, as in `window pages`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    pub(crate) fn meter(&self, worker: usize) -> &Meter {
        &self.meters[worker]
    }

    fn sum(&self, counter: impl Fn(&Meter) -> &AtomicU64) -> u64 {
        self.meters
            .iter()
            .map(|meter| counter(meter).load(Ordering::Relaxed))
            .sum()
    }

    fn least(&self, time: impl Fn(&Meter) -> &AtomicI64) -> EventTime {
        let times = self
            .meters
            .iter()
            .map(|meter| time(meter).load(Ordering::Relaxed));
        EventTime::from_micros(times.min().unwrap_or(i64::MIN))
    }

    pub(crate) fn late(&self) -> u64 {
        self.sum(|meter| &meter.late)
    }

    pub(crate) fn status(&self) -> StepStatus {
        let watermark = self.least(|meter| &meter.watermark);
        let waits_for = self.least(|meter| &meter.next_close).finite().map(|close| {
            let stands = watermark.finite().map_or("nowhere yet".into(), |at| format!("at {at}"));
            let after = self.closes.as_deref().unwrap_or("its end");
            format!(
                "the oldest window is final when the watermark reaches {close} ({after}); it stands {stands}, \
                 see the source partitions for why"
            )
        });
        StepStatus {
            name: self.name.clone(),
            kind: self.kind,
            inputs: self.inputs.clone(),
            records_in: self.sum(|meter| &meter.records_in),
            records_out: self.sum(|meter| &meter.records_out),
            late: self.late(),
            keys: self.sum(|meter| &meter.keys),
            open_windows: self
                .meters
                .iter()
                .map(|m| m.open_windows.load(Ordering::Relaxed))
                .max()
                .unwrap_or(0),
            state_bytes: self.sum(|meter| &meter.state_bytes),
            watermark: watermark.finite(),
            waits_for,
        }
    }
}

thread_local! {
    static AT_WORK: RefCell<Option<Rc<str>>> = const { RefCell::new(None) };
}

/// Notes that `step` is at work on this thread.
pub(crate) fn enter(step: &Rc<str>) {
    AT_WORK.with(|at_work| *at_work.borrow_mut() = Some(Rc::clone(step)));
}

/// The step that was last at work on this thread.
pub(crate) fn at_work() -> String {
    AT_WORK.with(|at_work| {
        at_work
            .borrow()
            .as_deref()
            .unwrap_or("the engine")
            .to_owned()
    })
}
