//! A pipeline changes while its state stays: what is as it was goes on, what is new starts empty, and what is gone or changed
//! is an error that names it and says how to go on without it.

#[path = "support/changing.rs"]
mod changing;

use changing::{Inputs, Pipeline, Runs, TWENTY, base, row, whole, with_sums, without_the_first};
use millstream::engine::{StateError, Value};
use millstream::prelude::*;

#[test]
fn unchanged_it_goes_on() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(with_sums);
    let report = runs.rest(runs.state(), with_sums)?;
    assert_eq!(report.events, 30, "with those of the run before");
    assert_eq!(Runs::values(&runs.memory), whole());
    assert_eq!(Runs::values(&runs.other), whole());
    Ok(())
}

#[test]
fn a_new_step_starts_empty_and_the_rest_goes_on() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(base);
    runs.rest(runs.state(), with_sums)?;
    assert_eq!(Runs::values(&runs.memory), whole());
    assert_eq!(Runs::values(&runs.other), without_the_first());
    Ok(())
}

#[test]
fn a_step_that_is_gone_is_named_and_can_be_done_without() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(with_sums);
    let error = runs.check_refused(
        base,
        &["sums", "not in the pipeline any more", "--drop-state sums"],
    );
    assert!(matches!(error, StateError::StepGone { name, .. } if name == "sums"));
    runs.rest(runs.state().without("sums"), base)?;
    assert_eq!(Runs::values(&runs.memory), whole());
    assert!(runs.other.rows().is_empty());
    Ok(())
}

#[test]
fn a_step_that_comes_back_starts_empty() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(with_sums);
    let report = runs.run(2, false, runs.state().without("sums"), base)?;
    assert!(report.stopped);
    runs.rest(runs.state(), with_sums)?;
    assert_eq!(Runs::values(&runs.memory), whole());
    let of_the_last_part = [row("a", 5), row("b", 5)];
    assert_eq!(Runs::values(&runs.other), of_the_last_part);
    Ok(())
}

/// The step, and all that was named after it, has another name.
fn renamed(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let sites = inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("sites", |of| of.count("n"));
    sites.view("sites")?;
    sites.closed().sink("sites", inputs.other.clone())
}

#[test]
fn a_step_of_another_name_is_another_step() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(base);
    runs.check_refused(renamed, &["pages", "bring it back", "--drop-state pages"]);
    runs.rest(runs.state().without("pages"), renamed)?;
    assert_eq!(Runs::values(&runs.other), without_the_first());
    Ok(())
}

fn another_aggregate(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let pages = inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.sum("n", |(_, (_, n))| *n));
    pages.view("pages")?;
    pages.closed().sink("pages", inputs.memory.clone())
}

fn another_size(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let pages = inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(seconds(40)))
        .aggregate("pages", |of| of.count("n"));
    pages.view("pages")?;
    pages.closed().sink("pages", inputs.memory.clone())
}

fn another_key(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let pages = inputs
        .stream(flow, "clicks")
        .key_by("site", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.count("n"));
    pages.view("pages")?;
    pages.closed().sink("pages", inputs.memory.clone())
}

#[test]
fn a_changed_step_is_named_and_can_start_empty() -> anyhow::Result<()> {
    let changed: [(Pipeline, &[&str], Vec<Vec<Value>>); 3] = [
        (
            another_aggregate,
            &["count", "sum(integer)"],
            without_the_first(),
        ),
        (
            another_size,
            &["tumbling(20s)", "tumbling(40s)"],
            vec![row("a", 10), row("b", 10)],
        ),
        (another_key, &["name", "site"], without_the_first()),
    ];
    for (pipeline, says, expected) in changed {
        let runs = Runs::new();
        runs.first(base);
        let says = [
            says,
            &["window pages is not what it was", "--drop-state pages"],
        ]
        .concat();
        let error = runs.check_refused(pipeline, &says);
        assert!(matches!(error, StateError::StepChanged { name, .. } if name == "pages"));
        // The bare name is that of the view and the sink too, which have other columns now and then.
        runs.rest(runs.state().without("pages"), pipeline)?;
        assert_eq!(Runs::values(&runs.memory), expected, "{says:?}");
    }
    Ok(())
}

#[test]
fn what_was_refused_goes_on_as_it_was() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(base);
    for pipeline in [renamed, another_aggregate, another_size, another_key] {
        runs.check_refused(pipeline, &["pages"]);
    }
    runs.rest(runs.state(), base)?;
    assert_eq!(Runs::values(&runs.memory), whole());
    Ok(())
}

/// With a lateness, and a view that keeps its rows for longer.
fn another_lateness(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let pages = inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY).lateness(seconds(7)))
        .aggregate("pages", |of| of.count("n"));
    pages.view_with("pages", ViewSettings::default().keep(hours(7)))?;
    pages.closed().sink("pages", inputs.memory.clone())
}

#[test]
fn another_lateness_is_no_change() -> anyhow::Result<()> {
    for [before, after] in [[base, another_lateness], [another_lateness, base]] {
        let runs = Runs::new();
        runs.first(before);
        runs.rest(runs.state(), after)?;
        assert_eq!(Runs::values(&runs.memory), whole());
    }
    Ok(())
}

/// A window of rows of windows: what the second reads is said to be whole by how far the first has come.
fn windows_over_windows(flow: &mut Flow<'_>, inputs: &Inputs, lateness: u64) -> Result<()> {
    let firsts = inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(seconds(5)).lateness(seconds(lateness)))
        .aggregate("firsts", |of| of.count("n"));
    let theirs = firsts.closed().in_their_windows();
    let sums = theirs.aggregate("sums", |of| of.sum("n", |row| row.values));
    sums.late().inspect(|row| panic!("{row:?} is late"));
    sums.view("sums")?;
    sums.closed().sink("sums", inputs.memory.clone())?;
    let most = theirs.at_max("most", |row| row.values);
    most.late().inspect(|row| panic!("{row:?} is late"));
    most.columns(("start", "end", "n"), |row| {
        (row.window.start, row.window.end, row.values)
    })
    .sink("most", inputs.other.clone())
}

#[test]
fn less_lateness_loses_nothing_that_windows_follow() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(|flow, inputs| windows_over_windows(flow, inputs, 60));
    // Nothing is new: the watermark stays where it was, and what is final by it now is so at once.
    let report = runs.run(1, false, runs.state(), |flow, inputs| {
        windows_over_windows(flow, inputs, 0)
    })?;
    assert!(report.stopped && report.events == 10, "{report:?}");
    runs.rest(runs.state(), |flow, inputs| {
        windows_over_windows(flow, inputs, 0)
    })?;
    let five = vec![Value::Int(5)];
    assert_eq!(Runs::values(&runs.memory), vec![five; 6]);
    let three = vec![Value::Int(3)];
    assert_eq!(Runs::values(&runs.other), vec![three; 6]);
    Ok(())
}

#[test]
fn what_fits_can_be_dropped_by_its_kind() -> anyhow::Result<()> {
    let runs = Runs::new();
    runs.first(base);
    // A bare name drops only what does not fit.
    runs.rest(runs.state().without("pages"), base)?;
    assert_eq!(Runs::values(&runs.memory), whole());

    let runs = Runs::new();
    runs.first(base);
    runs.rest(runs.state().without("window:pages"), base)?;
    assert_eq!(Runs::values(&runs.memory), without_the_first());
    Ok(())
}

/// Without the view.
fn no_view(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.count("n"))
        .closed()
        .sink("pages", inputs.memory.clone())
}

/// Without the sink.
fn no_sink(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    inputs
        .stream(flow, "clicks")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.count("n"))
        .view("pages")
}

/// The source has another name.
fn other_source(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let pages = inputs
        .stream(flow, "visits")
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.count("n"));
    pages.view("pages")?;
    pages.closed().sink("pages", inputs.memory.clone())
}

/// The view shows another table, with other columns.
fn other_columns(flow: &mut Flow<'_>, inputs: &Inputs) -> Result<()> {
    let clicks = inputs.stream(flow, "clicks");
    let pages = clicks
        .key_by("name", |(_, (name, _))| name)
        .window(Tumbling::of(TWENTY))
        .aggregate("pages", |of| of.count("n"));
    pages.closed().sink("pages", inputs.memory.clone())?;
    clicks
        .window(Tumbling::of(TWENTY))
        .aggregate("all", |of| of.count("all"))
        .view("pages")
}

#[test]
fn views_sinks_and_sources_are_named_too() -> anyhow::Result<()> {
    let gone: [(Pipeline, &[&str], &str, Vec<Vec<Value>>); 4] = [
        (no_view, &["view pages has state"], "pages", whole()),
        (no_sink, &["sink pages has state"], "sink:pages", Vec::new()),
        // Whatever comes from the new one is read from its beginning, and some of it again.
        (
            other_source,
            &["source clicks has state", "--drop-state clicks"],
            "clicks",
            vec![row("a", 15), row("b", 15), row("a", 5), row("b", 5)],
        ),
        (
            other_columns,
            &["view pages is not what it was"],
            "view:pages",
            whole(),
        ),
    ];
    for (pipeline, says, without, expected) in gone {
        let runs = Runs::new();
        runs.first(base);
        runs.check_refused(pipeline, says);
        runs.rest(runs.state().without(without), pipeline)?;
        assert_eq!(Runs::values(&runs.memory), expected, "{says:?}");
    }
    Ok(())
}
