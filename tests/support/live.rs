//! The main job live, and what it answers.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::job::clickstream;
use crate::process::{PATIENCE, Process};

/// The main job, served on a free port.
pub(crate) struct Live {
    pub(crate) process: Process,
    address: String,
}

impl Live {
    /// Starts it, and waits until it serves.
    pub(crate) fn start(out: &Path, workers: usize, flags: &[&str]) -> anyhow::Result<Live> {
        let mut command = clickstream();
        command
            .args(["--listen", "127.0.0.1:0", "--snapshot-every", "100"])
            .args(["--workers", &workers.to_string(), "--out"])
            .arg(out)
            .args(flags);
        let mut process = Process::start(&mut command)?;
        let line = process.wait_for("dashboard: http://");
        let address = line.split("http://").nth(1).expect("an address");
        Ok(Live {
            process,
            address: address.trim_end_matches('/').to_owned(),
        })
    }

    /// What it answers, whatever the status.
    fn answer(&self, path: &str) -> anyhow::Result<ureq::http::Response<ureq::Body>> {
        let request = ureq::get(format!("http://{}{path}", self.address));
        let request = request.config().http_status_as_error(false).build();
        Ok(request.call()?)
    }

    /// Where it listens: host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let mut answer = self.answer(path)?;
        anyhow::ensure!(answer.status() == 200, "{path}: {answer:?}");
        Ok(answer.body_mut().read_json()?)
    }

    /// Asks for `path` until what is answered `is_so`.
    pub(crate) fn get_until(
        &mut self,
        path: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path)?;
            if is_so(&answer) {
                return Ok(answer);
            }
            anyhow::ensure!(Instant::now() < until, "{path} stays {answer}");
            anyhow::ensure!(self.process.runs_for(Duration::from_millis(20)), "it ended");
        }
    }

    /// Asks whether it is ready until it is.
    pub(crate) fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        loop {
            match self.answer("/readyz")?.status().as_u16() {
                200 => return Ok(()),
                503 => {}
                other => anyhow::bail!("/readyz answers {other}"),
            }
            anyhow::ensure!(self.process.runs_for(Duration::from_millis(1)), "it ended");
        }
    }

    /// Posts page views of `url`, one at each of these times; gives the token.
    pub(crate) fn post(&self, url: &str, times: &[String]) -> anyhow::Result<String> {
        let view = |time: &String| {
            json!({"timestamp": time, "data": {"userId": time, "sessionId": "s", "url": url, "referrer": null,
                "country": "NZ", "device": "phone", "durationMs": 12}})
        };
        let views: Vec<Value> = times.iter().map(view).collect();
        let mut answer = ureq::post(format!("http://{}/v1/sources/page_views", self.address))
            .header("content-type", "application/json")
            .send(serde_json::to_string(&views)?)?;
        let answer: Value = answer.body_mut().read_json()?;
        anyhow::ensure!(answer["accepted"] == times.len(), "{answer}");
        Ok(answer["token"].as_str().unwrap_or_default().to_owned())
    }
}
