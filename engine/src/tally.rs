//! The tally of a step on one worker: what came in, what went out, what was late.
//!
//! Counting happens before anything leaves, and at the end of each epoch; so at a snapshot epoch the tally says how much it
//! was up to that epoch, and a run that goes on from there counts on. What was counted before the run stands on worker 0.

use crate::logic::Emitted;
use crate::snapshot::manifest::Counters;
use crate::stateful::Counted;

/// Counts what a logic takes in and emits.
pub(crate) struct Tally {
    pub(crate) counted: Counted,
    so_far: Counters,
    /// How much of what is emitted and has not left yet is counted.
    out: usize,
    late: usize,
}

impl Tally {
    /// A tally that goes on from what was counted `before`.
    pub(crate) fn new(counted: Counted, before: Counters) -> Self {
        counted.meter().add_all(before);
        Tally {
            counted,
            so_far: before,
            out: 0,
            late: 0,
        }
    }

    /// What was counted here, and before.
    pub(crate) fn so_far(&self) -> Counters {
        self.so_far
    }

    /// Counts what was emitted since the last time.
    pub(crate) fn count<O, L>(&mut self, emitted: &mut Emitted<O, L>) {
        let news = Counters {
            records_in: std::mem::take(&mut emitted.n_records),
            records_out: self.counted.of_output(emitted.out.len() - self.out),
            late: (emitted.late.len() - self.late) as u64,
        };
        self.out = emitted.out.len();
        self.late = emitted.late.len();
        if news != Counters::default() {
            self.counted.meter().add_all(news);
            self.so_far.add(news);
        }
    }

    /// What was emitted to readers has left.
    pub(crate) fn out_left(&mut self) {
        self.out = 0;
    }

    /// What was late has left.
    pub(crate) fn late_left(&mut self) {
        self.late = 0;
    }
}
