//! A panic or an error ends the run with an error that names the step; never a hang, never an abort.

use millstream::engine::{BoxError, Sink, SinkContext, SinkPart, SinkRow, StageAt, Staged};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

fn numbers(n: u32) -> Script<u32> {
    let acts = |p: u32| {
        (0..n)
            .map(move |i| Act::Emit(EventTime::from_millis(i64::from(i)), i * 4 + p))
            .collect()
    };
    Script::new((0..4).map(acts).collect())
}

fn check(
    workers: usize,
    pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
    says: &[&str],
) {
    let error = App::new("failures")
        .workers(workers)
        .epochs(millis(1), 64)
        .run(pipeline)
        .expect_err("it fails");
    for part in says {
        assert!(error.to_string().contains(part), "{error} lacks {part:?}");
    }
}

#[test]
fn a_panic_in_a_closure_names_the_step() {
    for workers in 1..=3 {
        check(
            workers,
            |flow| {
                flow.source("numbers", numbers(1000))
                    .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)))
                    .map(|(_, n)| {
                        assert!(n != 1234, "n is {n}");
                        n
                    })
                    .window(Tumbling::of(seconds(1)))
                    .aggregate("counts", |of| of.count("n"))
                    .view("counts")
            },
            &["map at tests/failures.rs:", "n is 1234"],
        );
    }
}

#[test]
fn a_panic_in_an_aggregate_names_the_step() {
    check(
        2,
        |flow| {
            flow.source("numbers", numbers(1000))
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)))
                .window(Tumbling::of(seconds(1)))
                .aggregate("counts", |of| {
                    of.max("m", |(_, n)| {
                        assert!(*n != 77, "seventy-seven");
                        i64::from(*n)
                    })
                })
                .view("counts")
        },
        &["counts", "seventy-seven"],
    );
}

struct Broken;

impl Sink for Broken {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        Ok(())
    }
    fn open(&self, _cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(Broken))
    }
}

impl SinkPart for Broken {
    fn write(
        &mut self,
        _: millstream::engine::Epoch,
        _rows: &mut Vec<SinkRow>,
    ) -> Result<(), BoxError> {
        Err("the disk is gone".into())
    }
    fn stage(&mut self, _at: StageAt) -> Result<Vec<Staged>, BoxError> {
        Ok(Vec::new())
    }
    fn publish(
        &mut self,
        _staged: &[Staged],
    ) -> Result<Vec<millstream::engine::Published>, BoxError> {
        Ok(Vec::new())
    }
}

#[test]
fn an_error_of_a_sink_names_the_sink() {
    check(
        2,
        |flow| {
            flow.source("numbers", numbers(1000))
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)))
                .columns("n", |(_, n)| *n)
                .sink("disk", Broken)
        },
        &["sink \"disk\"", "the disk is gone"],
    );
}
