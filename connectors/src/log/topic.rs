//! The topic: the handle that everyone works with.

use std::sync::{Arc, mpsc};
use std::thread::ThreadId;

use millstream_engine::{EventTime, Waker};

use super::error::LogError;
use super::inner::Inner;
use super::open::Cut;
use super::reader::Reader;
use super::record::{Appended, NewRecord};
use super::shelf::Subscription;
use super::walk::Walk;
use super::writer::{Lock, Writer};

/// An open event log; a clone is the same one. When the last is dropped, it is closed.
///
/// # Examples
/// ```
/// use millstream_connectors::{NewRecord, Topic, TopicSettings};
/// let dir = tempfile::tempdir()?;
/// let topic = Topic::open(dir.path(), TopicSettings::new())?;
/// let appended = topic.append_and_wait(vec![NewRecord::new("first").id("a"), NewRecord::new("second")])?;
/// assert_eq!(appended.ends, [(0, 2)]);
/// assert_eq!(topic.append_and_wait(vec![NewRecord::new("first").id("a")])?.duplicates, 1);
///
/// let mut reader = topic.read(0, topic.start(0));
/// let first = reader.next()?.expect("it was appended");
/// assert_eq!((first.offset, first.id, first.payload), (0, &b"a"[..], &b"first"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Topic(Arc<Handle>);

/// Closes the topic when it is dropped.
struct Handle {
    inner: Arc<Inner>,
    writer: ThreadId,
}

impl Topic {
    /// What tells this topic from all others; made when it was.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.inner.id()
    }

    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.0.inner.settings.partitions
    }

    /// Where it is, for people: a path, mostly.
    #[must_use]
    pub fn place(&self) -> String {
        self.0.inner.place.clone()
    }

    /// What was cut off when it was opened, because it was being written in a crash.
    #[must_use]
    pub fn cuts(&self) -> &[Cut] {
        self.0.inner.cuts()
    }

    /// Appends `records` and has `then` called once, with what became of all of them.
    ///
    /// It is called on the writer's thread when they, and the originals of duplicates, are durable under the topic's policy
    /// or can never be; and on this thread, before this returns, if they are refused: [`LogError::Full`],
    /// [`LogError::TooLarge`], [`LogError::Closed`] or what ended the writing before. Refused records are not appended, none
    /// of a call. `then` should be quick, and must not wait for the topic.
    ///
    /// The records of one partition stand there in the order of the call, with nothing of another call in between.
    pub fn append(
        &self,
        records: Vec<NewRecord>,
        then: impl FnOnce(Result<Appended, LogError>) + Send + 'static,
    ) {
        self.0.inner.append(records, Box::new(then));
    }

    /// Appends `records` and waits until they are durable under the topic's policy.
    ///
    /// # Errors
    /// Those of [`append`](Self::append).
    ///
    /// # Panics
    /// Never by itself; it waits forever if it is called where an answer of this topic is being told.
    pub fn append_and_wait(&self, records: Vec<NewRecord>) -> Result<Appended, LogError> {
        let (answer, answered) = mpsc::channel();
        self.append(records, move |result| drop(answer.send(result)));
        let answered = answered.recv();
        answered.unwrap_or_else(|_| Err(self.0.inner.failure_or_closed()))
    }

    /// The first offset of `partition` that cannot be read yet.
    ///
    /// # Panics
    /// If there is no such partition; the same is true of what follows where no error is given.
    #[must_use]
    pub fn end(&self, partition: u32) -> u64 {
        self.0.inner.known(partition).shelf.look().end
    }

    /// The offset that the next record in `partition` will have: from the end to here, records wait for the disk.
    #[must_use]
    pub fn appended(&self, partition: u32) -> u64 {
        self.0.inner.known(partition).tail().next()
    }

    /// Checks that `partition` has come to `offset`, which somebody says that it had.
    pub(crate) fn check_reached(&self, partition: u32, offset: u64) -> Result<(), LogError> {
        let end = self.appended(partition);
        match offset > end {
            true => Err(self.0.inner.beyond_end(partition, offset, end)),
            false => Ok(()),
        }
    }

    /// The first offset of `partition` that is kept.
    #[must_use]
    pub fn start(&self, partition: u32) -> u64 {
        self.0.inner.known(partition).shelf.look().start
    }

    /// The first record of `partition` that was appended at `time` or later, or the end if there is none.
    ///
    /// # Errors
    /// If there is no such partition, or it cannot be read.
    pub fn offset_at(&self, partition: u32, time: EventTime) -> Result<u64, LogError> {
        let sequence = self.0.inner.sequence(partition)?;
        let on_shelf = sequence.shelf.look();
        let time = time.micros();
        let mut segments = on_shelf.segments.iter();
        let Some(segment) = segments.find(|segment| segment.last_time >= time) else {
            return Ok(on_shelf.end);
        };
        let (id, length) = (segment.id, segment.length);
        let mut walk = Walk::new(sequence.format.clone(), id, segment.entry_before(time));
        drop(on_shelf);
        loop {
            match walk.next(length) {
                Ok(Some(frame)) if frame.time >= time => return Ok(frame.offset),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(walk.next_offset()),
                Err(stop) => return Err(stop.error()),
            }
        }
    }

    /// A reader of `partition` that begins at offset `from`, independent of all others.
    #[must_use]
    pub fn read(&self, partition: u32, from: u64) -> Reader {
        let inner = Arc::clone(&self.0.inner);
        inner.known(partition);
        Reader::new(inner, partition, from)
    }

    /// Has `waker` called whenever more of `partition` can be read, and when there will be no more, until what this gives
    /// is dropped.
    pub fn on_readable(&self, partition: u32, waker: Waker) -> Subscription {
        self.0.inner.known(partition).shelf.subscribe(waker)
    }

    /// `reader` has read everything before `offset` of `partition` for good. The first time it is registered, in all
    /// partitions: what it has not read is kept.
    ///
    /// # Errors
    /// [`LogError::NoPartition`], [`LogError::BeyondEnd`], or what ended the writing.
    pub fn commit(&self, reader: &str, partition: u32, offset: u64) -> Result<(), LogError> {
        self.0.inner.commit(reader, partition, offset)
    }

    /// How far `reader` has read `partition` for good, if it is registered.
    #[must_use]
    pub fn committed(&self, reader: &str, partition: u32) -> Option<u64> {
        self.0.inner.committed(reader, partition)
    }

    /// The names of all registered readers.
    #[must_use]
    pub fn readers(&self) -> Vec<String> {
        self.0.inner.reader_names()
    }

    /// Nothing is kept for `reader` any more; gives whether it was registered.
    ///
    /// # Errors
    /// What ended the writing.
    pub fn forget_reader(&self, reader: &str) -> Result<bool, LogError> {
        self.0.inner.forget_reader(reader)
    }

    /// What ended the writing, if anything has.
    #[must_use]
    pub fn failure(&self) -> Option<LogError> {
        self.0.inner.failure()
    }

    /// Takes nothing more, waits for what was appended, and leaves everything in order. What can be read stays so.
    ///
    /// # Errors
    /// What ended the writing, if anything has.
    pub fn close(&self) -> Result<(), LogError> {
        self.0.close();
        match self.failure() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Starts the writer.
    pub(super) fn written_by_a_thread(inner: Inner, lock: Option<Lock>) -> Result<Self, LogError> {
        let inner = Arc::new(inner);
        let writer = Writer::new(Arc::clone(&inner), lock);
        let started = std::thread::Builder::new()
            .name("topic writer".into())
            .spawn(move || writer.run());
        let place = inner.place.clone();
        let writer = started.map_err(LogError::write("start the writer of", place))?;
        let writer = writer.thread().id();
        Ok(Topic(Arc::new(Handle { inner, writer })))
    }
}

impl std::fmt::Debug for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Topic").field(&self.0.inner.place).finish()
    }
}

impl Handle {
    fn close(&self) {
        self.inner.queue.close();
        // The last handle may be dropped by whom the writer tells something.
        if std::thread::current().id() != self.writer {
            self.inner.queue.wait_for_end();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
