//! Records are enriched from a side input that is read whole before anything flows; where it cannot be, nothing starts and the
//! error says why.

use std::path::Path;

use millstream::engine::Value;
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script, ways};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Rate {
    currency: String,
    cents: i64,
}

const CURRENCIES: [&str; 3] = ["EUR", "USD", "XXX"];

/// Amounts, each with what it is worth in cents; -1 where the currency has no rate.
fn run<S>(app: App, rates: S) -> Result<Vec<Vec<Value>>>
where
    S: Source<Item = Rate> + Clone + Send + Sync,
{
    let memory = Memory::new();
    let sink = memory.clone();
    let amounts = (0..300_i64).map(|n| (EventTime::from_millis(n), n));
    let amounts = Items::new(amounts);
    app.epochs(millis(0), 7).run(move |flow| {
        let rates = SideInput::new(rates.clone(), |rate: &Rate| rate.currency.clone());
        flow.source("amounts", amounts.clone())
            .event_time(|(at, _)| *at, Watermarks::bounded(seconds(1)))
            .enrich(
                "worth",
                &rates,
                |(_, n)| CURRENCIES[*n as usize % 3].to_owned(),
                |(_, n), rate| Some((n, rate.map_or(-1, |rate| n * rate.cents))),
            )
            .columns(("n", "cents"), |row| *row)
            .sink("worth", sink.clone())
    })?;
    Ok(memory.rows())
}

fn expected() -> Vec<Vec<Value>> {
    let cents = |n: i64| match n % 3 {
        0 => n * 100,
        1 => n * 90,
        _ => -1,
    };
    (0..300)
        .map(|n| vec![Value::Int(n), Value::Int(cents(n))])
        .collect()
}

fn rate(currency: &str, cents: i64) -> Rate {
    Rate {
        currency: currency.into(),
        cents,
    }
}

/// The second rate of a currency is not the one that counts.
fn rates() -> Items<Rate> {
    Items::new([rate("USD", 90), rate("EUR", 100), rate("USD", 1)])
}

fn file(folder: &Path, lines: &str) -> anyhow::Result<impl Source<Item = Rate> + Clone> {
    let path = folder.join("rates.ndjson");
    std::fs::write(&path, lines)?;
    Ok(NdjsonFiles::new(path.to_str().expect("text")).decode(Json::<Rate>::new()))
}

/// Fails with an error that has all of `words`.
fn check_refused(result: Result<Vec<Vec<Value>>>, words: &[&str]) {
    let error = result.expect_err("it cannot start");
    let is_of_source = matches!(&error, Error::Source { name, .. } if name == "worth");
    assert!(is_of_source, "{error:?}");
    let error = error.to_string();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn every_worker_has_all_rows() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let lines = "{\"currency\":\"EUR\",\"cents\":100}\n\n{\"currency\":\"USD\",\"cents\":90}\n";
    let file = file(folder.path(), lines)?;
    for workers in 1..=3 {
        let app = || App::new("side").workers(workers);
        assert_eq!(run(app(), rates())?, expected(), "{workers} workers");
        assert_eq!(
            run(app(), file.clone())?,
            expected(),
            "{workers} workers, from a file"
        );
    }
    let nothing = run(App::new("side"), Items::new([]))?;
    assert!(nothing.iter().all(|row| row[1] == Value::Int(-1)));
    Ok(())
}

#[test]
fn it_is_read_again_by_a_run_that_goes_on() -> anyhow::Result<()> {
    for way in ways(&[2, 5]) {
        let (store, rows) = (FaultStore::new(), Memory::new());
        way.run("side", |app| {
            let (sink, rates) = (rows.clone(), rates());
            let amounts = Items::new((0..300_i64).map(|n| (EventTime::from_millis(n), n)));
            app.epochs(millis(0), 7)
                .state(State::in_store(store.clone()).every(millis(0)))
                .run(move |flow| {
                    let rates = SideInput::new(rates.clone(), |rate: &Rate| rate.currency.clone());
                    flow.source("amounts", amounts.clone())
                        .event_time(|(at, _)| *at, Watermarks::bounded(seconds(1)))
                        .enrich(
                            "worth",
                            &rates,
                            |(_, n)| CURRENCIES[*n as usize % 3].to_owned(),
                            |(_, n), rate| Some((n, rate.map_or(-1, |rate| n * rate.cents))),
                        )
                        .columns(("n", "cents"), |row| *row)
                        .sink("worth", sink.clone())
                })
        })?;
        assert_eq!(rows.rows(), expected(), "{way}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_read_whole_is_told_before_anything_starts() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let broken = "{\"currency\":\"EUR\",\"cents\":100}\n{\"currency\":\"USD\"}\n";
    let broken = run(App::new("side"), file(folder.path(), broken)?);
    check_refused(
        broken,
        &["worth", "side input", "at 31 of partition", "cents"],
    );
    let missing = folder.path().join("nowhere.ndjson");
    let missing = NdjsonFiles::new(missing.to_str().expect("text")).decode(Json::<Rate>::new());
    check_refused(run(App::new("side"), missing), &["worth", "nowhere.ndjson"]);
    Ok(())
}

#[test]
fn a_source_without_an_end_is_no_side_input() {
    let endless = Script::new(vec![vec![
        Act::Emit(EventTime::from_millis(0), 1_i64),
        Act::Rest,
    ]]);
    let error = App::new("side").run(move |flow| {
        let rates = SideInput::new(endless.clone(), |(_, n): &(EventTime, i64)| *n);
        flow.source("amounts", Items::new([(EventTime::from_millis(0), 1_i64)]))
            .event_time(|(at, _)| *at, Watermarks::bounded(seconds(1)))
            .enrich("worth", &rates, |(_, n)| *n, |(_, n), row| row.map(|_| n))
            .columns("n", |n| *n)
            .sink("worth", Memory::new())
    });
    let error = error.expect_err("it cannot start").to_string();
    for word in [
        "worth",
        "must end by itself",
        "partition 0",
        "rows to join with",
    ] {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn a_source_of_the_same_name_is_another() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rates = "{\"currency\":\"EUR\",\"cents\":100}\n{\"currency\":\"USD\",\"cents\":90}\n";
    let rates = file(folder.path(), rates)?;
    let folder = tempfile::tempdir()?;
    let wanted = "{\"currency\":\"USD\",\"cents\":1}\n{\"currency\":\"EUR\",\"cents\":2}\n";
    let wanted = file(folder.path(), wanted)?;
    for workers in 1..=3 {
        let (memory, rates, wanted) = (Memory::new(), rates.clone(), wanted.clone());
        let sink = memory.clone();
        App::new("side").workers(workers).run(move |flow| {
            let rates = SideInput::new(rates.clone(), |rate: &Rate| rate.currency.clone());
            flow.source("rates", wanted.clone())
                .event_time(
                    |_| EventTime::from_millis(0),
                    Watermarks::bounded(seconds(1)),
                )
                .enrich(
                    "rates",
                    &rates,
                    |wanted| wanted.currency.clone(),
                    |wanted, rate| Some((wanted.cents, rate?.cents)),
                )
                .columns(("n", "cents"), |row| *row)
                .sink("rates", sink.clone())
        })?;
        let expected = [[1, 90], [2, 100]].map(|row| row.map(Value::Int).to_vec());
        assert_eq!(memory.rows(), expected, "{workers} workers");
    }
    Ok(())
}
