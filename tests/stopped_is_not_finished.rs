//! A run that was stopped can be gone on with, though none of its sources would have given anything more by itself; and what
//! a sink holds is not handed to one of another kind.

use millstream::engine::StateError;
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

fn counts(store: &FaultStore) -> App {
    let state = State::in_store(store.clone());
    App::new("counts").workers(2).state(state)
}

fn pushed(flow: &mut Flow<'_>) -> Result<()> {
    flow.source("pushed", Collector::new().decode(Json::<Event<u64>>::new()))
        .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
        .window(Tumbling::of(hours(1)))
        .aggregate("counts", |of| of.count("n"))
        .view("counts")
}

#[test]
fn a_pushed_source_that_was_stopped_is_pushed_again() -> Result<()> {
    let store = FaultStore::new();
    let event = br#"{"timestamp": "2025-01-15T10:30:00Z", "data": 7}"#;
    for events in 1..=3 {
        let running = counts(&store).start(pushed)?;
        let inlet = running.run().inlet("pushed").expect("it is pushed");
        let receipt = inlet.offer_and_wait(None, event).expect("there is room");
        assert_eq!((receipt.accepted, receipt.rejected), (1, 0));
        // What is in the log when it stops is for the next run.
        let token = receipt.token.expect("a token");
        while inlet.seen(&token).expect("its own").is_none() {
            std::thread::yield_now();
        }
        running.run().stop();
        let report = running.wait()?;
        assert!(report.stopped, "it had not ended");
        assert_eq!(report.events, events, "those of the runs before count");
    }
    Ok(())
}

#[test]
fn another_kind_of_sink_does_not_take_over() -> Result<()> {
    let (store, folder) = (FaultStore::new(), tempfile::tempdir().expect("a folder"));
    let script = || {
        let at = EventTime::from_millis;
        Script::new(vec![vec![Act::Emit(at(1), 7), Act::Rest]])
    };
    let root = folder.path().to_owned();
    let running = counts(&store).start(move |flow| {
        flow.source("script", script())
            .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
            .columns("n", |(_, n)| *n)
            .sink("out", ParquetFiles::new(&root))
    })?;
    running.run().stop();
    running.wait()?;
    let memory = move |flow: &mut Flow<'_>| {
        flow.source("script", script())
            .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
            .columns("n", |(_, n)| *n)
            .sink("out", Memory::new())
    };
    let refused = counts(&store)
        .check(memory)
        .expect_err("it is another sink");
    assert!(
        matches!(&refused, Error::State(StateError::StepChanged { step, .. }) if step == "sink out"),
        "{refused}"
    );
    let state = State::in_store(store.clone()).without("out");
    App::new("counts").state(state).check(memory)
}
