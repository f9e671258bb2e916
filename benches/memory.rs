//! Whether memory stays flat: Nexmark queries under steady load, each in a process of its own.
//!
//! `cargo bench -p millstream-benches --bench memory -- q5 q11`, which prints for each query the maximum resident size of
//! the minutes from the second to the fifth, that of the last five minutes, and their ratio; and the same of the keys and
//! the bytes that its steps say they keep. Events are made up as fast as
//! they are taken, a thousand to a second of event time; a snapshot goes to disk every second.
//!
//! The queries run side by side. `MILLSTREAM_MINUTES` says for how long (10 if it is not set, at least 6),
//! `MILLSTREAM_WORKERS` on how many workers each (1).
#![expect(clippy::print_stdout, reason = "the result")]

#[path = "../examples/nexmark"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the example uses all of it, and tests it"
)]
mod nexmark {
    pub(crate) mod euros;
    pub(crate) mod event;
    pub(crate) mod generator;
    pub(crate) mod ndjson_file;
    pub(crate) mod output;
    pub(crate) mod pace;
    pub(crate) mod queries;
    pub(crate) mod random;
    pub(crate) mod source;
}

use std::process::Command;
use std::time::{Duration, Instant};

use millstream::prelude::*;

use nexmark::event::Event;
use nexmark::generator::Generator;
use nexmark::output::Output;
use nexmark::queries::{Timed, by_name};
use nexmark::source::Events;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Names the query that this process is to run.
const QUERY: &str = "MILLSTREAM_QUERY";

fn main() {
    if let Ok(query) = std::env::var(QUERY) {
        return run(&query);
    }
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let queries = if named.is_empty() {
        vec!["q5".into(), "q11".into()]
    } else {
        named
    };
    let program = std::env::current_exe().expect("this program");
    let children: Vec<_> = queries
        .iter()
        .map(|query| {
            Command::new(&program)
                .env(QUERY, query)
                .spawn()
                .expect("it starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it ran").success());
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given
        .and_then(|given| given.parse().ok())
        .unwrap_or(otherwise)
}

fn run(name: &str) {
    let query = by_name(name).unwrap_or_else(|| panic!("there is no {name}"));
    let minutes = setting("MILLSTREAM_MINUTES", 10).max(6);
    let workers = setting("MILLSTREAM_WORKERS", 1);
    let state = tempfile::tempdir().expect("a temporary directory");
    let events = Events::new(Generator::new(1, 1_000), u64::MAX / 2);
    let output = Output::new(None, state.path().join("files"));
    let running = App::new("memory")
        .workers(usize::try_from(workers).expect("workers are few"))
        .state(State::in_directory(state.path().join("state")))
        .start(move |flow| {
            let events = flow.source("events", events.clone());
            let events = match query.timed {
                Timed::ByThemselves => events.event_time(Event::time, Events::watermarks()),
                Timed::ByTheClock => events.processing_time(),
            };
            (query.build)(&events, &output)
        })
        .expect("it starts");
    let started = Instant::now();
    let mut sizes = Vec::new();
    while started.elapsed() < Duration::from_secs(minutes * 60) {
        std::thread::park_timeout(Duration::from_secs(1));
        let steps = running.run().status().steps;
        let keys = steps.iter().map(|step| step.keys).sum();
        let bytes = steps.iter().map(|step| step.state_bytes).sum();
        let at = started.elapsed().as_secs();
        sizes.push((at, [resident_bytes(), keys, bytes]));
    }
    let seconds = started.elapsed().as_secs_f64();
    running.run().stop();
    let report = running.wait().expect("it stops");
    let most = |seconds: std::ops::Range<u64>, what: usize| {
        let sizes = sizes.iter().filter(|(at, _)| seconds.contains(at));
        sizes.map(|(_, sizes)| sizes[what]).max().unwrap_or(0) as f64
    };
    let rate = report.events as f64 / seconds / 1e6;
    println!("{name}, {workers} workers, {minutes} minutes, {rate:.2} M events/s:");
    let mib = f64::from(1 << 20);
    for (what, of, unit) in [
        (0, mib, "MiB resident"),
        (1, 1.0, "keys"),
        (2, mib, "MiB of state"),
    ] {
        let early = most(60..300, what) / of;
        let late = most((minutes - 5) * 60..u64::MAX, what) / of;
        let ratio = late / early;
        println!(
            "  {early:.1} {unit} in minutes two to five, {late:.1} in the last five, ratio {ratio:.3}"
        );
    }
}

/// How much memory this process has.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a system with /proc");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a size");
    let kib = line
        .trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .expect("a number");
    kib * 1024
}
