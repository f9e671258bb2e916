//! Signals: Ctrl-C and SIGTERM stop a run in order; a second one ends the process at once.

use std::thread::JoinHandle;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Incoming};

use crate::error::{Error, Result};

/// The exit code of a process that was interrupted: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Listens for signals until it is dropped.
pub(crate) struct Signals {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    /// Calls `stop` at the first signal and exits the process at the second.
    pub(crate) fn stop(stop: impl Fn() + Send + 'static) -> Result<Self> {
        let cannot = |source: std::io::Error| Error::Service {
            service: "signals".into(),
            source: source.into(),
        };
        let mut incoming = Incoming::new([SIGINT, SIGTERM]).map_err(cannot)?;
        let handle = incoming.handle();
        let listen = move || {
            for (n, _signal) in incoming.forever().enumerate() {
                if n > 0 {
                    std::process::exit(INTERRUPTED);
                }
                tracing::info!(
                    "stopping: finishing the epochs in flight; once more to exit at once"
                );
                stop();
            }
        };
        let thread = std::thread::Builder::new()
            .name("signals".into())
            .spawn(listen)
            .map_err(cannot)?;
        Ok(Signals {
            handle,
            thread: Some(thread),
        })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It holds nothing; if it panicked there is nothing to add.
            let _ = thread.join();
        }
    }
}
