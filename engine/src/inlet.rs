//! Inlets: where events are pushed into a running pipeline from outside.
//!
//! A pulled source is asked for records by the worker that owns it. A pushed one has an [`Inlet`] at its other end, which
//! any thread may offer bytes to: the HTTP server does, and so can a test. The inlet decodes at once, so that whoever
//! offers is told which of their events were refused and why; what it accepts goes through a bounded queue to the worker.

/// The other end of a pushed source.
pub trait Inlet: Send + Sync + 'static {
    /// Takes the events in `body`; `content_type` is as in HTTP, if it was given.
    ///
    /// # Errors
    /// If nothing of the body was taken: see [`Refusal`].
    fn offer(&self, content_type: Option<&str>, body: &[u8]) -> Result<Receipt, Refusal>;

    /// The largest body it looks at, in bytes.
    fn body_bytes_max(&self) -> usize;

    /// Takes nothing more from now on: every offer is refused as [`Refusal::Stopping`]. What was accepted is still polled.
    fn close(&self);
}

/// What became of the events of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// How many were taken.
    pub accepted: usize,
    /// How many were not, and are dead letters.
    pub rejected: usize,
    /// For the first hundred of these: index within the body, from 0, and the reason.
    pub errors: Vec<(usize, String)>,
}

/// Why nothing of a body was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The pipeline is behind: try again later.
    #[error(
        "source {source_name:?} is full: the pipeline is behind, try again in {retry_after_seconds} s"
    )]
    Full {
        /// The source that was tried.
        source_name: String,
        /// A guess at when there will be room.
        retry_after_seconds: u32,
    },
    /// The body is larger than the inlet looks at.
    #[error(
        "the body has {bytes} bytes, more than the {bytes_max} that source {source_name:?} takes at once"
    )]
    TooLarge {
        /// The source that was tried.
        source_name: String,
        /// How large the body was.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// The body is of no kind that the source understands.
    #[error("source {source_name:?} cannot read the body: {reason}")]
    Unreadable {
        /// The source that was tried.
        source_name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The run is ending and takes no more.
    #[error("source {source_name:?} takes no more events: the pipeline is stopping")]
    Stopping {
        /// The source that was tried.
        source_name: String,
    },
}
