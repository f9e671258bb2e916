//! Mistakes in a pipeline are told before anything starts, with the name and the line.

use millstream::prelude::*;
use millstream::testing::{Act, Script};

fn source() -> Script<u32> {
    Script::new(vec![vec![Act::Emit(EventTime::from_micros(0), 1)]])
}

fn stream<'f>(flow: &mut Flow<'f>, name: &str) -> Stream<'f, (EventTime, u32)> {
    flow.source(name, source())
        .event_time(|(time, _)| *time, Watermarks::bounded(seconds(1)))
}

fn check(
    pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
    says: &[&str],
) {
    let error = App::new("mistakes")
        .workers(2)
        .run(pipeline)
        .expect_err("a mistake")
        .to_string();
    for part in says {
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
}

#[test]
fn a_name_given_twice() {
    check(
        |flow| {
            let counts = stream(flow, "a")
                .window(Tumbling::of(seconds(1)))
                .aggregate("n", |of| of.count("n"));
            counts.view("numbers")?;
            counts.view("numbers")
        },
        &["view \"numbers\"", "tests/mistakes.rs:", "name of its own"],
    );
    check(
        |flow| {
            stream(flow, "a").inspect(|_| {});
            stream(flow, "a").inspect(|_| {});
            Ok(())
        },
        &["source \"a\""],
    );
}

#[test]
fn a_name_that_cannot_stand_in_a_path() {
    check(
        |flow| {
            stream(flow, "../etc").inspect(|_| {});
            Ok(())
        },
        &["source name \"../etc\"", "tests/mistakes.rs:"],
    );
}

#[test]
fn two_columns_of_one_name() {
    check(
        |flow| {
            stream(flow, "a")
                .key_with("n", |(_, n)| *n)
                .window(Tumbling::of(seconds(1)))
                .aggregate("counts", |of| of.count("n"))
                .view("counts")
        },
        &["column \"n\" of \"counts\"", "rename"],
    );
}

#[test]
fn nothing_comes_out() {
    check(
        |flow| {
            let _ = stream(flow, "a")
                .window(Tumbling::of(seconds(1)))
                .aggregate("counts", |of| of.count("n"));
            Ok(())
        },
        &["\"mistakes\" has no view, sink or inspect"],
    );
}

#[test]
fn no_workers() {
    let error = App::new("none")
        .workers(0)
        .run(|_| Ok(()))
        .expect_err("a mistake")
        .to_string();
    assert!(error.contains("workers: 0"), "{error}");
}
