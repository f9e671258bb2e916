//! The front: what stands between the threads that bring events and the log that keeps them.
//!
//! ```text
//!  any thread                                          the log's thread         a worker
//!  offer ─▶ read: split, decode ─▶ room? ─▶ append ─▶ … durable ─▶ answer       LogPartition ─▶ intake
//!                                    ▲                             (token)            │
//!                                    └── how far ahead of the pipeline ◀── progress ──┘
//! ```
//!
//! One front is shared by the inlet and the partitions of a source, which meet at its topic. The topic is opened by
//! whoever comes first once the run has begun: in the state of the run, or in memory if that keeps none.
//!
//! *Invariants*: what is acknowledged is durable as the topic's policy says. Once closed, nothing more is appended, and
//! what was appended before is written; in memory, it can be read.

mod formats;
mod inlet;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use millstream_engine::{
    Ack, BoxError, Offer, Position, Receipt, Refusal, Registry, SourceContext, StatePlace,
    WallClock,
};

use super::events::{self, Arrived};
use super::keeping::Settings;
use super::token::Token;
use crate::format::Decode;
use crate::log::partition::{offset_of, reader_name};
use crate::log::{LogError, NewRecord, Progress, RecordHeaders, Topic};
use formats::Formats;

/// How many rejected events a receipt tells of.
const ERRORS_TOLD_MAX: usize = 100;

/// When a client whose body was refused is to come again: the pipeline works off as much in less.
const RETRY_AFTER_SECONDS: u32 = 1;

/// The front of one collector, shared by all who push and all who pull.
pub(super) struct Front<F> {
    source: String,
    run: String,
    reader: String,
    formats: Formats<F>,
    settings: Settings,
    place: StatePlace,
    clock: Arc<dyn WallClock>,
    registry: Weak<Registry>,
    topic: Mutex<Option<Topic>>,
    progress: Arc<Progress>,
    /// Bytes of events that were appended in this run.
    n_bytes: Arc<AtomicU64>,
    is_closed: RwLock<bool>,
}

impl<F: Decode> Front<F> {
    pub(super) fn new(
        cx: &SourceContext,
        format: F,
        settings: Settings,
        progress: Arc<Progress>,
    ) -> Self {
        Front {
            source: cx.name.clone(),
            run: cx.run.clone(),
            reader: reader_name(cx),
            formats: Formats::new(format),
            settings,
            place: cx.place.clone(),
            clock: Arc::clone(&cx.clock),
            registry: Arc::downgrade(&cx.registry),
            topic: Mutex::default(),
            progress,
            n_bytes: Arc::default(),
            is_closed: RwLock::new(false),
        }
    }

    /// The topic, opened by the first who asks.
    pub(super) fn topic(&self) -> Result<Topic, BoxError> {
        let mut topic = self.topic.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*topic {
            return Ok(open.clone());
        }
        let names = (&*self.source, &*self.reader);
        let keeping = &self.settings.keeping;
        let opened = keeping.open(names, &self.place, &self.registry)?;
        // Or what nobody has read yet could be gone before anyone does.
        if opened.committed(&self.reader, 0).is_none() {
            opened.commit(&self.reader, 0, opened.start(0))?;
        }
        *topic = Some(opened.clone());
        Ok(opened)
    }

    fn stopping(&self) -> Refusal {
        let source_name = self.source.clone();
        Refusal::Stopping { source_name }
    }

    fn broken(&self, error: &BoxError) -> Refusal {
        Refusal::Broken {
            source_name: self.source.clone(),
            reason: error.to_string(),
        }
    }

    /// Looks whether the pipeline is near enough behind the log.
    fn check_room(&self, topic: &Topic) -> Result<(), Refusal> {
        let ahead = (0..topic.partitions()).map(|partition| {
            let read = self.progress.read_up_to(partition);
            topic
                .appended(partition)
                .saturating_sub(read.unwrap_or(u64::MAX))
        });
        let unread = self.n_bytes.load(Ordering::Relaxed);
        let unread = unread.saturating_sub(self.progress.bytes_read());
        if ahead.sum::<u64>() < self.settings.ahead_events && unread < self.settings.ahead_bytes {
            return Ok(());
        }
        Err(Refusal::Full {
            source_name: self.source.clone(),
            retry_after_seconds: RETRY_AFTER_SECONDS,
        })
    }

    /// What is to be appended, and what will be answered if it can be.
    fn read(&self, offer: Offer) -> Result<(Topic, Vec<NewRecord>, Receipt), Refusal> {
        // A log that is not open yet is not opened for a run that is over.
        if *self
            .is_closed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
        {
            return Err(self.stopping());
        }
        let topic = self.topic().map_err(|error| self.broken(&error))?;
        self.check_room(&topic)?;
        let mut format = self.formats.take();
        let arrived = events::read(offer, &mut format, &self.settings.limits, self.clock.now());
        self.formats.put_back(format);
        let arrived = arrived.map_err(|error| error.refusal(&self.source))?;
        let mut receipt = Receipt::default();
        let mut records = Vec::with_capacity(arrived.len());
        for (index, Arrived { id, what }) in arrived.into_iter().enumerate() {
            let record = match what {
                Ok(payload) => {
                    receipt.accepted += 1;
                    NewRecord::new(payload)
                }
                Err(refused) => {
                    receipt.rejected += 1;
                    let headers = RecordHeaders {
                        refused: Some(refused.reason.clone()),
                        bytes: refused.bytes,
                        ..RecordHeaders::default()
                    };
                    if receipt.errors.len() < ERRORS_TOLD_MAX {
                        receipt.errors.push((index, refused.reason));
                    }
                    NewRecord::new(refused.raw).headers(headers.to_json())
                }
            };
            records.push(record.id(id));
        }
        Ok((topic, records, receipt))
    }

    /// Appends unless the front is closed; `then` is called in any case.
    fn append(
        &self,
        topic: &Topic,
        records: Vec<NewRecord>,
        then: impl FnOnce(Result<Appendix, Refusal>) + Send + 'static,
    ) {
        let is_closed = self
            .is_closed
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if *is_closed {
            drop(is_closed);
            return then(Err(self.stopping()));
        }
        let (source_name, topic_id) = (self.source.clone(), Token::log_of(topic.id()));
        let n_bytes = Arc::clone(&self.n_bytes);
        topic.append(records, move |appended| {
            then(match appended {
                Ok(appended) => {
                    n_bytes.fetch_add(appended.payload_bytes, Ordering::Relaxed);
                    Ok(Appendix {
                        duplicates: appended.duplicates,
                        token: Token {
                            source: source_name,
                            log: topic_id,
                            ends: appended.ends,
                        },
                    })
                }
                Err(error) => Err(refusal(source_name, &error)),
            });
        });
    }
}

/// What became of what was appended.
struct Appendix {
    duplicates: usize,
    token: Token,
}

/// What a client is told of an error of the log.
fn refusal(source_name: String, error: &LogError) -> Refusal {
    match error {
        LogError::Full { .. } => Refusal::Full {
            source_name,
            retry_after_seconds: RETRY_AFTER_SECONDS,
        },
        LogError::Closed { .. } => Refusal::Stopping { source_name },
        error => Refusal::Broken {
            source_name,
            reason: error.to_string(),
        },
    }
}

impl<F: Decode> Ack for Front<F> {
    fn ack(&self, partition: u32, position: &Position) -> Result<(), BoxError> {
        let offset = offset_of(&self.source, position)?;
        Ok(self.topic()?.commit(&self.reader, partition, offset)?)
    }
}
