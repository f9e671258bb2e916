//! The main job is killed again and again while clients post to it: what was acknowledged counts once, in its views and
//! in its files, and what was sent a second time because no answer came does not count twice.
#![cfg(unix)]

#[path = "support/clients.rs"]
mod clients;
#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;
#[path = "support/live.rs"]
mod live;
#[path = "support/process.rs"]
mod process;
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::Duration;

use clients::{Address, Client, Known};
use files::rows_below;
use live::Live;
use millstream::prelude::*;
use random::Random;
use tempfile::TempDir;

const N_CLIENTS: u64 = 8;

/// A number from the environment.
fn asked_for(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("it is a number"))
}

/// How often each url was viewed, as the view says.
fn views_by_url(live: &Live) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut views = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/views/pages_per_minute?limit=10000{cursor}");
        let page = live.get(&path)?;
        for row in page["rows"].as_array().expect("rows") {
            let url = row["url"].as_str().expect("a url").to_owned();
            *views.entry(url).or_default() += row["views"].as_u64().expect("a number");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(views),
        }
    }
}

/// Checks that every event that was acknowledged counts once, and every one that was given up at most once.
fn check(views: &BTreeMap<String, u64>, known: &Known, what: &str) {
    for (url, n) in &known.acknowledged {
        assert_eq!(views.get(url), Some(n), "{what}: {url}");
    }
    for (url, n) in views.iter().filter(|(url, _)| url.starts_with("/given-up")) {
        let sent = known.given_up.get(url).or(known.acknowledged.get(url));
        assert!(
            sent.is_some_and(|sent| n <= sent),
            "{what}: {n} of {url}, sent {sent:?}"
        );
    }
    let others = |url: &&String| {
        !known.acknowledged.contains_key(*url) && !known.given_up.contains_key(*url)
    };
    let others: Vec<_> = views.keys().filter(others).collect();
    assert!(
        others.iter().all(|url| *url == "/now"),
        "{what}: {others:?}"
    );
}

/// The job and those who post to it.
struct Shop {
    out: TempDir,
    address: Address,
    enough: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Known>>,
}

impl Shop {
    fn open() -> anyhow::Result<Self> {
        Ok(Shop {
            out: tempfile::tempdir()?,
            address: Address::default(),
            enough: Arc::default(),
            clients: Vec::new(),
        })
    }

    /// Starts the job for the `n`-th time.
    fn start(&self, n: u64) -> anyhow::Result<Live> {
        let live = Live::start(self.out.path(), n as usize % 3 + 1, &["--rate", "0"])?;
        self.address.set(live.address());
        Ok(live)
    }

    /// Has the clients post; all their events happen in one minute from `from` on.
    fn let_in(&mut self, from: EventTime, seed: u64) {
        for number in 0..N_CLIENTS {
            let client = Client {
                number,
                address: self.address.clone(),
                enough: Arc::clone(&self.enough),
                from,
                random: Random::new(seed ^ (number + 1)),
            };
            self.clients.push(std::thread::spawn(move || client.run()));
        }
    }

    /// Waits until every client has the answer it waits for; gives what they know.
    fn close(&mut self) -> Known {
        self.enough.store(true, SeqCst);
        let mut known = Known::default();
        for client in self.clients.drain(..) {
            known.add(client.join().expect("a client does not panic"));
        }
        known
    }
}

/// Checks the views, once they have seen everything.
fn check_views(live: &mut Live, now: EventTime, known: &Known) -> anyhow::Result<()> {
    let pages = "/v1/views/pages_per_minute?wait_ms=60000";
    let token = live.post("/now", &[now.to_string()])?;
    let seen = live.get(&format!("{pages}&url=/now&after={token}"))?;
    assert_eq!(seen["rows"][0]["views"], 1, "{seen}");
    let token = known.token.as_deref().expect("a token");
    live.get(&format!("{pages}&limit=1&after={token}"))?;
    let status = live.get("/v1/pipeline")?;
    assert_eq!(status["guarantee"]["level"], "exactly-once", "{status}");
    live.get_until("/v1/pipeline", |status| {
        let sources = status["sources"].as_array().expect("sources");
        sources.iter().all(|source| source["lag"] == 0)
    })?;
    check(&views_by_url(live)?, known, "views");
    Ok(())
}

/// Checks the files of a job that has ended.
fn check_files(out: &Path, known: &Known) -> anyhow::Result<()> {
    let mut in_files: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows_below(&out.join("pages_per_minute")) {
        let (url, views) = (row[2].clone(), row[3].parse::<u64>()?);
        *in_files.entry(url).or_default() += views;
    }
    check(&in_files, known, "files");
    Ok(())
}

#[test]
fn what_was_acknowledged_counts_once() -> anyhow::Result<()> {
    let n_kills = asked_for("MILLSTREAM_KILLS").unwrap_or(20);
    let seed = asked_for("MILLSTREAM_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("MILLSTREAM_KILLS={n_kills} MILLSTREAM_SEED={seed}");
    let mut random = Random::new(seed);
    let mut shop = Shop::open()?;
    let mut live = shop.start(0)?;
    live.wait_until_ready()?;
    let now = live.get("/v1/pipeline")?["now"]
        .as_str()
        .expect("a time")
        .parse::<EventTime>()?;
    // Views keep an hour.
    shop.let_in(
        Window::tumbling(now.minus(minutes(40)), minutes(1)).start,
        seed,
    );
    for n in 1..=n_kills {
        let time = Duration::from_millis(20 + u64::from(random.next_u32() % 400));
        assert!(live.process.runs_for(time), "it ends by itself");
        live.process.kill();
        assert!(live.process.end().was_killed());
        live = shop.start(n)?;
    }
    live.wait_until_ready()?;
    assert!(
        live.process.runs_for(Duration::from_millis(300)),
        "it ends by itself"
    );
    let known = shop.close();
    let n_acknowledged: u64 = known.acknowledged.values().sum();
    println!(
        "{n_acknowledged} events acknowledged, {} requests sent again, {} given up",
        known.retries,
        known.given_up.len()
    );
    assert!(
        n_acknowledged > 1000 && known.retries > 0,
        "the clients were at work"
    );
    check_views(&mut live, now, &known)?;
    live.process.signal("TERM");
    let ended = live.process.end();
    assert!(ended.status.success(), "{}", ended.stderr);
    check_files(shop.out.path(), &known)
}
