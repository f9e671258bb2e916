//! The reader of a source on one worker: its share of the partitions, polled in turn.
//!
//! A partition belongs to worker `partition % workers`, so how many there are does not depend on the workers; a worker
//! may have none. What a reader says of them all together is one [`Standing`]: the least that any of them has promised,
//! and if none may send, how far they had come.
//!
//! A source is looked at once while the pipeline is built dry, when nothing is opened; then each worker opens its own.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::dead_letter::DeadLetter;
use crate::driven::{Driven, Polling, Rules};
use crate::epoch::Epoch;
use crate::error::{BoxError, Error};
use crate::flow::{Flow, Live};
use crate::inlet::Inlet;
use crate::intake::TimeOf;
use crate::mark::Standing;
use crate::record::Record;
use crate::snapshot::change::Change;
use crate::source::{Partition, Rewind, Source, Waker};
use crate::source_meter::SourceMeter;
use crate::time::EventTime;
use crate::watermarks::Watermarks;

/// So many records are read before the steps behind the source get their turn, so that they find them in the cache.
const RECORDS_PER_TURN: usize = 512;

/// The partitions of a source on this worker.
pub(crate) struct Reader<P: Partition> {
    pub(crate) live: Live,
    meter: Arc<SourceMeter>,
    pub(crate) worker: usize,
    time_of: Box<TimeOf<P::Item>>,
    /// Records are timed by the clock of the run.
    pub(crate) by_clock: bool,
    pub(crate) partitions: Vec<Driven<P>>,
    /// The partition that is polled first, next time.
    next: usize,
    /// Where events are pushed into it, if they are.
    pub(crate) inlet: Option<Arc<dyn Inlet>>,
}

/// What one activation read.
pub(crate) struct Read<T> {
    pub(crate) batches: Vec<Vec<Record<T>>>,
    pub(crate) letters: Vec<DeadLetter>,
    /// There was something, if only dead letters.
    pub(crate) any: bool,
    /// Some partition has more at once.
    pub(crate) ready: bool,
    /// The epoch has its fill.
    pub(crate) full: bool,
}

/// Looks at a source before anything starts.
pub(crate) fn look<S: Source>(flow: &Flow<'_>, name: &str, source: &S) -> Result<(), BoxError> {
    let cx = flow.build.source_context(name);
    let n_partitions = source.partitions(&cx)?;
    let identity = source.identity(&cx)?;
    let mut graph = flow.build.graph.borrow_mut();
    graph.sources.push(Arc::new(SourceMeter::new(
        name,
        n_partitions,
        identity,
        source.rewind(&cx),
    )));
    if let Some(inlet) = source.inlet(&cx) {
        graph.inlets.insert(name.into(), inlet);
    }
    if let Some(ack) = source.ack(&cx) {
        graph.acks.insert(name.into(), ack);
    }
    Ok(())
}

/// Opens the partitions that belong to this worker.
pub(crate) fn open<S: Source>(
    flow: &Flow<'_>,
    live: &Live,
    name: &str,
    source: &S,
    time_of: Box<TimeOf<S::Item>>,
    watermarks: Watermarks,
    waker: &Waker,
) -> Result<Option<Reader<S::Partition>>, BoxError> {
    let (worker, workers) = (flow.build.worker, flow.build.setup.workers);
    let meter = live
        .shared
        .sources
        .iter()
        .find(|meter| &*meter.name == name)
        .expect("the dry building saw it");
    let n_partitions =
        u32::try_from(meter.partitions.len()).expect("partitions are counted in u32");
    let cx = flow.build.source_context(name);
    let rules = Rules {
        watermarks,
        arrival: source.arrival(),
        started: flow.build.setup.started,
        resumed: flow.build.setup.resumed,
    };
    let restored = live.shared.state.source(name);
    let inlet = source.inlet(&cx);
    // Time goes on from now, and not from before where any partition had come to: the steps after the source have.
    let reached = restored
        .iter()
        .flat_map(|source| source.partitions.values());
    let reached = reached.map(|state| state.watermark).max();
    let mut partitions = Vec::new();
    for number in (0..n_partitions).filter(|p| *p as usize % workers == worker) {
        let state = restored.and_then(|source| source.partitions.get(&number));
        let partition = match state.and_then(|state| state.position.as_ref()) {
            Some(position) => source.resume(number, position, &cx, waker.clone())?,
            None => source.open(number, &cx, waker.clone())?,
        };
        let mut driven = Driven::new(number, partition, rules);
        if let Some(state) = state {
            driven = driven.restored(state);
        }
        driven.pass(reached.unwrap_or(EventTime::MIN));
        partitions.push(driven);
        if let Some(state) = state {
            let meter = &meter.partitions[number as usize];
            meter.events.store(state.events, Relaxed);
            meter.rejected.store(state.rejected, Relaxed);
        }
    }
    Ok(Some(Reader {
        live: live.clone(),
        meter: Arc::clone(meter),
        worker,
        time_of,
        by_clock: watermarks.by_clock,
        partitions,
        next: 0,
        inlet,
    }))
}

impl<P: Partition> Reader<P> {
    /// What a snapshot keeps of the partitions.
    pub(crate) fn changes(&self, now: EventTime) -> impl Iterator<Item = Change> {
        self.partitions.iter().map(move |driven| Change::Partition {
            source: Arc::clone(&self.meter.name),
            partition: driven.number(),
            state: driven.state(now, &self.meter.partitions[driven.number() as usize]),
        })
    }

    /// Whether what is not read now is lost with the run.
    pub(crate) fn forgets(&self) -> bool {
        self.meter.rewind == Rewind::Nothing
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.partitions.iter().all(Driven::has_ended)
    }

    /// Has time go on for partitions whose records are timed by the clock.
    pub(crate) fn pass(&mut self, now: EventTime) {
        self.partitions
            .iter_mut()
            .for_each(|driven| driven.pass(now));
    }

    /// The least of what those that may send have promised, if any may.
    pub(crate) fn standing(&self, now: EventTime) -> Standing {
        let active = self.partitions.iter().filter(|p| p.is_active());
        let reached = self
            .partitions
            .iter()
            .map(Driven::watermark)
            .max()
            .unwrap_or(EventTime::MIN);
        match active.map(Driven::watermark).min() {
            Some(least) => Standing::Active(least),
            None if self.has_ended() => Standing::Ended { reached },
            None => Standing::Idle { now, reached },
        }
    }

    /// Polls the partitions in turn until the epoch, of which `taken` were read before, has its `fill`, or it is the turn
    /// of the steps behind, or none has more at once.
    pub(crate) fn read(
        &mut self,
        taken: &mut usize,
        fill: usize,
        at: (EventTime, Epoch),
    ) -> Read<P::Item> {
        let mut read = Read {
            batches: Vec::new(),
            letters: Vec::new(),
            any: false,
            ready: false,
            full: false,
        };
        let n_partitions = self.partitions.len();
        let enough = fill.min(*taken + RECORDS_PER_TURN);
        for _ in 0..n_partitions {
            let room = enough.saturating_sub(*taken);
            if room == 0 {
                // Those that were not asked may have more.
                read.ready = true;
                break;
            }
            let partition = self.next;
            self.next = (self.next + 1) % n_partitions;
            let n_letters = read.letters.len();
            let Some(polling) = self.poll(partition, room, at, &mut read.letters) else {
                continue;
            };
            let n_rejected = read.letters.len() - n_letters;
            *taken += polling.batch.len() + n_rejected;
            read.any |= !polling.batch.is_empty() || n_rejected > 0;
            read.ready |= polling.more_at_once;
            if !polling.batch.is_empty() {
                read.batches.push(polling.batch);
            }
        }
        read.full = *taken >= fill;
        self.live.shared.recent_letters.take(&read.letters);
        read
    }

    /// Polls one partition; an error ends the run.
    fn poll(
        &mut self,
        partition: usize,
        room: usize,
        at: (EventTime, Epoch),
        letters: &mut Vec<DeadLetter>,
    ) -> Option<Polling<P::Item>> {
        let driven = &mut self.partitions[partition];
        let meter = &self.meter.partitions[driven.number() as usize];
        let mut rejected = Vec::new();
        let polled = driven.poll(
            &self.meter.name,
            &*self.time_of,
            room,
            at,
            &mut rejected,
            meter,
        );
        letters.append(&mut rejected);
        polled.unwrap_or_else(|source| {
            self.live.shared.fail(Error::Source {
                name: self.meter.name.to_string(),
                source,
            });
            None
        })
    }
}
