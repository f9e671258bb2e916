//! The source step: what the source operator does when it is activated.
//!
//! Each activation it first *seals* the epochs that the clock has closed: sends its mark at the epoch it was in, if it
//! changed, and moves to the open one. Then it polls its partitions until the epoch has its fill, and asks the clock to
//! close the epoch if there was news. A partition that ends leaves; when the last has, so does the operator.
//!
//! If one of the epochs it seals is a snapshot epoch, it says there how its partitions stand: what was read before is in
//! the snapshot, what is read after is not. It says so at its end as well, for the snapshots that come after.
//!
//! *Invariants*: nothing is sent at an epoch that was sealed. Every worker sends a mark in its first epoch, also if none of
//! the partitions is its own.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use timely::dataflow::operators::Capability;
use timely::scheduling::Activator;

use crate::dead_letter::DeadLetter;
use crate::epoch::Epoch;
use crate::epoch_clock::Close;
use crate::mark::{Mark, Origin, Standing};
use crate::reader::{Read, Reader};
use crate::record::{Data, Record};
use crate::shared::Shared;
use crate::snapshot::change::Change;
use crate::source::Partition;
use crate::time::{EventTime, seconds};
use crate::timers::Timers;

/// A worker to which nothing comes says so again this often, so that the watermark can follow the wall clock.
const BEAT: std::time::Duration = seconds(1);

/// The partitions of a source on one worker, with the epoch they are read into.
pub(crate) struct SourceStep<P: Partition> {
    reader: Reader<P>,
    /// For records, marks, changes and dead letters, at the same epoch.
    capabilities: [Capability<u64>; 4],
    epoch: u64,
    /// Records taken into `epoch`.
    taken: usize,
    origin: Origin,
    standing_sent: Option<Standing>,
    timers: Timers,
    activator: Rc<Activator>,
}

/// What a source operator sends.
pub(crate) enum Sent<T> {
    /// Records of one partition, in order.
    Records(Vec<Record<T>>),
    /// What was rejected in the meantime.
    Letters(Vec<DeadLetter>),
}

impl<P: Partition> SourceStep<P>
where
    P::Item: Data,
{
    pub(crate) fn new(
        reader: Reader<P>,
        capabilities: Vec<Capability<u64>>,
        origin: Origin,
        timers: Timers,
        activator: Rc<Activator>,
    ) -> Self {
        let mut capabilities: [Capability<u64>; 4] = capabilities
            .try_into()
            .unwrap_or_else(|_| panic!("a source has four outputs"));
        let epoch = reader.live.shared.epochs.first;
        capabilities
            .iter_mut()
            .for_each(|capability| capability.downgrade(&epoch));
        SourceStep {
            reader,
            capabilities,
            epoch,
            taken: 0,
            origin,
            standing_sent: None,
            timers,
            activator,
        }
    }

    /// One activation; gives true when there will be no more.
    pub(crate) fn turn(
        &mut self,
        mut send: impl FnMut(&Capability<u64>, Sent<P::Item>),
        mut mark: impl FnMut(&Capability<u64>, Mark),
        mut keep: impl FnMut(&Capability<u64>, Change),
    ) -> bool {
        let shared = Arc::clone(&self.reader.live.shared);
        if shared.failed() {
            return false;
        }
        let current = shared.epochs.current();
        if current > self.epoch {
            self.seal(&mut mark);
            if let Some(snapshot) = shared.epochs.snapshot_below(current)
                && snapshot >= self.epoch
            {
                let at = self.capabilities[2].delayed(&snapshot);
                self.keep(&at, &mut keep);
            }
            self.move_to(current);
        }
        let now = shared.setup.clock.now();
        if shared.stopping() {
            let stopped = self.stop(&shared, now, &mut send, &mut mark);
            if stopped {
                self.keep(&self.capabilities[2], &mut keep);
            }
            return stopped;
        }
        let mut read = self.read(&shared, now);
        self.send(&mut read, &mut send);
        if shared.failed() {
            return false;
        }
        if self.reader.has_ended() {
            self.seal(&mut mark);
            self.keep(&self.capabilities[2], &mut keep);
            // Others may wait for this epoch to be closed, and nobody else may have news.
            shared.epochs.has_news();
            return true;
        }
        self.ask_to_close(&shared, now, read.full, read.any);
        self.come_back(now, read.ready && !read.full);
        false
    }

    /// Leaves: nothing more is sent.
    pub(crate) fn end(self) {
        drop(self.capabilities);
        self.reader.live.shared.epochs.source_ended();
    }

    /// Ends before the input does. What was pushed in and accepted is still taken if the next run cannot have it again:
    /// whoever pushed it was told so.
    fn stop(
        &mut self,
        shared: &Shared,
        now: EventTime,
        send: &mut impl FnMut(&Capability<u64>, Sent<P::Item>),
        mark: &mut impl FnMut(&Capability<u64>, Mark),
    ) -> bool {
        // A stop that came before the partitions were opened may have closed it too early: opening may open it.
        if let Some(inlet) = &self.reader.inlet {
            inlet.close();
        }
        while self.reader.inlet.is_some() && self.reader.forgets() {
            self.taken = 0;
            let mut read = self.read(shared, now);
            self.send(&mut read, send);
            if shared.failed() {
                return false;
            }
            if !read.any {
                break;
            }
        }
        if !self.reader.has_ended() {
            shared.interrupted.store(true, Relaxed);
        }
        self.seal(mark);
        true
    }

    /// Reads into the open epoch until that has its fill or nothing more is there at once.
    fn read(&mut self, shared: &Shared, now: EventTime) -> Read<P::Item> {
        let fill = shared.epochs.settings.fill;
        let at = (now, Epoch::from_u64(self.epoch));
        self.reader.read(&mut self.taken, fill, at)
    }

    /// Sends what was read.
    fn send(
        &self,
        read: &mut Read<P::Item>,
        send: &mut impl FnMut(&Capability<u64>, Sent<P::Item>),
    ) {
        for batch in read.batches.drain(..) {
            send(&self.capabilities[0], Sent::Records(batch));
        }
        if !read.letters.is_empty() {
            let letters = std::mem::take(&mut read.letters);
            send(&self.capabilities[3], Sent::Letters(letters));
        }
    }

    /// Asks the clock to close the epoch if there is something to say in it.
    fn ask_to_close(&mut self, shared: &Shared, now: EventTime, full: bool, any: bool) {
        let news = any || self.taken > 0 || self.standing_is_news(now);
        if !news {
            return;
        }
        match shared.epochs.close(self.epoch, now, full, any) {
            Close::Closed => self.activator.activate(),
            Close::NotBefore(time) => self.timers.at(time, &self.activator),
            Close::HeldBack => {}
        }
    }

    /// Arranges for the next activation.
    fn come_back(&self, now: EventTime, ready: bool) {
        if ready {
            self.activator.activate();
            return;
        }
        if let Some(time) = self
            .reader
            .partitions
            .iter()
            .filter_map(|p| p.wants_poll_at(now))
            .min()
        {
            self.timers.at(time, &self.activator);
        }
        let said_at = match self.standing_sent {
            Some(Standing::Idle { now: since, .. }) => Some(since),
            Some(Standing::Active(at)) if self.reader.by_clock => Some(at),
            _ => None,
        };
        // Where that is past there is news already: what wakes it is that the epoch may close.
        if let Some(due) = said_at.map(|at| at.plus(BEAT)).filter(|due| *due > now) {
            self.timers.at(due, &self.activator);
        }
    }

    /// The standing of this worker's partitions, if the others do not know it yet.
    fn standing_to_send(&self, now: EventTime) -> Option<Standing> {
        let standing = self.reader.standing(now);
        match (standing, self.standing_sent) {
            (Standing::Idle { now, .. }, Some(Standing::Idle { now: sent, .. })) => {
                (now.since(sent) >= BEAT).then_some(standing)
            }
            (standing, sent) => (sent != Some(standing)).then_some(standing),
        }
    }

    /// Whether an epoch is to be closed so that the others hear of it; that the clock went on alone is not always news.
    fn standing_is_news(&self, now: EventTime) -> bool {
        match (self.standing_to_send(now), self.standing_sent) {
            (Some(Standing::Active(at)), Some(Standing::Active(sent))) if self.reader.by_clock => {
                at.since(sent) >= BEAT
            }
            (standing, _) => standing.is_some(),
        }
    }

    /// Sends how the partitions stand at the epoch they were read into, and what goes with it.
    fn seal(&mut self, mark: &mut impl FnMut(&Capability<u64>, Mark)) {
        let now = self.reader.live.shared.setup.clock.now();
        self.reader.pass(now);
        if let Some(standing) = self.standing_to_send(now) {
            let worker = u32::try_from(self.reader.worker).expect("workers are few");
            mark(
                &self.capabilities[1],
                Mark::Standing {
                    origin: self.origin,
                    worker,
                    standing,
                },
            );
            self.standing_sent = Some(standing);
        }
    }

    /// Says how the partitions stand.
    fn keep(&self, at: &Capability<u64>, keep: &mut impl FnMut(&Capability<u64>, Change)) {
        let now = self.reader.live.shared.setup.clock.now();
        self.reader.changes(now).for_each(|change| keep(at, change));
    }

    fn move_to(&mut self, epoch: u64) {
        self.capabilities
            .iter_mut()
            .for_each(|capability| capability.downgrade(&epoch));
        self.epoch = epoch;
        self.taken = 0;
    }
}
