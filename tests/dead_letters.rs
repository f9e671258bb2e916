//! Dead letters can be read over HTTP, and sent through the pipeline again once what was wrong is mended: each counts once.

#[path = "support/served.rs"]
mod served;

use std::path::Path;

use millstream::connectors::{Decode, DecodeError, TopicSettings, TopicSink};
use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use served::Served;

/// What is posted; `kind` came with the second version of the program.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    at: EventTime,
    amount: i64,
}

/// Reads orders; the first version does not know that amounts can be text.
#[derive(Clone)]
struct Orders {
    version: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct OrderOfVersion2 {
    at: EventTime,
    amount: Value,
}

impl Decode for Orders {
    type Item = Order;

    fn decode(&mut self, record: &[u8]) -> std::result::Result<Order, DecodeError> {
        if self.version == 1 {
            return Json::new().decode(record);
        }
        let OrderOfVersion2 { at, amount } = Json::new().decode(record)?;
        match amount.as_i64().or_else(|| amount.as_str()?.parse().ok()) {
            Some(amount) => Ok(Order { at, amount }),
            None => Json::new().decode(record),
        }
    }
}

fn order(n: i64, amount: &str) -> String {
    format!("{{\"at\":\"2026-01-15T10:30:0{n}Z\",\"amount\":{amount}}}")
}

/// The program in version `version`, on `workers` workers.
fn start(folder: &Path, version: u32, workers: usize) -> anyhow::Result<Served> {
    start_with(
        State::in_directory(folder).every(millis(20)),
        version,
        workers,
    )
}

fn start_with(state: State, version: u32, workers: usize) -> anyhow::Result<Served> {
    let app = App::new("orders")
        .workers(workers)
        .dead_letters(TopicSink::of_run(TopicSettings::new()))
        .state(state);
    Served::start(app, move |flow| {
        flow.source("orders", Collector::new().decode(Orders { version }))
            .event_time(|order| order.at, Watermarks::bounded(seconds(5)))
            .window(Tumbling::of(minutes(1)))
            .aggregate("totals", |of| {
                (of.count("orders"), of.sum("amount", |order| order.amount))
            })
            .view("totals")
    })
}

/// Number and sum of the orders that a view has seen up to `token`.
fn totals(served: &Served, token: &Value) -> anyhow::Result<(i64, String)> {
    let token = token.as_str().expect("a token");
    let (status, answer) = served.get(&format!("/v1/views/totals?after={token}"))?;
    assert_eq!(status, 200, "{answer}");
    let rows = answer["rows"].as_array().expect("rows");
    let sum = |column: &str| {
        rows.iter()
            .filter_map(|row| row[column].as_i64())
            .sum::<i64>()
    };
    Ok((sum("orders"), sum("amount").to_string()))
}

/// The letters, once there are `n`.
fn letters(served: &Served, n: usize) -> anyhow::Result<Vec<Value>> {
    loop {
        let (status, answer) = served.get("/v1/dead-letters")?;
        assert_eq!(status, 200, "{answer}");
        let letters = answer["letters"].as_array().expect("letters");
        assert!(letters.len() <= n, "{answer}");
        if letters.len() == n {
            return Ok(letters.clone());
        }
        // They come with the next commit.
        std::thread::yield_now();
    }
}

/// Posts one order that is good and three that are not.
fn reject(folder: &Path) -> anyhow::Result<()> {
    let served = start(folder, 1, 1)?;
    let body = [
        order(0, "1"),
        order(1, "\"20\""),
        "nonsense".into(),
        order(2, "\"300\""),
    ];
    let (status, receipt) = served.post("/v1/sources/orders", &body.join("\n"))?;
    assert_eq!(
        (status, &receipt["accepted"], &receipt["rejected"]),
        (202, &1.into(), &3.into())
    );
    assert_eq!(totals(&served, &receipt["token"])?, (1, "1".into()));
    let first = letters(&served, 3)?;
    for letter in &first {
        assert_eq!(
            (&letter["source"], &letter["attempts"]),
            (&"orders".into(), &1.into())
        );
        assert_eq!(letter["replayed"], false);
    }
    assert_eq!(first[1]["raw"], "nonsense");
    served.stop()?;
    Ok(())
}

/// In the first version they fail again; what is asked for by reason and time is what is sent.
fn fail_again(folder: &Path) -> anyhow::Result<()> {
    let served = start(folder, 1, 3)?;
    let none = [
        "?source=nobody",
        "?limit=1",
        "?since=yesterday",
        "?color=red",
    ];
    for query in none {
        let (status, answer) = served.post(&format!("/v1/dead-letters/replay{query}"), "")?;
        assert!((400..500).contains(&status), "{query}: {answer}");
    }
    let (_, none) = served.post("/v1/dead-letters/replay?until=2020-01-01T00:00:00Z", "")?;
    assert_eq!(none["replayed"], 0, "{none}");
    let (status, one) = served.post("/v1/dead-letters/replay?reason=not%20JSON", "")?;
    assert_eq!((status, &one["replayed"]), (200, &1.into()), "{one}");
    let again = letters(&served, 4)?;
    let nonsense: Vec<_> = again
        .iter()
        .filter(|letter| letter["raw"] == "nonsense")
        .collect();
    assert_eq!(nonsense.len(), 2);
    assert_eq!(
        (&nonsense[0]["replayed"], &nonsense[1]["replayed"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        (&nonsense[0]["attempts"], &nonsense[1]["attempts"]),
        (&1.into(), &2.into())
    );
    assert_eq!(nonsense[0]["first_seen"], nonsense[1]["first_seen"]);
    served.stop()?;
    Ok(())
}

/// The second version knows better.
fn mend(folder: &Path) -> anyhow::Result<()> {
    let served = start(folder, 2, 2)?;
    let (_, sent) = served.post("/v1/dead-letters/replay?source=orders", "")?;
    assert_eq!(sent["replayed"], 3, "{sent}");
    let (_, sent) = served.post("/v1/dead-letters/replay", "")?;
    assert!(
        sent["replayed"].as_u64() <= Some(1),
        "only what failed again: {sent}"
    );
    let (_, receipt) = served.post("/v1/sources/orders", &order(3, "4000"))?;
    assert_eq!(totals(&served, &receipt["token"])?, (4, "4321".into()));
    served.stop()?;

    let served = start(folder, 2, 1)?;
    let (_, receipt) = served.post("/v1/sources/orders", &order(4, "50000"))?;
    assert_eq!(totals(&served, &receipt["token"])?, (5, "54321".into()));
    let (_, left) = served.get("/v1/dead-letters?replayed=false")?;
    let left = left["letters"].as_array().expect("letters");
    assert!(
        left.iter().all(|letter| letter["raw"] == "nonsense"),
        "{left:?}"
    );
    served.stop()?;
    Ok(())
}

/// A run that begins anew reads what was posted once more, and what was sent again is for the new letters to say.
fn begin_anew(folder: &Path) -> anyhow::Result<()> {
    let state = State::in_directory(folder).every(millis(20)).fresh(true);
    let served = start_with(state, 2, 3)?;
    let (_, receipt) = served.post("/v1/sources/orders", &order(5, "600000"))?;
    assert_eq!(totals(&served, &receipt["token"])?, (4, "654001".into()));
    letters(&served, 3)?;
    let (_, sent) = served.post("/v1/dead-letters/replay", "")?;
    assert_eq!(sent["replayed"], 3, "{sent}");
    let (_, receipt) = served.post("/v1/sources/orders", &order(6, "7000000"))?;
    assert_eq!(totals(&served, &receipt["token"])?, (7, "7654321".into()));
    served.stop()?;
    Ok(())
}

#[test]
fn letters_are_sent_again_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    reject(folder.path())?;
    fail_again(folder.path())?;
    mend(folder.path())?;
    begin_anew(folder.path())
}
