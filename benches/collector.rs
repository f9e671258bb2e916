//! How fast the collector takes events, when each is durable before it is acknowledged.
//!
//! `cargo bench -p millstream-benches --bench collector`, which prints a table:
//!
//! - *accepted*: eight connections on loopback post batches of 500 events of 260 bytes, each with an id of its own, one
//!   after the other; the server, its log with a sync for each group, the pipeline behind it and the clients share the
//!   machine. Events a second from the first request to the last answer, and until a view has seen all.
//! - *visible*: one connection posts one event at a time while the others post at half of that rate; how long from the
//!   answer until a view that is asked for with its token answers.
//!
//! `MILLSTREAM_ROUNDS` says how many rounds there are (5 if it is not set).
#![expect(clippy::print_stdout, reason = "the result")]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use millstream::engine::Running;
use millstream::prelude::*;
use millstream::queries::HttpService;
use millstream_benches::{median, rounds};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 8;
const BATCH: usize = 500;
const BATCHES: usize = 200;
const EVENT_BYTES: usize = 260;

fn main() {
    let rounds = rounds();
    let (mut accepted, mut seen, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (taken, visible) = throughput(round);
        accepted.push(taken);
        seen.push(visible);
        waits.extend(latency(round, taken / 2.0));
    }
    println!("accepted          : {}", median(accepted, 0, "events/s"));
    println!("until visible     : {}", median(seen, 0, "events/s"));
    waits.sort_by(f64::total_cmp);
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!(
        "answer to visible : {:.1} ms in the middle, {:.1} ms for 99 of 100, at half of that rate",
        at(0.5),
        at(0.99)
    );
}

/// A pipeline behind a collector that counts page views by url.
struct Job {
    running: Running,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Job {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let http = HttpService::new("127.0.0.1:0");
        let address = http.address();
        let running = App::new("collector")
            .workers(1)
            .state(State::in_directory(folder.path().join("state")))
            .service(http)
            .start(|flow| {
                flow.source(
                    "views",
                    Collector::new()
                        .ahead_events(100_000_000)
                        .decode(Json::<Event<PageView>>::new()),
                )
                .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
                .key_by("url", |e| &e.data.url)
                .window(Tumbling::of(minutes(1)))
                .aggregate("pages", |of| of.count("views"))
                .view("pages")
            })
            .expect("it starts");
        Job {
            running,
            address: *address.get().expect("it listens"),
            _folder: folder,
        }
    }

    fn stop(self) {
        self.running.run().stop();
        self.running.wait().expect("it ends in order");
    }
}

/// One connection that stays open.
struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Client {
            stream,
            answer: Vec::new(),
        }
    }

    /// Sends a request, and gives the body of the answer.
    fn ask(&mut self, request: &[u8]) -> String {
        self.stream.write_all(request).expect("it is served");
        self.answer.clear();
        let mut buffer = [0; 4096];
        loop {
            let n = self.stream.read(&mut buffer).expect("it is answered");
            assert!(n > 0, "the connection ended");
            self.answer.extend_from_slice(&buffer[..n]);
            let text = String::from_utf8_lossy(&self.answer);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).expect("a length");
                let length: usize = length
                    .lines()
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("a number");
                if body.len() >= length {
                    assert!(head.contains(" 202 ") || head.contains(" 200 "), "{text}");
                    return body.to_owned();
                }
            }
        }
    }
}

/// A request with `n` events whose ids begin with `id`.
fn post(id: &str, n: usize) -> Vec<u8> {
    let mut body = String::with_capacity(n * EVENT_BYTES);
    for i in 0..n {
        let start = body.len();
        write!(
            body,
            r#"{{"eventId":"{id}-{i:05}","timestamp":"2026-01-15T10:30:00.{:03}Z","data":{{"userId":"user-{:05}","sessionId":"session-{i:05}","url":"/p/{}","referrer":"https://example.org/","country":"NZ","device":"phone","durationMs":{}}}}}"#,
            i % 1000,
            i * 7,
            i % 100,
            i % 3000
        )
        .expect("text grows");
        let missing = (EVENT_BYTES - 1).saturating_sub(body.len() - start);
        body.extend(std::iter::repeat_n(' ', missing));
        body.push('\n');
    }
    request("POST", "/v1/sources/views", &body)
}

fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn token_of(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).expect("it is JSON");
    answer["token"].as_str().expect("a token").to_owned()
}

fn see(client: &mut Client, token: &str) {
    let path = format!("/v1/views/pages?limit=1&after={token}&wait_ms=60000");
    client.ask(&request("GET", &path, ""));
}

/// Events a second: accepted, and seen by a view.
fn throughput(round: usize) -> (f64, f64) {
    let job = Job::start();
    let requests: Vec<Vec<Vec<u8>>> = (0..CONNECTIONS)
        .map(|c| {
            (0..BATCHES)
                .map(|b| post(&format!("{round}-{c}-{b}"), BATCH))
                .collect()
        })
        .collect();
    let started = Instant::now();
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let clients = requests.iter().map(|requests| {
            let mut client = Client::connect(job.address);
            scope.spawn(move || {
                let answers = requests.iter().map(|request| client.ask(request));
                token_of(&answers.last().expect("there are requests"))
            })
        });
        let clients: Vec<_> = clients.collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("no client panics"))
            .collect()
    });
    let n_events = (CONNECTIONS * BATCHES * BATCH) as f64;
    let accepted = n_events / started.elapsed().as_secs_f64();
    let mut client = Client::connect(job.address);
    tokens.iter().for_each(|token| see(&mut client, token));
    let seen = n_events / started.elapsed().as_secs_f64();
    job.stop();
    (accepted, seen)
}

/// Milliseconds from an answer until a view has seen it, while others post `rate` events a second.
fn latency(round: usize, rate: f64) -> Vec<f64> {
    let job = Job::start();
    let is_over = AtomicBool::new(false);
    let mut waits = Vec::new();
    std::thread::scope(|scope| {
        for c in 1..CONNECTIONS {
            let (address, is_over) = (job.address, &is_over);
            let pause = Duration::from_secs_f64((BATCH * (CONNECTIONS - 1)) as f64 / rate);
            scope.spawn(move || {
                let mut client = Client::connect(address);
                let mut next = Instant::now();
                for b in 0.. {
                    if is_over.load(Relaxed) {
                        break;
                    }
                    client.ask(&post(&format!("l{round}-{c}-{b}"), BATCH));
                    next += pause;
                    std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
                }
            });
        }
        let mut client = Client::connect(job.address);
        for n in 0..200 {
            let answer = client.ask(&post(&format!("one-{round}-{n}"), 1));
            let answered = Instant::now();
            see(&mut client, &token_of(&answer));
            waits.push(answered.elapsed().as_secs_f64() * 1e3);
        }
        is_over.store(true, Relaxed);
    });
    job.stop();
    waits
}
