//! The HTTP server: a [`Service`] beside a pipeline.
//!
//! ```text
//!  thread "http"  ── runtime of two threads ── axum ── handlers ──▶ Reading (views, status, inlets)
//!                                                └── followers of views, one task each
//! ```
//!
//! It runs on threads of its own, so that a pipeline needs no async runtime and no request ever holds up a worker.
//! With no client connected nothing ticks: no timer, no poll.

mod after;
mod bodies;
mod changes;
mod dashboard;
mod frame;
mod health;
mod letters;
mod metrics;
mod origins;
mod pipeline;
mod routes;
mod sources;
mod state;
mod views;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use millstream_engine::{BoxError, Run, Service};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::reading::Reading;
use origins::Allowed;
use sources::{Door, DoorSettings};
use state::State;

/// How long answers in flight may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// Why the HTTP server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The text is no address.
    #[error("cannot listen on {address:?}: {source}: take host and port, such as 127.0.0.1:8080")]
    BadAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "cannot listen on {address}: it is taken: listen on another port, or on port 0 for any"
    )]
    Taken {
        /// The address.
        address: SocketAddr,
    },
    /// The system does not let us.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// There are no threads to be had.
    #[error("cannot start the threads of the HTTP server: {source}")]
    Threads {
        /// What the system said.
        source: io::Error,
    },
    /// Web pages of something that is no origin cannot be let in.
    #[error(
        "cannot allow the origin {origin:?}: {reason}: take scheme and host, such as https://shop.example, or * for all"
    )]
    BadOrigin {
        /// What was given.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server was started before and not stopped.
    #[error("the HTTP server is running already: stop it first")]
    Running,
}

/// Views, metrics and the dashboard of a pipeline over HTTP, and events into it.
///
/// # Examples
/// ```
/// use millstream_queries::HttpService;
/// let service = HttpService::new("127.0.0.1:0");
/// let address = service.address();
/// assert_eq!(address.get(), None); // Known once the service is started.
/// ```
pub struct HttpService {
    address: String,
    or_free_port: bool,
    origins: Vec<String>,
    door: DoorSettings,
    bound: Arc<OnceLock<SocketAddr>>,
    serving: Option<Serving>,
}

struct Serving {
    ending: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl HttpService {
    /// A server that will listen on `address`, host and port; port 0 takes any free one.
    pub fn new(address: impl Into<String>) -> Self {
        let (address, bound) = (address.into(), Arc::default());
        HttpService {
            address,
            or_free_port: false,
            origins: Vec::new(),
            door: DoorSettings::default(),
            bound,
            serving: None,
        }
    }

    /// Takes a free port of the same host, and says so in the log, if the address is taken.
    ///
    /// For an address that nobody chose: who asked for a port wants that one or an error.
    #[must_use]
    pub fn or_free_port(mut self) -> Self {
        self.or_free_port = true;
        self
    }

    /// Lets web pages of `origin` push events and read views, their changes and the state of the pipeline.
    ///
    /// An origin is scheme, host and port, such as `https://shop.example`; `*` lets the pages of all in. May be said several
    /// times; if it is not, browsers keep pages of other origins from reading, and the server refuses what they post. What is no origin is an error when the server starts.
    ///
    /// # Examples
    /// ```
    /// use millstream_queries::HttpService;
    /// let service = HttpService::new("127.0.0.1:0")
    ///     .allow_origin("https://shop.example")
    ///     .allow_origin("http://localhost:3000");
    /// ```
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Waits up to `time` for the body of a request to arrive, 30 s if not said otherwise; a slower one is answered 408.
    #[must_use]
    pub fn body_within(mut self, time: Duration) -> Self {
        self.door.body_within = time;
        self
    }

    /// Holds up to `bytes` of bodies at once, of all requests together and as they were sent, 256 MiB if not said otherwise.
    ///
    /// A body for which there is no room waits for others to be done, for a tenth of the time it may take to arrive, and is
    /// answered 429 then; one that is larger than all of it is answered 413.
    #[must_use]
    pub fn bodies_bytes_max(mut self, bytes: usize) -> Self {
        self.door.bodies_bytes_max = bytes;
        self
    }

    /// Where the server listens, for whoever asks after it was started.
    #[must_use]
    pub fn address(&self) -> Arc<OnceLock<SocketAddr>> {
        Arc::clone(&self.bound)
    }

    /// Listens, and serves `reading` until [`stop`](Service::stop).
    ///
    /// # Errors
    /// If the address is bad or taken, an origin is none, or there are no threads to be had.
    pub fn serve(&mut self, reading: Arc<dyn Reading>) -> Result<(), ServeError> {
        if self.serving.is_some() {
            return Err(ServeError::Running);
        }
        let origins = Allowed::of(&self.origins)?;
        let listener = self.listen()?;
        let address = listener.local_addr();
        listener
            .set_nonblocking(true)
            .map_err(|source| ServeError::Threads { source })?;
        let runtime = runtime().map_err(|source| ServeError::Threads { source })?;
        let ending = watch::Sender::new(false);
        let state = Arc::new(State::new(reading, ending.clone()));
        let door = Door::new(Arc::clone(&state), self.door);
        let routes = routes::routes(Arc::clone(&state), door, origins);
        let thread = std::thread::Builder::new()
            .name("http".into())
            .spawn(move || run(runtime, listener, state, routes))
            .map_err(|source| ServeError::Threads { source })?;
        self.serving = Some(Serving { ending, thread });
        if let Ok(address) = address {
            tracing::info!("listening on http://{address}");
            let _ = self.bound.set(address);
        }
        Ok(())
    }

    fn listen(&self) -> Result<TcpListener, ServeError> {
        let bad = |source| ServeError::BadAddress {
            address: self.address.clone(),
            source,
        };
        let mut addresses = self.address.to_socket_addrs().map_err(bad)?;
        let none = || {
            bad(io::Error::new(
                io::ErrorKind::NotFound,
                "there is no such host",
            ))
        };
        let address = addresses.next().ok_or_else(none)?;
        match TcpListener::bind(address) {
            Ok(listener) => Ok(listener),
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => Err(ServeError::Listen {
                address,
                source: error,
            }),
            Err(_) if self.or_free_port => {
                tracing::warn!("{address} is taken, so a free port is used instead");
                let free = SocketAddr::new(address.ip(), 0);
                TcpListener::bind(free).map_err(|source| ServeError::Listen {
                    address: free,
                    source,
                })
            }
            Err(_) => Err(ServeError::Taken { address }),
        }
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(32)
        .thread_name("http")
        .enable_io()
        .enable_time()
        .build()
}

/// Serves until the end; on the server's own thread.
fn run(runtime: Runtime, listener: TcpListener, state: Arc<State>, routes: Router) {
    let mut ending = state.ending.subscribe();
    let mut ended = ending.clone();
    let served = async move {
        tokio::spawn(state.pass_on_news());
        // An event must not wait in the socket for the one after it.
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection stays with delayed sending");
            }
        });
        let served = axum::serve(listener, routes);
        let graceful = served.with_graceful_shutdown(async move {
            let _ = ending.wait_for(|ending| *ending).await;
        });
        graceful.await
    };
    let patience_ends = async move {
        let _ = ended.wait_for(|ended| *ended).await;
        tokio::time::sleep(FAREWELL).await;
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            served = served => served,
            () = patience_ends => Ok(()),
        }
    });
    if let Err(error) = outcome {
        tracing::error!(%error, "the HTTP server broke off");
    }
    // Not longer, even if an inlet or an answer takes its time.
    runtime.shutdown_timeout(Duration::from_secs(1));
}

impl Service for HttpService {
    fn name(&self) -> String {
        "HTTP server".into()
    }

    fn start(&mut self, run: &Run) -> Result<(), BoxError> {
        Ok(self.serve(Arc::new(run.clone()))?)
    }

    fn stop(&mut self) {
        let Some(Serving { ending, thread }) = self.serving.take() else {
            return;
        };
        ending.send_replace(true);
        if thread.join().is_err() {
            tracing::error!("the HTTP server's thread panicked");
        }
    }
}

impl Drop for HttpService {
    fn drop(&mut self) {
        self.stop();
    }
}
