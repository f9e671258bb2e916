//! A pipeline in this process that is served over HTTP.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::net::SocketAddr;

use millstream::engine::Running;
use millstream::prelude::*;
use millstream::queries::HttpService;
use serde_json::Value;

/// A pipeline that runs and is served on a free port.
pub(crate) struct Served {
    pub(crate) running: Running,
    address: SocketAddr,
}

impl Served {
    pub(crate) fn start(
        app: App,
        pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
    ) -> anyhow::Result<Served> {
        let http = HttpService::new("127.0.0.1:0");
        let address = http.address();
        let running = app.service(http).start(pipeline)?;
        while !running.run().is_ready() {
            std::thread::yield_now();
        }
        let address = *address.get().expect("it listens");
        Ok(Served { running, address })
    }

    /// Status and body of the answer to a `GET`.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        let request = ureq::get(format!("http://{}{path}", self.address));
        let request = request.config().http_status_as_error(false).build();
        let mut answer = request.call()?;
        Ok((answer.status().as_u16(), answer.body_mut().read_json()?))
    }

    /// Status and body of the answer to a `POST`.
    pub(crate) fn post(&self, path: &str, body: &str) -> anyhow::Result<(u16, Value)> {
        let request = ureq::post(format!("http://{}{path}", self.address));
        let request = request.config().http_status_as_error(false).build();
        let mut answer = request.send(body)?;
        Ok((answer.status().as_u16(), answer.body_mut().read_json()?))
    }

    /// Stops in order.
    pub(crate) fn stop(self) -> anyhow::Result<Report> {
        self.running.run().stop();
        Ok(self.running.wait()?)
    }
}
