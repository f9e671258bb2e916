//! Runs of one pipeline after another, over the same input and from the same state.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::sync::mpsc::channel;
use std::time::Duration;

use millstream::engine::{StateError, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

/// A record: whose it is, and how much.
pub(crate) type Item = (String, i64);
/// Builds a pipeline over a script, into memory.
pub(crate) type Pipeline = fn(&mut Flow<'_>, &Inputs) -> Result<()>;

/// What a pipeline reads from and writes to.
#[derive(Clone)]
pub(crate) struct Inputs {
    pub(crate) script: Script<Item>,
    pub(crate) memory: Memory,
    pub(crate) other: Memory,
}

impl Inputs {
    pub(crate) fn stream<'f>(
        &self,
        flow: &mut Flow<'f>,
        name: &str,
    ) -> Stream<'f, (EventTime, Item)> {
        flow.source(name, self.script.clone())
            .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
    }
}

/// Acts in three parts of ten records each, one a second; a run of part `n` goes on where part `n - 1` ended.
pub(crate) fn script(n_parts: usize, is_last: bool) -> Script<Item> {
    let acts = |part: usize| {
        (0..10).map(move |n| {
            let time = EventTime::from_millis((part as i64 * 10 + n) * 1000);
            Act::Emit(time, (["a", "b"][n as usize % 2].to_owned(), 1))
        })
    };
    let rest = (!is_last).then_some(Act::Rest);
    Script::new(vec![(0..n_parts).flat_map(acts).chain(rest).collect()])
}

/// Runs of one pipeline after another, with one store.
pub(crate) struct Runs {
    pub(crate) store: FaultStore,
    pub(crate) memory: Memory,
    pub(crate) other: Memory,
}

impl Runs {
    pub(crate) fn new() -> Self {
        Runs {
            store: FaultStore::new(),
            memory: Memory::new(),
            other: Memory::new(),
        }
    }

    pub(crate) fn state(&self) -> State {
        State::in_store(self.store.clone())
    }

    /// Runs parts of the script up to `n_parts`: to the end of the input, if they are the last, or else until all that there
    /// is so far was taken in.
    pub(crate) fn run(
        &self,
        n_parts: usize,
        is_last: bool,
        state: State,
        pipeline: Pipeline,
    ) -> Result<Report> {
        let inputs = Inputs {
            script: script(n_parts, is_last),
            memory: self.memory.clone(),
            other: self.other.clone(),
        };
        let (seen, epochs) = channel();
        let running = App::new("changes")
            .workers(n_parts % 3 + 1)
            .clock(VirtualClock::starting_at(EventTime::from_micros(0)))
            .epochs(millis(0), 3)
            .state(state)
            .watch(move |run| {
                let status = run.clone();
                run.catalog().watch(move |_| {
                    let events: u64 = status
                        .status()
                        .sources
                        .iter()
                        .map(|source| source.events)
                        .sum();
                    // Nobody listens any more once all is there.
                    let _ = seen.send(events);
                });
            })
            .start(move |flow| pipeline(flow, &inputs))?;
        if !is_last {
            let n_sources = running.run().status().sources.len() as u64;
            let all = n_parts as u64 * 10 * n_sources;
            while epochs
                .recv_timeout(Duration::from_secs(60))
                .expect("it goes on")
                < all
            {}
            running.run().stop();
        }
        running.wait()
    }

    /// Runs the first part; windows of twenty seconds are open then.
    pub(crate) fn first(&self, pipeline: Pipeline) {
        let report = self
            .run(1, false, self.state(), pipeline)
            .expect("it starts");
        assert!(report.stopped && report.committed.is_some(), "{report:?}");
        assert!(self.memory.rows().is_empty(), "the first window is open");
    }

    /// Runs the other parts to the end.
    pub(crate) fn rest(&self, state: State, pipeline: Pipeline) -> Result<Report> {
        self.run(3, true, state, pipeline)
    }

    /// Checks that going on is refused, and changes nothing, with an error of which all of `says` are parts.
    pub(crate) fn check_refused(&self, pipeline: Pipeline, says: &[&str]) -> StateError {
        let before = self.store.n_operations();
        let error = match self.rest(self.state(), pipeline) {
            Err(Error::State(error)) => error,
            other => panic!("{other:?} {says:?}"),
        };
        let told = error.to_string();
        for part in says {
            assert!(told.contains(part), "{told:?} lacks {part:?}");
        }
        assert_eq!(
            self.store.n_operations(),
            before,
            "{told}: nothing is written"
        );
        error
    }

    /// The columns of each row of `memory` from the third on: key and values.
    pub(crate) fn values(memory: &Memory) -> Vec<Vec<Value>> {
        let rows = memory.rows().into_iter();
        rows.map(|row| row[2..].to_vec()).collect()
    }
}

pub(crate) fn row(key: &str, n: i64) -> Vec<Value> {
    vec![Value::Text(key.into()), Value::Int(n)]
}

/// What comes of the whole script if nothing is lost: two windows of twenty and of ten records.
pub(crate) fn whole() -> Vec<Vec<Value>> {
    vec![row("a", 10), row("b", 10), row("a", 5), row("b", 5)]
}

/// The same without what was counted in the first part.
pub(crate) fn without_the_first() -> Vec<Vec<Value>> {
    vec![row("a", 5), row("b", 5), row("a", 5), row("b", 5)]
}

pub(crate) const TWENTY: Duration = seconds(20);

pub(crate) fn base(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let pages = inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.count("n"));
    pages.view("pages")?;
    pages.closed().sink("pages", inputs.memory.clone())
}

/// With a step, a view and a sink more.
pub(crate) fn with_sums(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let clicks = inputs.stream(flow, "clicks");
    let pages = clicks
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.count("n"));
    pages.view("pages")?;
    pages.closed().sink("pages", inputs.memory.clone())?;
    let sums = clicks
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("sums", |of| of.sum("total", |(_, (_, n))| *n));
    sums.view("sums")?;
    sums.closed().sink("sums", inputs.other.clone())
}
