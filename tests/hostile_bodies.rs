//! Ten thousand bodies that should never have been sent: each is answered as it deserves, none is felt afterwards.
//!
//! The server is this test run once more, as a process of its own, so that the memory it takes is its own, too.
//! `MILLSTREAM_SEED` says which bodies they are.

#[path = "support/hostile.rs"]
mod hostile;
#[path = "support/process.rs"]
mod process;
#[path = "support/random.rs"]
mod random;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;

use millstream::prelude::*;
use millstream::queries::HttpService;
use serde_json::Value;

use hostile::{
    BODY_BYTES, BODY_EVENTS, Case, DECODED_BYTES, EVENT_BYTES, Expected, Hostile, KEY, Payload,
};
use process::{PATIENCE, Process};

const AGAIN: &str = "MILLSTREAM_TEST_AGAIN";

const N_BODIES: usize = 10_000;

/// How much more memory may be resident after it all than before.
const GROWTH_MAX: u64 = 64 << 20;

/// The server, until it is killed.
fn serve() -> anyhow::Result<()> {
    let http = HttpService::new("127.0.0.1:0");
    let address = http.address();
    let running = App::new("hostile").workers(2).service(http).start(|flow| {
        let collector = Collector::new()
            .bearer_key(KEY)
            .body_bytes_max(BODY_BYTES)
            .decoded_bytes_max(DECODED_BYTES)
            .event_bytes_max(EVENT_BYTES)
            .body_events_max(BODY_EVENTS);
        flow.source("events", collector.decode(Json::<Event<Payload>>::new()))
            .event_time(
                |e| e.timestamp,
                Watermarks::bounded(seconds(3600 * 24 * 365 * 10)),
            )
            .window(Tumbling::of(minutes(1)))
            .aggregate("counts", |of| of.count("n"))
            .view("counts")
    })?;
    eprintln!("listening on {}", address.get().expect("it is started"));
    running.wait()?;
    Ok(())
}

struct Served {
    process: Process,
    address: String,
    agent: ureq::Agent,
}

impl Served {
    fn start() -> anyhow::Result<Self> {
        let mut again = Command::new(std::env::current_exe()?);
        // What the program holds is measured, and not what its allocator keeps at hand for each of its threads.
        again
            .env("MALLOC_ARENA_MAX", "1")
            .env(AGAIN, "yes")
            .args(["--nocapture", "--test-threads=1"]);
        let mut process = Process::start(&mut again)?;
        let line = process.wait_for("listening on ");
        let address = line.rsplit(' ').next().expect("an address").to_owned();
        let agent = ureq::Agent::config_builder().http_status_as_error(false);
        Ok(Served {
            process,
            address,
            agent: agent.build().into(),
        })
    }

    fn post(&self, case: &Case) -> anyhow::Result<(u16, String, Value)> {
        let mut request = self
            .agent
            .post(format!("http://{}/v1/sources/events", self.address));
        if !case
            .headers
            .iter()
            .any(|(name, _)| *name == "authorization")
        {
            request = request.header("authorization", format!("Bearer {KEY}"));
        }
        for (name, value) in &case.headers {
            request = request.header(*name, value);
        }
        let mut answer = request.send(&case.body[..])?;
        let kind = answer
            .headers()
            .get("content-type")
            .map(|kind| kind.to_str().map(str::to_owned));
        let kind = kind.transpose()?.unwrap_or_default();
        Ok((
            answer.status().as_u16(),
            kind,
            answer.body_mut().read_json()?,
        ))
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let mut answer = self
            .agent
            .get(format!("http://{}{path}", self.address))
            .call()?;
        Ok(answer.body_mut().read_json()?)
    }

    /// What stands in memory, in bytes.
    fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kib.expect("Linux says so") * 1024)
    }
}

/// Whether what was answered is right, as a sentence if not.
fn judged(case: &Case, status: u16, kind: &str, answer: &Value) -> Result<(), String> {
    let is = |is_so: bool, what: &str| {
        if is_so {
            Ok(())
        } else {
            Err(format!("{what}: {status} {answer}"))
        }
    };
    match case.expected {
        Expected::Taken { accepted, rejected } => {
            is(status == 202, "not taken")?;
            is(
                answer["accepted"] == accepted && answer["rejected"] == rejected,
                "not so many",
            )?;
            let errors = answer["errors"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            is(errors.len() == rejected.min(100), "not as many errors")?;
            let is_told = |error: &Value| error["index"].is_u64() && is_sentence(&error["error"]);
            is(errors.iter().all(is_told), "an error without a sentence")
        }
        Expected::Refused(expected, words) => {
            is(status == expected, "another status")?;
            is(
                kind == "application/problem+json" && answer["status"] == expected,
                "no problem",
            )?;
            is(is_sentence(&answer["detail"]), "no sentence")?;
            is(
                answer["detail"]
                    .as_str()
                    .is_some_and(|told| told.contains(words)),
                words,
            )
        }
    }
}

fn is_sentence(text: &Value) -> bool {
    text.as_str()
        .is_some_and(|text| text.len() > 10 && text.len() < 2_000 && text.contains(' '))
}

#[test]
fn hostile_bodies_are_answered_and_forgotten() -> anyhow::Result<()> {
    if std::env::var_os(AGAIN).is_some() {
        return serve();
    }
    let seed = std::env::var("MILLSTREAM_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(1);
    println!("MILLSTREAM_SEED={seed}");
    let served = Served::start()?;
    let mut hostile = Hostile::new(seed);
    let (mut accepted, mut rejected, mut duplicates) = (0, 0, 0);
    let mut before = 0;
    for i in 0..N_BODIES {
        if i == 10 {
            before = served.resident()?;
        }
        let case = hostile.next();
        let (status, kind, answer) = served.post(&case)?;
        if let Err(wrong) = judged(&case, status, &kind, &answer) {
            let body = String::from_utf8_lossy(&case.body[..case.body.len().min(4_000)]);
            panic!(
                "body {i}, {}: {wrong}, expected {:?}\n{:?}\n{body}",
                case.what, case.expected, case.headers
            );
        }
        if let Expected::Taken {
            accepted: a,
            rejected: r,
        } = case.expected
        {
            (accepted, rejected) = (accepted + a, rejected + r);
            duplicates += answer["duplicates"].as_u64().unwrap_or(0) as usize;
        }
    }
    broken_requests(&served)?;
    let n_events = accepted + rejected - duplicates;
    let until = Instant::now() + PATIENCE;
    let [taken_in, refused] = loop {
        let source = served.get("/v1/pipeline")?["sources"][0].clone();
        let counts = ["events", "rejected"].map(|name| source[name].as_u64().unwrap_or(0) as usize);
        if counts.iter().sum::<usize>() >= n_events {
            break counts;
        }
        assert!(Instant::now() < until, "of {n_events} there are {counts:?}");
    };
    assert_eq!(taken_in + refused, n_events, "each of them is somewhere");
    // A broken time may be one of the future, which is seen only when it meets the pipeline's clock.
    assert!(
        accepted - taken_in < 100 + duplicates && duplicates < 100,
        "{accepted} were accepted, {taken_in} taken in, {duplicates} of them twice"
    );
    let after = served.resident()?;
    println!(
        "{accepted} events accepted, {rejected} rejected; resident {before} bytes, then {after}"
    );
    assert!(
        accepted > N_BODIES && rejected > N_BODIES / 2,
        "it tries little"
    );
    assert!(
        after < before + GROWTH_MAX,
        "{before} bytes were resident, then {after}"
    );
    Ok(())
}

/// Requests that are none, or end within their body.
fn broken_requests(served: &Served) -> anyhow::Result<()> {
    let head =
        format!("POST /v1/sources/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n");
    for (rest, status) in [
        (
            "transfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\nzz\r\n",
            Some("400"),
        ),
        ("content-length: many\r\n\r\n", Some("400")),
        ("content-length: 10\r\n\r\n{\"a\":", None),
        ("ce-id: \u{1}\r\n\r\n", Some("400")),
    ] {
        let mut stream = TcpStream::connect(&served.address)?;
        stream.write_all(format!("{head}{rest}").as_bytes())?;
        if let Some(status) = status {
            let mut answer = [0; 12];
            stream.read_exact(&mut answer)?;
            assert_eq!(
                String::from_utf8_lossy(&answer),
                format!("HTTP/1.1 {status}"),
                "{rest}"
            );
        }
    }
    Ok(())
}
