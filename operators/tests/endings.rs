//! A run ends whenever it is stopped, whatever it was told, and says why if it was not told to.

#[path = "support/script.rs"]
mod script;

use std::sync::{Arc, Mutex};

use millstream_engine::{
    Answer, App, Arrival, BoxError, Epoch, EventTime, Flow, Inlet, Intake, Offer, Partition,
    Polled, Published, Receipt, Result, Run, Service, Sink, SinkContext, SinkPart, SinkRow, Source,
    SourceContext, StageAt, Staged, VirtualClock, Waker, Watermarks, millis, seconds,
};
use millstream_operators::{Inspect, KeyBy, Map, Tumbling, Windows};
use script::{Act, Script, ends};

fn at(seconds: i64) -> EventTime {
    EventTime::from_millis(seconds * 1000)
}

fn app(workers: usize) -> App {
    App::new("endings")
        .workers(workers)
        .clock(VirtualClock::starting_at(at(0)))
        .epochs(millis(0), 64)
}

fn ticks(n: i64, then: Act<u32>) -> Script<u32> {
    let partition = (0..n).map(|s| Act::Emit(at(s), 1)).chain([then]);
    Script(vec![partition.collect(); 4])
}

/// Counts what comes from `script`.
fn counting(script: Script<u32>) -> impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync {
    move |flow| {
        flow.source("ticks", script.clone())
            .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
            .window(Tumbling::of(seconds(10)))
            .aggregate("counts", |of| of.count("n"))
            .view("counts")
    }
}

#[test]
fn a_stop_before_the_workers_are_there_ends_the_run() {
    for workers in 1..=3 {
        let stopped = app(workers).watch(Run::stop);
        let report = ends(stopped, counting(ticks(10, Act::Rest))).expect("it is stopped");
        assert!(report.stopped, "{report:?}");
    }
}

#[test]
fn epochs_without_room_for_records_are_refused() {
    let no_room = app(1).epochs(millis(0), 0);
    let error = ends(no_room, counting(ticks(10, Act::Rest))).expect_err("nothing can be read");
    assert!(error.to_string().starts_with("epochs: "), "{error}");
}

/// A pushed source whose partition opens the queue, and notes at each poll whether it is closed.
#[derive(Clone, Default)]
struct Pushed(Arc<Mutex<Door>>);

#[derive(Default)]
struct Door {
    is_closed: bool,
    was_closed: Vec<bool>,
}

impl Inlet for Pushed {
    fn offer(&self, _offer: Offer, answer: Answer) {
        answer(Ok(Receipt::default()));
    }
    fn body_bytes_max(&self) -> usize {
        1
    }
    fn close(&self) {
        self.0.lock().expect("no one panics with it").is_closed = true;
    }
}

impl Source for Pushed {
    type Item = u32;
    type Partition = Pushed;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(1)
    }
    fn open(&self, _p: u32, _cx: &SourceContext, _waker: Waker) -> Result<Pushed, BoxError> {
        self.0.lock().expect("no one panics with it").is_closed = false;
        Ok(self.clone())
    }
    fn arrival(&self) -> Arrival {
        Arrival::Now
    }
    fn inlet(&self, _cx: &SourceContext) -> Option<Arc<dyn Inlet>> {
        Some(Arc::new(self.clone()))
    }
}

impl Partition for Pushed {
    type Item = u32;

    fn poll(&mut self, _intake: &mut Intake<'_, u32>) -> Result<Polled, BoxError> {
        let mut door = self.0.lock().expect("no one panics with it");
        let is_closed = door.is_closed;
        door.was_closed.push(is_closed);
        Ok(Polled::CaughtUp { until: None })
    }
}

#[test]
fn nothing_is_accepted_after_the_last_look_into_the_queue() {
    let pushed = Pushed::default();
    let source = pushed.clone();
    let stopped = app(2).watch(Run::stop);
    ends(stopped, move |flow| {
        let values = flow.source("pushed", source.clone());
        let values = values.event_time(|_| at(0), Watermarks::bounded(seconds(0)));
        values.inspect(|_| ());
        Ok(())
    })
    .expect("it is stopped");
    let was_closed = &pushed.0.lock().expect("no one panics with it").was_closed;
    assert_eq!(was_closed.last(), Some(&true), "{was_closed:?}");
}

#[test]
fn a_partition_that_is_caught_up_until_now_is_asked_again() {
    let script = Script(vec![vec![
        Act::Pause,
        Act::Pause,
        Act::Pause,
        Act::Pause,
        Act::Emit(at(1), 1),
    ]]);
    let report = ends(app(1), counting(script)).expect("it ends by itself");
    assert_eq!(report.events, 1);
}

/// Panics or fails wherever it is told to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Breaks {
    OpenSource,
    PollSource,
    EventTime,
    Map,
    Key,
    Aggregate,
    OpenSink,
    Write,
    Stage,
    Publish,
    Row,
}

fn broken(breaks: Breaks) -> impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync {
    let panics = move |here: Breaks| assert!(breaks != here, "here: {here:?}");
    move |flow| {
        let mut script = ticks(100, Act::Rest);
        if breaks == Breaks::PollSource {
            script = ticks(100, Act::Fail);
        }
        let source = BreakingSource(script, breaks);
        let policy = Watermarks::bounded(seconds(0));
        let ticks = flow.source("ticks", source).event_time(
            move |(time, _)| {
                panics(Breaks::EventTime);
                *time
            },
            policy,
        );
        let mapped = ticks.map(move |(_, n)| {
            panics(Breaks::Map);
            n
        });
        let counts = mapped
            .key_with("key", move |n| {
                panics(Breaks::Key);
                *n
            })
            .window(Tumbling::of(seconds(10)))
            .aggregate("counts", |of| {
                of.max("n", move |n| {
                    panics(Breaks::Aggregate);
                    *n
                })
            });
        counts.view("counts")?;
        // A sink that cannot be opened is told of even by a pipeline that does not look.
        let _ = mapped
            .columns("n", move |n| {
                panics(Breaks::Row);
                *n
            })
            .sink("broken", Breaking(breaks));
        Ok(())
    }
}

struct BreakingSource(Script<u32>, Breaks);

impl Source for BreakingSource {
    type Item = (EventTime, u32);
    type Partition = <Script<u32> as Source>::Partition;

    fn partitions(&self, cx: &SourceContext) -> Result<u32, BoxError> {
        self.0.partitions(cx)
    }
    fn open(&self, p: u32, cx: &SourceContext, waker: Waker) -> Result<Self::Partition, BoxError> {
        assert!(self.1 != Breaks::OpenSource, "here: OpenSource");
        self.0.open(p, cx, waker)
    }
    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

#[derive(Clone)]
struct Breaking(Breaks);

impl Sink for Breaking {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        Ok(())
    }
    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        if self.0 == Breaks::OpenSink && cx.worker == cx.workers - 1 {
            return Err("here: OpenSink".into());
        }
        Ok(Box::new(BreakingPart(self.0, false)))
    }
}

struct BreakingPart(Breaks, bool);

impl BreakingPart {
    fn does(&mut self, this: Breaks) -> Result<(), BoxError> {
        assert!(!self.1, "a sink that failed is asked for {this:?}");
        self.1 = self.0 == this;
        if self.1 {
            Err(format!("here: {this:?}").into())
        } else {
            Ok(())
        }
    }
}

impl SinkPart for BreakingPart {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        self.does(Breaks::Write)?;
        rows.clear();
        Ok(())
    }
    fn stage(&mut self, _at: StageAt) -> Result<Vec<Staged>, BoxError> {
        self.does(Breaks::Stage)
            .map(|()| vec![Staged("all".into())])
    }
    fn publish(&mut self, _staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        self.does(Breaks::Publish).map(|()| Vec::new())
    }
}

#[test]
fn whatever_breaks_ends_the_run_and_is_named() {
    let named = [
        (Breaks::OpenSource, "source ticks"),
        (Breaks::PollSource, "source \"ticks\""),
        (Breaks::EventTime, "source ticks"),
        (Breaks::Map, "map at operators/tests/endings.rs:"),
        (Breaks::Key, "window counts"),
        (Breaks::Aggregate, "window counts"),
        (Breaks::OpenSink, "sink \"broken\""),
        (Breaks::Write, "sink \"broken\""),
        (Breaks::Stage, "sink \"broken\""),
        (Breaks::Publish, "sink \"broken\""),
        (Breaks::Row, "sink broken"),
    ];
    for (breaks, name) in named {
        for workers in 1..=3 {
            let error = ends(app(workers), broken(breaks)).expect_err("it breaks");
            let said = error.to_string();
            assert!(said.contains(name), "{breaks:?}, {workers} workers: {said}");
        }
    }
}

#[test]
fn dead_letters_that_cannot_be_kept_end_the_run() {
    for breaks in [
        Breaks::OpenSink,
        Breaks::Write,
        Breaks::Stage,
        Breaks::Publish,
    ] {
        for workers in 1..=3 {
            // No event happens at the end of time: each is a dead letter.
            let script = Script(vec![vec![Act::Emit(EventTime::MAX, 1), Act::Rest]; 4]);
            let app = app(workers).dead_letters(Breaking(breaks));
            let error = ends(app, counting(script)).expect_err("no post");
            let expected = format!("sink \"dead-letters\": here: {breaks:?}");
            assert_eq!(error.to_string(), expected);
        }
    }
}

/// Notes what happens to it.
struct Noted(&'static str, Arc<Mutex<Vec<String>>>);

impl Service for Noted {
    fn name(&self) -> String {
        self.0.into()
    }
    fn start(&mut self, _run: &Run) -> Result<(), BoxError> {
        self.1
            .lock()
            .expect("no one panics with it")
            .push(format!("{} starts", self.0));
        if self.0 == "bad" {
            Err("the port is taken".into())
        } else {
            Ok(())
        }
    }
    fn stop(&mut self) {
        self.1
            .lock()
            .expect("no one panics with it")
            .push(format!("{} stops", self.0));
    }
}

#[test]
fn a_service_that_does_not_start_leaves_nothing_behind() {
    let noted = Arc::default();
    let mut app = app(2);
    for name in ["one", "two", "bad", "four"] {
        app = app.service(Noted(name, Arc::clone(&noted)));
    }
    let error = ends(app, counting(ticks(1, Act::Rest))).expect_err("no port");
    assert_eq!(error.to_string(), "bad: the port is taken");
    let expected = [
        "one starts",
        "two starts",
        "bad starts",
        "two stops",
        "one stops",
    ];
    assert_eq!(*noted.lock().expect("no one panics with it"), expected);
}

#[test]
fn a_run_that_is_dropped_is_stopped_and_waited_for() {
    let noted = Arc::default();
    let running = app(3)
        .service(Noted("one", Arc::clone(&noted)))
        .start(counting(ticks(10, Act::Rest)))
        .expect("it starts");
    let run = running.run().clone();
    drop(running);
    assert_eq!(run.status().state, "ended");
    assert_eq!(
        *noted.lock().expect("no one panics with it"),
        ["one starts", "one stops"]
    );
}
