//! The queue between the threads that offer events and the worker that takes them in.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use millstream_engine::{Refusal, Waker};

/// How many bytes of events wait at most, whatever their number; a body that finds the queue empty is always taken.
const QUEUE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// When a client whose body was refused is to come again: the queue is worked off in far less.
const RETRY_AFTER_SECONDS: u32 = 1;

/// An event as it came, and what became of it.
pub(super) struct Entry<T> {
    /// A part of the body, which all its events share.
    pub(super) raw: Bytes,
    pub(super) decoded: Result<T, String>,
}

/// Events that were decoded and wait for the worker.
pub(super) struct Queue<T> {
    source: String,
    events_max: usize,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    entries: VecDeque<Entry<T>>,
    n_bytes: usize,
    waker: Option<Waker>,
    is_closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(source: String, events_max: usize) -> Self {
        let inner = Inner {
            entries: VecDeque::new(),
            n_bytes: 0,
            waker: None,
            is_closed: false,
        };
        Queue {
            source,
            events_max,
            inner: Mutex::new(inner),
        }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether there might be room: so that an overload costs no decoding.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        self.with(|inner| self.room_for(inner, 1, 1))
    }

    /// Takes all entries or none.
    pub(super) fn push(&self, entries: Vec<Entry<T>>) -> Result<(), Refusal> {
        let n_bytes = entries.iter().map(|entry| entry.raw.len()).sum();
        let waker = self.with(|inner| {
            self.room_for(inner, entries.len(), n_bytes)?;
            inner.entries.extend(entries);
            inner.n_bytes += n_bytes;
            Ok(inner.waker.clone())
        })?;
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Moves up to `n` entries into `taken`; whether there are more.
    pub(super) fn take(&self, n: usize, taken: &mut VecDeque<Entry<T>>) -> bool {
        self.with(|inner| {
            let n = n.min(inner.entries.len());
            for entry in inner.entries.drain(..n) {
                inner.n_bytes -= entry.raw.len();
                taken.push_back(entry);
            }
            !inner.entries.is_empty()
        })
    }

    /// Has `waker` called whenever something is pushed, from now on.
    pub(super) fn open(&self, waker: Waker) {
        self.with(|inner| {
            inner.waker = Some(waker);
            inner.is_closed = false;
        });
    }

    /// Takes nothing more; what is in it can still be taken.
    pub(super) fn refuse(&self) {
        self.with(|inner| inner.is_closed = true);
    }

    /// Takes nothing more; gives how many entries nobody took.
    pub(super) fn close(&self) -> usize {
        self.with(|inner| {
            inner.waker = None;
            inner.is_closed = true;
            inner.entries.len()
        })
    }

    fn room_for(&self, inner: &Inner<T>, n_events: usize, n_bytes: usize) -> Result<(), Refusal> {
        let source_name = self.source.clone();
        if inner.is_closed {
            return Err(Refusal::Stopping { source_name });
        }
        let is_over = inner.entries.len() + n_events > self.events_max;
        let is_heavy = inner.n_bytes > 0 && inner.n_bytes + n_bytes > QUEUE_BYTES_MAX;
        if is_over || is_heavy {
            return Err(Refusal::Full {
                source_name,
                retry_after_seconds: RETRY_AFTER_SECONDS,
            });
        }
        Ok(())
    }

    fn with<R>(&self, work: impl FnOnce(&mut Inner<T>) -> R) -> R {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
