//! A sink that is slow holds up the sources, also those of other workers: only a few epochs are in flight.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::engine::{
    Arrival, BoxError, Epoch, Intake, Partition, Polled, Published, Sink, SinkContext, SinkPart,
    SinkRow, SourceContext, StageAt, Staged, VirtualClock, Waker,
};
use millstream::prelude::*;

/// How many records each partition has.
const N_RECORDS: u64 = 5_000;
/// How many of them an epoch takes.
const EPOCH_RECORDS: u64 = 10;
/// No more epochs than this may be read while none is complete.
const A_FEW: u64 = 8;
const AT_MOST: Duration = Duration::from_secs(60);

/// Counts, as fast as it is asked to, how far it was read: on the first worker, and in all.
#[derive(Clone, Default)]
struct Counting {
    on_first: Arc<AtomicU64>,
}

struct CountingPartition(Option<Arc<AtomicU64>>, u64);

impl Source for Counting {
    type Item = u64;
    type Partition = CountingPartition;

    fn partitions(&self, cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(u32::try_from(cx.workers)?)
    }
    fn open(&self, p: u32, _: &SourceContext, _: Waker) -> Result<CountingPartition, BoxError> {
        let counted = (p == 0).then(|| Arc::clone(&self.on_first));
        Ok(CountingPartition(counted, 0))
    }
    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl Partition for CountingPartition {
    type Item = u64;

    fn poll(&mut self, intake: &mut Intake<'_, u64>) -> Result<Polled, BoxError> {
        while intake.room() > 0 {
            if self.1 == N_RECORDS {
                return Ok(Polled::Ended);
            }
            intake.accept(self.1)?;
            self.1 += 1;
            if let Some(counted) = &self.0 {
                counted.store(self.1, Ordering::SeqCst);
            }
        }
        Ok(Polled::Ready)
    }
}

/// Has nothing to say, and tells each time that the first worker asks for it.
#[derive(Clone)]
struct Silent {
    waker: Sender<Waker>,
    polled: Sender<()>,
}

struct SilentPartition(Sender<()>);

impl Source for Silent {
    type Item = u64;
    type Partition = SilentPartition;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(1)
    }
    fn open(&self, _: u32, _: &SourceContext, waker: Waker) -> Result<SilentPartition, BoxError> {
        self.waker.send(waker)?;
        Ok(SilentPartition(self.polled.clone()))
    }
    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl Partition for SilentPartition {
    type Item = u64;

    fn poll(&mut self, _intake: &mut Intake<'_, u64>) -> Result<Polled, BoxError> {
        // Nobody listens any more once the test has seen enough.
        if self.0.send(()).is_ok() {
            Ok(Polled::CaughtUp { until: None })
        } else {
            Ok(Polled::Ended)
        }
    }
}

/// On the last worker it says that it has begun to write, and goes on when it is told to.
struct Slow {
    began: Sender<()>,
    go_on: Arc<Mutex<Receiver<()>>>,
}

struct SlowPart(Option<(Sender<()>, Arc<Mutex<Receiver<()>>>)>);

impl Sink for Slow {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        Ok(())
    }
    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        let blocks = cx.worker == cx.workers - 1;
        let part = blocks.then(|| (self.began.clone(), Arc::clone(&self.go_on)));
        Ok(Box::new(SlowPart(part)))
    }
}

impl SinkPart for SlowPart {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        rows.clear();
        if let Some((began, go_on)) = self.0.take() {
            began.send(())?;
            go_on
                .lock()
                .expect("no one panics with it")
                .recv_timeout(AT_MOST)?;
        }
        Ok(())
    }
    fn stage(&mut self, _at: StageAt) -> Result<Vec<Staged>, BoxError> {
        Ok(Vec::new())
    }
    fn publish(&mut self, _staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_slow_sink_holds_up_the_sources_of_other_workers() -> anyhow::Result<()> {
    for workers in 2..=3 {
        let counting = Counting::default();
        let on_first = Arc::clone(&counting.on_first);
        let (waker, wakers) = channel();
        let (polled, polls) = channel();
        let silent = Silent { waker, polled };
        let (began, begins) = channel();
        let (go_on, going_on) = channel();
        let going_on = Arc::new(Mutex::new(going_on));
        let running = App::new("slow")
            .workers(workers)
            .clock(VirtualClock::starting_at(EventTime::from_millis(0)))
            .epochs(millis(0), EPOCH_RECORDS as usize)
            .start(move |flow| {
                let policy = Watermarks::bounded(seconds(0));
                let time = |n: &u64| EventTime::from_millis(*n as i64);
                let counted = flow
                    .source("counting", counting.clone())
                    .event_time(time, policy);
                let silent = flow
                    .source("silent", silent.clone())
                    .event_time(time, policy);
                let slow = Slow {
                    began: began.clone(),
                    go_on: Arc::clone(&going_on),
                };
                counted
                    .merge(&silent)
                    .columns("n", |n| *n)
                    .sink("slow", slow)
            })?;
        begins.recv_timeout(AT_MOST)?;
        // Each time the silent source is asked, the other one on that worker has had its turn, if it wanted one.
        let waker = wakers.recv_timeout(AT_MOST)?;
        for _ in 0..10 * A_FEW {
            while polls.try_recv().is_ok() {}
            waker.wake();
            polls.recv_timeout(AT_MOST)?;
        }
        let read = on_first.load(Ordering::SeqCst);
        go_on.send(())?;
        drop(polls);
        waker.wake();
        let report = running.wait()?;
        assert!(
            (EPOCH_RECORDS..=A_FEW * EPOCH_RECORDS).contains(&read),
            "{read} records were read by the first of {workers} workers while the last one wrote its first"
        );
        assert_eq!(
            report.events,
            N_RECORDS * workers as u64,
            "nothing is lost and nothing stands still"
        );
    }
    Ok(())
}
