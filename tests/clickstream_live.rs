//! The main job live: what is posted is seen, what is broken is told and kept, a stop ends it in order.

#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;
#[path = "support/letter_log.rs"]
mod letter_log;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use files::files_below;
use job::{clickstream, of_summary};
use letter_log::letters_beside;
use serde_json::{Value, json};

struct Live {
    child: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
    out: tempfile::TempDir,
}

impl Live {
    fn start(flags: &[&str]) -> anyhow::Result<Live> {
        let out = tempfile::tempdir()?;
        let mut command = clickstream();
        command
            .args(["--listen", "127.0.0.1:0", "--workers", "2", "--out"])
            .arg(out.path())
            .args(flags);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("dashboard: http://") {
            line.clear();
            anyhow::ensure!(
                stderr.read_line(&mut line)? > 0,
                "it ended before it served"
            );
        }
        let address = line
            .split("http://")
            .nth(1)
            .expect("an address")
            .trim()
            .trim_end_matches('/')
            .to_owned();
        Ok(Live {
            child,
            stderr,
            address,
            out,
        })
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(ureq::get(format!("http://{}{path}", self.address))
            .call()?
            .body_mut()
            .read_json()?)
    }

    /// The rows of each change of a view, as they come.
    fn changes(&self, path: &str) -> anyhow::Result<impl Iterator<Item = Value>> {
        let answer = ureq::get(format!("http://{}{path}", self.address)).call()?;
        let lines = BufReader::new(answer.into_body().into_reader())
            .lines()
            .map_while(Result::ok);
        let data = lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
        Ok(data.map(|data| serde_json::from_str(&data).expect("JSON")))
    }

    /// Ends it as a service manager would; gives the exit code and standard output.
    fn stop(mut self) -> anyhow::Result<(Option<i32>, Vec<u8>, tempfile::TempDir)> {
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        std::io::copy(&mut self.stderr, &mut std::io::sink())?;
        let output = self.child.wait_with_output()?;
        Ok((output.status.code(), output.stdout, self.out))
    }
}

fn event(timestamp: &str, url: &str) -> Value {
    json!({"timestamp": timestamp, "data": {"userId": "u", "sessionId": "s", "url": url, "referrer": null,
        "country": "NZ", "device": "phone", "durationMs": 12}})
}

#[test]
fn the_generator_is_seen_at_once_and_a_stop_is_orderly() -> anyhow::Result<()> {
    let live = Live::start(&["--rate", "2000"])?;
    let rows = live
        .changes("/v1/views/pages_per_minute/changes")?
        .find(|change| {
            change["rows"]
                .as_array()
                .is_some_and(|rows| !rows.is_empty())
        })
        .expect("rows before the stream ends");
    assert_eq!(rows["rows"][0]["final"], false, "{rows}");
    let status = live.get("/v1/pipeline")?;
    let window = status["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["kind"] == "window");
    let waits_for = window.expect("a window")["waits_for"]
        .as_str()
        .expect("it is open")
        .to_owned();
    assert!(
        waits_for.contains("the oldest window is final when the watermark reaches"),
        "{waits_for}"
    );
    assert!(
        status["sources"][0]["partitions"][0]["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty())
    );
    let (code, stdout, out) = live.stop()?;
    assert_eq!(code, Some(0));
    assert!(of_summary(&stdout, "events") > 0.0);
    let left = files_below(out.path())
        .into_iter()
        .filter(|f| f.to_string_lossy().contains(".staging"));
    assert_eq!(left.count(), 0, "nothing is left behind");
    Ok(())
}

#[test]
fn what_is_posted_is_seen_and_what_is_broken_is_told_and_kept() -> anyhow::Result<()> {
    let live = Live::start(&["--rate", "0"])?;
    let changes = live.changes("/v1/views/pages_per_minute/changes?url=/posted")?;
    let now = live.get("/v1/pipeline")?["now"]
        .as_str()
        .expect("a time")
        .to_owned();
    let body = json!([event(&now, "/posted"), {"bad": 1}, event("2099-01-01T00:00:00Z", "/posted"), event(&now, "/posted")]);
    let post = ureq::post(format!("http://{}/v1/sources/page_views", live.address));
    let mut answer = post
        .header("content-type", "application/json")
        .send(body.to_string())?;
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.body_mut().read_json()?;
    assert_eq!(
        (&answer["accepted"], &answer["rejected"]),
        (&json!(3), &json!(1)),
        "{answer}"
    );
    assert_eq!(answer["errors"][0]["index"], 1);
    let seen = changes
        .into_iter()
        .find(|change| change["rows"][0]["views"] == 2)
        .expect("both are counted");
    assert_eq!(seen["rows"][0]["visitors"], 1);
    let (code, stdout, out) = live.stop()?;
    assert_eq!(code, Some(0));
    assert_eq!(
        (
            of_summary(&stdout, "events"),
            of_summary(&stdout, "rejected")
        ),
        (2.0, 2.0)
    );
    let mut letters = letters_beside(&out.path().join(".state"));
    letters.sort_by_key(|letter| letter.event_time);
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert_eq!(letters[0].raw.as_deref(), Some("{\"bad\":1}"));
    assert_eq!(letters[1].event_time, Some("2099-01-01T00:00:00Z".parse()?));
    Ok(())
}

#[test]
fn an_address_that_is_taken_is_an_error_that_names_it() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let out = tempfile::tempdir()?;
    let ran = clickstream()
        .args(["--rate", "0", "--listen", &address, "--out"])
        .arg(out.path())
        .output()?;
    assert!(!ran.status.success());
    let told = String::from_utf8(ran.stderr)?;
    assert!(told.contains(&address), "{told}");
    Ok(())
}
