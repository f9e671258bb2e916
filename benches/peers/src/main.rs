//! Nexmark on Millstream with snapshots, on hand-written timely dataflow and on Renoir, in turns over the same events, made
//! beforehand and moved.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- --queries q0,q5 --events 2000000 --workers 2 --rounds 5`

mod auctions;
mod by_hand;
mod made;
mod measured;
mod on_millstream;
mod on_renoir;
mod rows;
mod shared;

#[path = "../../../examples/nexmark"]
#[expect(dead_code, reason = "the example uses all of it")]
mod nexmark {
    pub(crate) mod euros;
    pub(crate) mod event;
    pub(crate) mod generator;
    pub(crate) mod ndjson_file;
    pub(crate) mod output;
    pub(crate) mod queries;
    pub(crate) mod random;
}

use std::time::Duration;

use clap::Parser;

use made::Made;
use measured::Measured;
use nexmark::generator::Generator;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs Nexmark queries on three engines in turns and prints the ratios.
#[derive(Parser)]
struct Args {
    /// The queries, with commas between.
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = query,
        default_value = "q0,q1,q2,q3,q4,q5,q7,q8,q9,q11,q13,q14,q17,q18,q19,q20,q21,q22"
    )]
    queries: Vec<String>,
    /// How many events.
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// On how many workers.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// How often each engine runs.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Which engines, with commas between.
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = ["ours", "plain", "by-hand", "renoir"],
        default_value = "ours,plain,by-hand,renoir"
    )]
    engines: Vec<String>,
    /// Events per second of event time.
    #[arg(long, default_value_t = 1000)]
    rate_of_event_time: u64,
    /// Milliseconds from one of Millstream's snapshots to the next.
    #[arg(long, default_value_t = 1000)]
    snapshot_every: u64,
}

fn query(name: &str) -> Result<String, String> {
    let found = nexmark::queries::by_name(name);
    found
        .map(|query| query.name.to_owned())
        .ok_or_else(|| "there is no such query".into())
}

fn main() {
    let args = Args::parse();
    let generator = Generator::new(1, args.rate_of_event_time);
    let made = Made::new(&generator, args.events, args.workers);
    println!(
        "million events/s, median (least–greatest); ratios are Millstream's over the other's, round by round"
    );
    let every = Duration::from_millis(args.snapshot_every);
    for query in &args.queries {
        let mut rates: [Vec<f64>; 4] = Default::default();
        let mut snapshots = 0;
        for _ in 0..args.rounds {
            let wanted = |engine: &str| {
                let wanted = args.engines.iter().any(|wanted| wanted == engine);
                wanted.then(|| made.clone())
            };
            let ran: [Option<Measured>; 4] = [
                wanted("ours").and_then(|events| on_millstream::run(query, events, Some(every))),
                wanted("plain").and_then(|events| on_millstream::run(query, events, None)),
                wanted("by-hand").and_then(|events| by_hand::run(query, events)),
                wanted("renoir").and_then(|events| on_renoir::run(query, events)),
            ];
            agree(query, &ran);
            snapshots += ran[0].map_or(0, |ran| ran.snapshots);
            for (rates, ran) in rates.iter_mut().zip(ran) {
                rates.extend(ran.map(|ran| ran.per_second() / 1e6));
            }
        }
        let [ours, plain, by_hand, renoir] = &rates;
        println!(
            "{query:>4}  ours {}, {snapshots} snapshots  without snapshots {} ({})  by hand {} ({})  Renoir {} ({})",
            spread(ours),
            spread(plain),
            ratio(ours, plain),
            spread(by_hand),
            ratio(ours, by_hand),
            spread(renoir),
            ratio(ours, renoir),
        );
    }
}

fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let ratios: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    spread(&ratios)
}

/// The median, and the least and the greatest.
fn spread(figures: &[f64]) -> String {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.as_slice() {
        [] => "–".into(),
        all => format!(
            "{:.2} ({:.2}–{:.2})",
            all[all.len() / 2],
            all[0],
            all[all.len() - 1]
        ),
    }
}

/// Queries that give other rows on Renoir: its windows begin elsewhere, and it keeps one of several maxima.
const OTHERS_ON_RENOIR: [&str; 2] = ["q5", "q7"];

/// Queries that are tables: of Millstream each change is counted, of the others the rows that there are in the end.
const TABLES: [&str; 3] = ["q4", "q18", "q19"];

/// All that can be compared have as many rows.
fn agree(query: &str, ran: &[Option<Measured>; 4]) {
    let comparable = if OTHERS_ON_RENOIR.contains(&query) {
        &ran[..3]
    } else if TABLES.contains(&query) {
        &ran[2..]
    } else {
        &ran[..]
    };
    let mut rows = comparable.iter().flatten().map(|ran| ran.rows);
    if let Some(first) = rows.next() {
        assert!(
            rows.all(|others| others == first),
            "{query}: not all have the same rows: {ran:?}"
        );
        // No row of a table is there without a change.
        assert!(
            ran[..2].iter().flatten().all(|ours| first <= ours.rows),
            "{query}: a table with fewer changes than rows: {ran:?}"
        );
    }
}
