//! What was accepted before a stop is in the results, and so are the windows that it closes.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::engine::{Refusal, Value, VirtualClock};
use millstream::prelude::*;

const AT_MOST: Duration = Duration::from_secs(60);

fn event(second: u32) -> String {
    format!("{{\"timestamp\":\"2026-01-15T10:30:{second:02}Z\",\"data\":{second}}}\n")
}

#[test]
fn what_waits_when_the_stop_comes_is_taken_in() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let memory = Memory::new();
        let sink = memory.clone();
        let (began, begins) = channel();
        let (go_on, going_on) = channel();
        let going_on: Arc<Mutex<Receiver<()>>> = Arc::new(Mutex::new(going_on));
        let running = App::new("drains")
            .workers(workers)
            .clock(VirtualClock::starting_at("2026-01-15T10:30:30Z".parse()?))
            .start(move |flow| {
                let (began, going_on) = (began.clone(), Arc::clone(&going_on));
                let counts = flow
                    .source("posted", Collector::new().decode(Json::<Event<u32>>::new()))
                    .event_time(|e| e.timestamp, Watermarks::bounded(seconds(0)))
                    .inspect(move |e| {
                        if e.data == 0 {
                            began.send(()).expect("the test listens");
                            let going_on = going_on.lock().expect("no one panics with it");
                            going_on.recv_timeout(AT_MOST).expect("the test goes on");
                        }
                    })
                    .window(Tumbling::of(seconds(10)))
                    .aggregate("counts", |of| of.count("n"));
                counts.closed().sink("memory", sink.clone())
            })?;
        let posted = running.run().inlet("posted").expect("it is a pushed one");
        assert_eq!(
            posted.offer_and_wait(None, event(0).as_bytes())?.accepted,
            1
        );
        begins.recv_timeout(AT_MOST)?;
        // The worker is busy with the first: these wait, and so does the stop.
        let body: String = (1..25).map(event).collect();
        assert_eq!(posted.offer_and_wait(None, body.as_bytes())?.accepted, 24);
        running.run().stop();
        let refused = posted.offer_and_wait(None, event(25).as_bytes());
        assert!(
            matches!(refused, Err(Refusal::Stopping { .. })),
            "{refused:?}"
        );
        go_on.send(())?;

        let report = running.wait()?;
        assert_eq!(
            (report.events, report.rejected),
            (25, 0),
            "{workers} workers"
        );
        let counts: Vec<_> = memory
            .rows()
            .into_iter()
            .map(|row| row[2].clone())
            .collect();
        assert_eq!(counts, [10, 10].map(Value::Int), "{workers} workers");
    }
    Ok(())
}
