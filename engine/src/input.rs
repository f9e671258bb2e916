//! The source operator: drives the partitions of a source that belong to this worker.
//!
//! ```text
//!  Partition::poll ──▶ intake ──▶ records@e ─────────────────────────────▶
//!        (many)          │   └──▶ marks@e, once e closes ──▶ broadcast ──▶ all workers
//!                        └──▶ dead letters
//! ```
//!
//! Each activation it first *seals* the epochs that the clock has closed: sends its mark at the epoch it was in, if it
//! changed, and moves to the open one. Then it polls its partitions until the epoch has its fill, and asks the clock to
//! close the epoch if there was news. A partition that ends leaves; when the last has, so does the operator.
//!
//! *Frontiers*: the operator holds the open epoch. It sends records of `e`, then its mark at `e`, then moves on; also at
//! its end.
//!
//! *Invariants*: nothing is sent at an epoch that was sealed. Every worker sends a mark in its first epoch, also if none of
//! the partitions is its own.

use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::vec::Broadcast;
use timely::scheduling::Activator;

use crate::driven::{Driven, Polling, Rules};
use crate::epoch_clock::Close;
use crate::error::{BoxError, Error};
use crate::flow::{Flow, Live};
use crate::inlet::Inlet;
use crate::mark::{Mark, Origin, Standing};
use crate::record::{Data, Record};
use crate::shared::{Shared, SourceMeter};
use crate::source::{Arrival, Partition, Source, Waker};
use crate::step;
use crate::stream::{Batch, Batches, Marks};
use crate::time::{EventTime, seconds};
use crate::timers::Timers;
use crate::watermarks::Watermarks;

/// An idle worker says so again this often, so that the watermark can follow the wall clock.
const IDLE_BEAT: std::time::Duration = seconds(1);

/// Builds the operator; gives records and marks.
pub(crate) fn input<'f, S: Source>(
    flow: &Flow<'f>,
    name: &str,
    source: &S,
    time_of: Box<dyn Fn(&S::Item) -> EventTime>,
    watermarks: Watermarks,
    origin: Origin,
) -> (Batches<'f, S::Item>, Marks<'f>) {
    let mut builder = OperatorBuilder::new(format!("source {name}"), flow.scope);
    let (records, record_stream) = builder.new_output::<Batch<S::Item>>();
    let (marks, mark_stream) = builder.new_output::<Vec<Mark>>();
    let mut records = OutputBuilder::<_, NoopBuilder<Batch<S::Item>>>::from(records);
    let mut marks = OutputBuilder::<_, CapacityContainerBuilder<Vec<Mark>>>::from(marks);
    let address = builder.operator_info().address;
    let activator = Rc::new(flow.scope.activator_for(Rc::clone(&address)));
    let sync_activator = || flow.scope.worker().sync_activator_for(address.to_vec());

    let step: Rc<str> = format!("source {name}").into();
    let opened = match &flow.build.live {
        Some(live) => {
            live.shared.epochs.register(sync_activator());
            let waking = Mutex::new(sync_activator());
            let waker = Waker::new(move || {
                // A worker that is gone needs no waking.
                let _ = waking
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .activate();
            });
            step::enter(&step);
            open(flow, live, name, source, time_of, watermarks, &waker)
        }
        None => look(flow, name, source).map(|()| None),
    };
    let reader = opened.unwrap_or_else(|error| {
        flow.build.error(Error::Source {
            name: name.into(),
            source: error,
        });
        None
    });
    let timers = flow.build.timers.clone();
    builder.build(move |capabilities| {
        let mut input =
            reader.map(|reader| Input::new(reader, capabilities, origin, timers, activator));
        move |_frontiers| {
            step::enter(&step);
            let Some(driving) = &mut input else { return };
            let (mut records, mut marks) = (records.activate(), marks.activate());
            let ended = driving.turn(
                |capability, batch| {
                    records
                        .session_with_builder(capability)
                        .give_container(&mut Rc::new(batch))
                },
                |capability, mark| marks.session(capability).give(mark),
            );
            if ended {
                let ended = input.take().expect("it was driving");
                drop(ended.capabilities);
                ended.reader.live.shared.epochs.source_ended();
            }
        }
    });
    (record_stream, mark_stream.broadcast())
}

/// Looks at a source before anything starts.
fn look<S: Source>(flow: &Flow<'_>, name: &str, source: &S) -> Result<(), BoxError> {
    let cx = flow.build.source_context(name);
    let n_partitions = source.partitions(&cx)?;
    let mut graph = flow.build.graph.borrow_mut();
    graph
        .sources
        .push(Arc::new(SourceMeter::new(name, n_partitions)));
    if let Some(inlet) = source.inlet(&cx) {
        graph.inlets.insert(name.into(), inlet);
    }
    Ok(())
}

/// Opens the partitions that belong to this worker.
fn open<S: Source>(
    flow: &Flow<'_>,
    live: &Live,
    name: &str,
    source: &S,
    time_of: Box<dyn Fn(&S::Item) -> EventTime>,
    watermarks: Watermarks,
    waker: &Waker,
) -> Result<Option<Reader<S::Partition>>, BoxError> {
    let (worker, workers) = (flow.build.worker, flow.build.setup.workers);
    let meter = live
        .shared
        .sources
        .iter()
        .find(|meter| meter.name == name)
        .expect("the dry building saw it");
    let n_partitions =
        u32::try_from(meter.partitions.len()).expect("partitions are counted in u32");
    let cx = flow.build.source_context(name);
    let rules = Rules {
        watermarks,
        arrival: source.arrival(),
        started: flow.build.setup.started,
    };
    let inlet = source.inlet(&cx);
    let mut partitions = Vec::new();
    for number in (0..n_partitions).filter(|p| *p as usize % workers == worker) {
        let partition = source.open(number, &cx, waker.clone())?;
        partitions.push(Driven::new(number, partition, rules));
    }
    Ok(Some(Reader {
        live: live.clone(),
        meter: Arc::clone(meter),
        worker,
        time_of,
        partitions,
        next: 0,
        inlet,
        letters_to_flush: false,
    }))
}

/// The partitions of a source on this worker.
struct Reader<P: Partition> {
    live: Live,
    meter: Arc<SourceMeter>,
    worker: usize,
    time_of: Box<dyn Fn(&P::Item) -> EventTime>,
    partitions: Vec<Driven<P>>,
    /// The partition that is polled first, next time.
    next: usize,
    /// Where events are pushed into it, if they are.
    inlet: Option<Arc<dyn Inlet>>,
    /// There are dead letters that may not be readable yet.
    letters_to_flush: bool,
}

struct Input<P: Partition> {
    reader: Reader<P>,
    /// For records and for marks, at the same epoch.
    capabilities: [Capability<u64>; 2],
    epoch: u64,
    /// Records taken into `epoch`.
    taken: usize,
    origin: Origin,
    standing_sent: Option<Standing>,
    timers: Timers,
    activator: Rc<Activator>,
}

impl<P: Partition> Input<P>
where
    P::Item: Data,
{
    fn new(
        reader: Reader<P>,
        capabilities: Vec<Capability<u64>>,
        origin: Origin,
        timers: Timers,
        activator: Rc<Activator>,
    ) -> Self {
        let mut capabilities: [Capability<u64>; 2] = capabilities
            .try_into()
            .unwrap_or_else(|_| panic!("a source has two outputs"));
        let epoch = reader.live.shared.epochs.first;
        capabilities
            .iter_mut()
            .for_each(|capability| capability.downgrade(&epoch));
        Input {
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
    fn turn(
        &mut self,
        mut send: impl FnMut(&Capability<u64>, Vec<Record<P::Item>>),
        mut mark: impl FnMut(&Capability<u64>, Mark),
    ) -> bool {
        let shared = Arc::clone(&self.reader.live.shared);
        if shared.failed() {
            return false;
        }
        let current = shared.epochs.current();
        if current > self.epoch {
            self.seal(&mut mark);
            self.move_to(current);
        }
        let now = shared.setup.clock.now();
        if shared.stopping() {
            return self.stop(&shared, now, &mut send, &mut mark);
        }
        let read = self.read(&shared, now);
        for batch in read.batches {
            send(&self.capabilities[0], batch);
        }
        if shared.failed() {
            return false;
        }
        if self.reader.has_ended() {
            self.seal(&mut mark);
            // Others may wait for this epoch to be closed, and nobody else may have news.
            shared.epochs.has_news();
            return true;
        }
        self.ask_to_close(&shared, now, read.full, read.any);
        self.come_back(now, read.ready && !read.full);
        false
    }

    /// Ends before the input does. What was pushed in and accepted is still taken: whoever pushed it was told so.
    fn stop(
        &mut self,
        shared: &Shared,
        now: EventTime,
        send: &mut impl FnMut(&Capability<u64>, Vec<Record<P::Item>>),
        mark: &mut impl FnMut(&Capability<u64>, Mark),
    ) -> bool {
        // A stop that came before the partitions were opened closed it too early: opening opens it.
        if let Some(inlet) = &self.reader.inlet {
            inlet.close();
        }
        while self.reader.inlet.is_some() {
            self.taken = 0;
            let read = self.read(shared, now);
            let any = read.any;
            read.batches
                .into_iter()
                .for_each(|batch| send(&self.capabilities[0], batch));
            if shared.failed() {
                return false;
            }
            if !any {
                break;
            }
        }
        if !self.reader.has_ended() && self.reader.inlet.is_none() {
            shared.interrupted.store(true, Relaxed);
        }
        self.seal(mark);
        true
    }

    /// Polls the partitions in turn until the epoch has its fill or none has more at once.
    fn read(&mut self, shared: &Shared, now: EventTime) -> Read<P::Item> {
        let fill = shared.epochs.settings.fill;
        let mut read = Read {
            batches: Vec::new(),
            any: false,
            ready: false,
            full: false,
        };
        let n_partitions = self.reader.partitions.len();
        for turn in 0..n_partitions {
            let room = fill.saturating_sub(self.taken);
            if room == 0 {
                break;
            }
            let partition = (self.reader.next + turn) % n_partitions;
            let polling = self.reader.poll(partition, room, now);
            let Some(Polling {
                batch,
                n_rejected,
                more_at_once,
            }) = polling
            else {
                continue;
            };
            self.taken += batch.len() + n_rejected;
            read.any |= !batch.is_empty() || n_rejected > 0;
            read.ready |= more_at_once;
            if !batch.is_empty() {
                read.batches.push(batch);
            }
        }
        self.reader.next = self.reader.next.wrapping_add(1) % n_partitions.max(1);
        read.full = self.taken >= fill;
        read
    }

    /// Asks the clock to close the epoch if there is something to say in it.
    fn ask_to_close(&mut self, shared: &Shared, now: EventTime, full: bool, any: bool) {
        let news = any || self.taken > 0 || self.standing_to_send(now).is_some();
        if !news {
            return;
        }
        match shared.epochs.close(self.epoch, now, full) {
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
        if let Some(Standing::Idle { now: since, .. }) = self.standing_sent {
            self.timers.at(since.plus(IDLE_BEAT), &self.activator);
        }
    }

    /// The standing of this worker's partitions, if the others do not know it yet.
    fn standing_to_send(&self, now: EventTime) -> Option<Standing> {
        let standing = self.reader.standing(now);
        match (standing, self.standing_sent) {
            (Standing::Idle { now, .. }, Some(Standing::Idle { now: sent, .. })) => {
                (now.since(sent) >= IDLE_BEAT).then_some(standing)
            }
            (standing, sent) => (sent != Some(standing)).then_some(standing),
        }
    }

    fn seal(&mut self, mark: &mut impl FnMut(&Capability<u64>, Mark)) {
        if std::mem::take(&mut self.reader.letters_to_flush)
            && let Err(source) = self.reader.live.shared.setup.dead_letters.flush()
        {
            self.reader.live.shared.fail(Error::DeadLetters { source });
        }
        let now = self.reader.live.shared.setup.clock.now();
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

    fn move_to(&mut self, epoch: u64) {
        self.capabilities
            .iter_mut()
            .for_each(|capability| capability.downgrade(&epoch));
        self.epoch = epoch;
        self.taken = 0;
    }
}

/// What one activation read.
struct Read<T> {
    batches: Vec<Vec<Record<T>>>,
    any: bool,
    /// Some partition has more at once.
    ready: bool,
    /// The epoch has its fill.
    full: bool,
}

impl<P: Partition> Reader<P> {
    fn has_ended(&self) -> bool {
        self.partitions.iter().all(Driven::has_ended)
    }

    fn standing(&self, now: EventTime) -> Standing {
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

    /// Polls one partition; an error ends the run.
    fn poll(&mut self, partition: usize, room: usize, now: EventTime) -> Option<Polling<P::Item>> {
        let driven = &mut self.partitions[partition];
        let meter = &self.meter.partitions[driven.number() as usize];
        let mut letters = Vec::new();
        let polled = driven.poll(
            &self.meter.name,
            &*self.time_of,
            room,
            now,
            &mut letters,
            meter,
        );
        let n_letters = letters.len();
        self.letters_to_flush |= n_letters > 0;
        let written = if letters.is_empty() {
            Ok(())
        } else {
            self.live.shared.setup.dead_letters.write(letters)
        };
        let failure = match (polled, written) {
            (Ok(polling), Ok(())) => return polling.map(|batch| batch.rejecting(n_letters)),
            (Err(source), _) => Error::Source {
                name: self.meter.name.clone(),
                source,
            },
            (_, Err(source)) => Error::DeadLetters { source },
        };
        self.live.shared.fail(failure);
        None
    }
}

/// What event times are measured against, for the operator and its tests.
impl Rules {
    pub(crate) fn latest_allowed(&self, now: EventTime) -> EventTime {
        let latest = match self.arrival {
            Arrival::Now => now.plus(self.watermarks.max_ahead),
            Arrival::AtStart => self.started.plus(self.watermarks.max_ahead),
            Arrival::MadeUp => EventTime::MAX,
        };
        // The end of time is no time at which anything happens: no window would ever hold it.
        latest.min(EventTime::from_micros(i64::MAX - 1))
    }
}
