//! A pipeline that is made up: views, a status and inlets that a test writes by hand, served for real.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_engine::{
    Answer as AnswerOf, BoxError, Column, ColumnType, Epoch, EventTime, Guarantee, Headers, Inlet,
    Level, Offer, PartitionStatus, PipelineStatus, Receipt, Refusal, RowKey, Rows, Service,
    Snapshot, SourceStatus, StepStatus, Value, ViewSnapshot, Window, minutes,
};
use millstream_queries::{HttpService, Reading, SnapshotWatcher};

/// What a test body gives back.
pub(crate) type Tested = Result<(), BoxError>;

/// A reading whose snapshots a test publishes.
#[derive(Default)]
pub(crate) struct MadeUp {
    snapshot: Mutex<Arc<Snapshot>>,
    watchers: Mutex<Vec<SnapshotWatcher>>,
    pub(crate) ready: std::sync::atomic::AtomicBool,
}

impl MadeUp {
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        *self.snapshot.lock().expect("no test panics in here") = Arc::clone(&snapshot);
        for watcher in self.watchers.lock().expect("no test panics in here").iter() {
            watcher(&snapshot);
        }
    }
}

impl Reading for MadeUp {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.lock().expect("no test panics in here"))
    }
    fn watch(&self, watcher: SnapshotWatcher) {
        self.watchers
            .lock()
            .expect("no test panics in here")
            .push(watcher);
    }
    fn status(&self) -> PipelineStatus {
        status()
    }
    fn inlet(&self, name: &str) -> Option<Arc<dyn Inlet>> {
        (name == "page_views").then(|| Arc::new(Lines) as Arc<dyn Inlet>)
    }
    fn inlet_names(&self) -> Vec<String> {
        vec!["page_views".into()]
    }
    fn is_ready(&self) -> bool {
        self.ready.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Takes lines, of which those that are `bad` are refused. A body that is the name of a refusal has the inlet refuse it so;
/// `panic` and `forget` have it break down, `headers` tells what came with it, and `later` is answered by another thread.
/// With a header `x-closed` nobody is admitted.
struct Lines;

impl Lines {
    fn take(body: &[u8], headers: &Headers) -> Result<Receipt, Refusal> {
        let source_name = || "page_views".into();
        match body {
            b"full" => Err(Refusal::Full {
                source_name: source_name(),
                retry_after_seconds: 7,
            }),
            b"stopping" => Err(Refusal::Stopping {
                source_name: source_name(),
            }),
            b"unreadable" => {
                let reason = format!("content type {:?} is unknown", headers.get("content-type"));
                Err(Refusal::Unreadable {
                    source_name: source_name(),
                    reason,
                })
            }
            b"unsupported" => Err(Refusal::Unsupported {
                source_name: source_name(),
                what: format!("a body encoded as {:?}", headers.get("content-encoding")),
            }),
            b"broken" => Err(Refusal::Broken {
                source_name: source_name(),
                reason: "the disk is full".into(),
            }),
            b"panic" => panic!("as the body asked"),
            b"headers" => Ok(Receipt {
                errors: headers
                    .iter()
                    .map(|(name, value)| (0, format!("{name}: {value}")))
                    .collect(),
                ..Receipt::default()
            }),
            body => {
                let lines = body.split(|byte| *byte == b'\n').enumerate();
                let mut receipt = Receipt::default();
                for (index, line) in lines {
                    if line == b"bad" {
                        receipt.rejected += 1;
                        receipt.errors.push((index, "it is bad".into()));
                    } else {
                        receipt.accepted += 1;
                    }
                }
                Ok(receipt)
            }
        }
    }
}

impl Inlet for Lines {
    fn admit(&self, headers: &Headers) -> Result<(), Refusal> {
        match headers.get("x-closed") {
            None => Ok(()),
            Some(_) => Err(Refusal::Unauthorized {
                source_name: "page_views".into(),
                reason: "the request has no key".into(),
                challenge: "Bearer realm=\"millstream\"".into(),
            }),
        }
    }

    fn offer(&self, offer: Offer, answer: AnswerOf) {
        match &offer.body[..] {
            b"forget" => drop(answer),
            b"later" => {
                std::thread::spawn(move || {
                    answer(Ok(Receipt {
                        accepted: 3,
                        duplicates: 2,
                        token: Some("t-9".into()),
                        ..Receipt::default()
                    }));
                });
            }
            body => answer(Lines::take(body, &offer.headers)),
        }
    }

    fn close(&self) {}

    fn body_bytes_max(&self) -> usize {
        64
    }
}

/// What the made-up pipeline says of itself.
pub(crate) fn status() -> PipelineStatus {
    let watermark = Some(minute(3));
    PipelineStatus {
        name: "clickstream".into(),
        workers: 2,
        state: "running",
        committed: None,
        snapshot_stall_us: 0,
        guarantee: Guarantee {
            level: Level::Nothing,
            because: Vec::new(),
        },
        epoch: "1.3".into(),
        publish_interval_ms: 100,
        now: minute(4),
        sources: vec![SourceStatus {
            name: "page_views".into(),
            events: 10,
            rejected: 1,
            lag: Some(3),
            partitions: vec![PartitionStatus {
                partition: 0,
                worker: 0,
                state: "active",
                watermark,
                reason: "the newest event less 5 s".into(),
                events: 10,
                rejected: 1,
                bytes: 2_000,
                bytes_total: Some(4_000),
                lag: Some(3),
            }],
        }],
        steps: vec![StepStatus {
            name: "pages \"quoted\"".into(),
            kind: "window",
            inputs: vec!["page_views".into()],
            records_in: 10,
            records_out: 4,
            late: 2,
            keys: 4,
            open_windows: 1,
            state_bytes: 512,
            watermark,
            waits_for: None,
        }],
    }
}

/// The time `n` minutes after 1970.
pub(crate) fn minute(n: i64) -> EventTime {
    EventTime::from_micros(n * 60_000_000)
}

/// An epoch of run 1.
pub(crate) fn epoch(count: u64) -> Epoch {
    Epoch::from_u64(Epoch::first_of_run(1).as_u64() + count)
}

/// A snapshot of view `pages`, whose rows are (minute, url, views, p95), and of `totals`, which is empty.
pub(crate) fn snapshot(count: u64, rows: &[(i64, &str, i64, f64)]) -> Snapshot {
    let mut parts = vec![Rows::new(), Rows::new()];
    for (start, url, views, p95) in rows {
        let window = Window::tumbling(minute(*start), minutes(1));
        let key = RowKey {
            window: Some(window),
            key: [Value::Text((*url).into())].into(),
        };
        let values = [
            Value::Time(window.start),
            Value::Time(window.end),
            Value::Text((*url).into()),
            Value::Int(*views),
            Value::Float(*p95),
            Value::Bool(*start < 3),
        ];
        parts[url.len() % 2].insert(key, Arc::new(values));
    }
    let columns = [
        Column::new("window_start", ColumnType::Timestamp),
        Column::new("window_end", ColumnType::Timestamp),
        Column::new("url", ColumnType::Text),
        Column::new("views", ColumnType::Int64),
        Column::new("p95_ms", ColumnType::Float64),
        Column::new("final", ColumnType::Bool),
    ];
    let pages = ViewSnapshot {
        columns: columns.into(),
        watermark: minute(3),
        retained_from: None,
        parts,
    };
    let totals = ViewSnapshot {
        columns: [Column::new("n", ColumnType::Int64)].into(),
        watermark: EventTime::MIN,
        retained_from: None,
        parts: Vec::new(),
    };
    let views = [("pages".into(), pages), ("totals".into(), totals)];
    Snapshot {
        epoch: epoch(count),
        views: views.into(),
    }
}

/// Three minutes of three pages; the last minute is still open.
pub(crate) const ROWS: [(i64, &str, i64, f64); 5] = [
    (3, "/", 7, 10.5),
    (3, "/cart", 9_007_199_254_740_993, f64::NAN),
    (2, "/", 5, 20.0),
    (2, "/a,\"b\"", 5, 1.0),
    (1, "/", 3, 2.0),
];

/// A made-up pipeline behind a real server on a free port.
pub(crate) struct Served {
    pub(crate) made_up: Arc<MadeUp>,
    pub(crate) service: HttpService,
    address: SocketAddr,
    agent: ureq::Agent,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// Column `column` of all rows, as text.
    pub(crate) fn column(&self, column: &str) -> Vec<String> {
        let body = self.json();
        let rows = body["rows"].as_array().expect("an answer has rows");
        rows.iter()
            .map(|row| row[column].to_string().replace('"', ""))
            .collect()
    }

    /// Asserts that this is a problem document with a status, and whose detail holds some text.
    pub(crate) fn is_problem(&self, status: u16, detail: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(
            problem["type"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("urn:millstream:"))
        );
        assert!(problem["title"].is_string());
        let told = problem["detail"].as_str().unwrap_or("");
        assert!(told.contains(detail), "{detail:?} is not in {told:?}");
    }
}

impl Served {
    /// Serves a pipeline whose first epochs have given [`ROWS`].
    pub(crate) fn start() -> Result<Self, BoxError> {
        Served::start_with(|service| service)
    }

    /// The same, with the server set up in some way.
    pub(crate) fn start_with(
        set_up: impl FnOnce(HttpService) -> HttpService,
    ) -> Result<Self, BoxError> {
        let made_up = Arc::new(MadeUp::default());
        made_up.publish(snapshot(3, &ROWS));
        let mut service = set_up(HttpService::new("127.0.0.1:0"));
        service.serve(Arc::clone(&made_up) as Arc<dyn Reading>)?;
        let address = *service
            .address()
            .get()
            .ok_or("a started server knows its address")?;
        // A test that waits for what does not come fails; it never takes as long when it is right.
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        Ok(Served {
            made_up,
            service,
            address,
            agent,
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, BoxError> {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, BoxError> {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call()?)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Answer, BoxError> {
        answer(self.agent.delete(self.url(path)).call()?)
    }

    pub(crate) fn post(
        &self,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, BoxError> {
        let mut request = self.agent.post(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send(body)?)
    }

    pub(crate) fn options(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, BoxError> {
        let mut request = self.agent.options(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call()?)
    }

    /// Asks for what never ends; gives the origin that may read it.
    pub(crate) fn open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Option<String>, BoxError> {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.call()?;
        let origin = response.headers().get("access-control-allow-origin");
        Ok(origin.and_then(|origin| Some(origin.to_str().ok()?.to_owned())))
    }

    /// Follows a view; the answer must be good.
    pub(crate) fn follow(&self, path: &str) -> Result<Following, BoxError> {
        let response = self.agent.get(self.url(path)).call()?;
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let lines = BufReader::new(Box::new(response.into_body().into_reader()) as Box<_>);
        Ok(Following { lines })
    }

    pub(crate) fn stop(&mut self) {
        self.service.stop();
    }
}

fn answer(response: ureq::http::Response<ureq::Body>) -> Result<Answer, BoxError> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().read_to_vec()?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// A stream of server-sent events.
pub(crate) struct Following {
    lines: BufReader<Box<dyn std::io::Read>>,
}

/// One server-sent event.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: serde_json::Value,
}

impl Following {
    /// The next event, waiting for it; `None` when the stream has ended.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, BoxError> {
        let mut event = Event {
            event: String::new(),
            id: String::new(),
            data: serde_json::Value::Null,
        };
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end().split_once(": ") {
                Some(("event", name)) => event.event = name.into(),
                Some(("id", id)) => event.id = id.into(),
                Some(("data", data)) => event.data = serde_json::from_str(data)?,
                _ if line == "\n" && !event.event.is_empty() => return Ok(Some(event)),
                _ => {}
            }
        }
    }
}
