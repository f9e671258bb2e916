//! A stop takes nothing more in, publishes what is final, and never says of an open window that it is.

use std::sync::mpsc::channel;

use millstream::engine::{Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

#[test]
fn an_open_window_is_not_final_after_a_stop() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let clock = VirtualClock::starting_at(EventTime::from_millis(0));
        let memory = Memory::new();
        let sink = memory.clone();
        let (published, epochs) = channel();
        let running = App::new("stop")
            .workers(workers)
            .clock(clock.clone())
            .epochs(millis(0), 65_536)
            .watch(move |run| {
                run.catalog().watch(move |s| {
                    // Nobody listens any more once the rows are there.
                    let _ = published.send(s.views["counts"].n_rows());
                })
            })
            .start(move |flow| {
                let mut acts: Vec<_> = (0..25)
                    .map(|s| Act::Emit(EventTime::from_millis(s * 1000), ()))
                    .collect();
                acts.push(Act::Rest);
                let counts = flow
                    .source("ticks", Script::new(vec![acts]))
                    .event_time(|(time, ())| *time, Watermarks::bounded(seconds(0)))
                    .window(Tumbling::of(seconds(10)))
                    .aggregate("counts", |of| of.count("n"));
                counts.view("counts")?;
                counts.closed().sink("memory", sink.clone())
            })?;

        while epochs.recv()? < 3 {}
        let run = running.run().clone();
        run.stop();
        let report = running.wait()?;
        assert!(report.stopped && report.events == 25, "{report:?}");
        assert_eq!(
            memory.rows().len(),
            2,
            "two windows of ten seconds are over"
        );
        let snapshot = run.snapshot();
        let finals: Vec<_> = snapshot.views["counts"]
            .rows()
            .map(|(_, v)| v.last().cloned())
            .collect();
        let expected = [false, true, true].map(|last| Some(Value::Bool(last)));
        assert_eq!(finals, expected, "newest first");
    }
    Ok(())
}
