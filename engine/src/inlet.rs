//! Inlets: where events are pushed into a running pipeline from outside.
//!
//! A pulled source is asked for records by the worker that owns it. A pushed one has an [`Inlet`] at its other end, which
//! any thread may offer bytes to: the HTTP server does, and so can a test. Whoever offers is told what became of each of
//! their events once that is certain, which may be when a disk has done its part: so an offer is answered later, by a
//! call, and no thread waits for it.
//!
//! ```text
//!  admit(headers) ─▶ offer(headers, body, answer) ─▶ … ─▶ answer(receipt with a token) ─▶ seen(token): as of epoch e
//! ```

use std::collections::BTreeMap;
use std::sync::mpsc;

use crate::dead_letter::Trial;
use crate::epoch::Epoch;

/// The other end of a pushed source.
pub trait Inlet: Send + Sync + 'static {
    /// Looks whether a client that sends `headers` may push events at all, before any of its body is read.
    ///
    /// # Errors
    /// If not: [`Refusal::Unauthorized`], or [`Refusal::Stopping`], say.
    fn admit(&self, _headers: &Headers) -> Result<(), Refusal> {
        Ok(())
    }

    /// Takes the events of `offer`, and calls `answer` once, on any thread, when it is certain what became of them.
    ///
    /// An answer should be quick: it may be told by the thread that everyone's answers come from. It must neither wait for
    /// the inlet nor stop the run.
    fn offer(&self, offer: Offer, answer: Answer);

    /// Takes what became dead letters once more, all or none, each at most once by its key; calls `answer` once, when
    /// that is certain.
    fn send_again(&self, again: Vec<Again>, answer: AgainAnswer) {
        drop(again);
        answer(Err(Refusal::Unsupported {
            source_name: String::new(),
            what: "dead letters once more".into(),
        }));
    }

    /// The largest body it looks at, in bytes as they are sent.
    fn body_bytes_max(&self) -> usize;

    /// Takes nothing more from now on: every offer is refused as [`Refusal::Stopping`]. What was accepted is still polled.
    fn close(&self);

    /// The epoch that was the first to include everything up to `token`, once it is known: a view as of this epoch or a
    /// later one has seen it.
    ///
    /// # Errors
    /// If the token is none of this source's.
    fn seen(&self, token: &str) -> Result<Option<Epoch>, BadToken> {
        Err(BadToken {
            token: token.into(),
            reason: "its source gives none".into(),
        })
    }
}

impl dyn Inlet {
    /// Offers `body` without any header but `content_type`, and waits for the answer.
    ///
    /// # Errors
    /// If nothing of the body was taken.
    pub fn offer_and_wait(
        &self,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Receipt, Refusal> {
        let headers = content_type.map(|kind| ("content-type", kind));
        self.offer_with(headers.into_iter().collect(), body)
    }

    /// Offers `body` with `headers`, and waits for the answer.
    ///
    /// # Errors
    /// If nothing of the body was taken.
    ///
    /// # Panics
    /// If the inlet drops its answer, which it must not.
    pub fn offer_with(&self, headers: Headers, body: &[u8]) -> Result<Receipt, Refusal> {
        self.admit(&headers)?;
        let (answer, answered) = mpsc::channel();
        let offer = Offer {
            headers,
            body: body.to_vec(),
        };
        // Whoever answers after we are gone tells nobody.
        let answer = Box::new(move |result| drop(answer.send(result)));
        self.offer(offer, answer);
        answered.recv().expect("every offer is answered once")
    }
}

/// What a client sends.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// The headers that came with it.
    pub headers: Headers,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

/// What is called with what became of an offer.
pub type Answer = Box<dyn FnOnce(Result<Receipt, Refusal>) + Send>;

/// A dead letter that is sent once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// What tells it from all others, however often it is sent.
    pub key: String,
    /// The record as it came.
    pub raw: Vec<u8>,
    /// When it was first rejected, and how often so far.
    pub trial: Trial,
}

/// What is called with what became of dead letters that were sent again.
pub type AgainAnswer = Box<dyn FnOnce(Result<(), Refusal>) + Send>;

/// Headers as in HTTP: each name once, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// The value of `name`, which is in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them by name, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Headers {
    /// Of several with one name the values are joined by commas.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut joined = BTreeMap::new();
        for (name, value) in headers {
            let name = name.as_ref().to_ascii_lowercase();
            let value = value.into();
            joined
                .entry(name)
                .and_modify(|known: &mut String| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert(value);
        }
        Headers(joined)
    }
}

/// What became of the events of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// How many are good, and were taken now or when they were sent before.
    pub accepted: usize,
    /// How many of all had been taken before, good or not, and count once.
    pub duplicates: usize,
    /// How many are not, and are dead letters.
    pub rejected: usize,
    /// For the first hundred of these: index within the body, from 0, and the reason.
    pub errors: Vec<(usize, String)>,
    /// What a reader waits for to see all of them, if the source can tell.
    pub token: Option<String>,
}

/// A token that is none of a source's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{token:?} is no token that can be waited for: {reason}")]
pub struct BadToken {
    /// What was given.
    pub token: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why nothing of a body was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The client has not shown that it may push events.
    #[error("source {source_name:?} takes events only from those it knows: {reason}")]
    Unauthorized {
        /// The source that was tried.
        source_name: String,
        /// What is missing or wrong, without saying what would be right.
        reason: String,
        /// How a client shows who it is, as in the header `WWW-Authenticate`.
        challenge: String,
    },
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
        /// How large the body was, or how large it had become when it was given up.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// The body is encoded in a way, or of a type, that the source does not know.
    #[error("source {source_name:?} cannot read {what}")]
    Unsupported {
        /// The source that was tried.
        source_name: String,
        /// What it cannot read, and what it can.
        what: String,
    },
    /// The body is of no kind that the source understands.
    #[error("source {source_name:?} cannot read the body: {reason}")]
    Unreadable {
        /// The source that was tried.
        source_name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The events could not be kept; whether some of them were is not known.
    #[error("source {source_name:?} cannot keep events: {reason}")]
    Broken {
        /// The source that was tried.
        source_name: String,
        /// What went wrong.
        reason: String,
    },
    /// The run is ending and takes no more.
    #[error("source {source_name:?} takes no more events: the pipeline is stopping")]
    Stopping {
        /// The source that was tried.
        source_name: String,
    },
}
