//! Opening a topic: it is made if it is not there, and brought into order if it was not left in order.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use millstream_engine::{LocalStore, Store};
use serde::{Deserialize, Serialize};

use super::checked_file::{CheckedFile, UNFINISHED};
use super::error::LogError;
use super::frame;
use super::ids::Window;
use super::inner::Inner;
use super::readers::{READERS, Readers};
use super::recover::Files;
use super::segment::SegmentId;
use super::sequence::Sequence;
use super::settings::{Retention, TopicSettings};
use super::shelf::Shelf;
use super::tail::Tail;
use super::topic::Topic;
use super::walk::Format;
use super::writer::Lock;

/// What says that a store is a topic.
const TOPIC: CheckedFile = CheckedFile("topic");

/// What was cut off the end of a partition when it was opened: nobody had been told that it was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The partition.
    pub partition: u32,
    /// The file.
    pub segment: String,
    /// How many bytes.
    pub bytes: u64,
}

/// What a topic is.
#[derive(Serialize, Deserialize)]
struct TopicFile {
    /// 32 hexadecimal digits, made up when the topic was.
    id: String,
    partitions: u32,
    /// When it was made, in microseconds since 1970 UTC.
    created: i64,
}

impl TopicFile {
    fn new(settings: &TopicSettings) -> Self {
        // The standard library's hash maps are seeded by the system, anew for each of these.
        let random = || RandomState::new().build_hasher().finish();
        TopicFile {
            id: format!("{:016x}{:016x}", random(), random()),
            partitions: settings.partitions,
            created: settings.clock.now().micros(),
        }
    }

    fn id_bytes(&self) -> Option<[u8; 16]> {
        let is_id = self.id.len() == 32 && self.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = is_id.then(|| u128::from_str_radix(&self.id, 16).ok())??;
        Some(id.to_be_bytes())
    }
}

impl Topic {
    /// Opens the topic in the directory `dir`, which is made if it is not there; nobody else can until it is closed.
    ///
    /// # Errors
    /// [`LogError::InUse`], [`LogError::OtherPartitions`], [`LogError::Damaged`], or what the system said.
    pub fn open(dir: impl AsRef<Path>, settings: TopicSettings) -> Result<Self, LogError> {
        let store = LocalStore::open(dir);
        let store = store.map_err(|error| LogError::Directory(Arc::new(error)))?;
        let lock = store.lock().map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => LogError::InUse {
                place: place_of(&store),
            },
            _ => LogError::write("lock", place_of(&store))(error),
        })?;
        Self::open_locked(Arc::new(store), settings, Some(lock))
    }

    /// Opens the topic that is in the directory `dir` in as many partitions as it has, and removes nothing of it however old
    /// it is: to look into it.
    ///
    /// # Errors
    /// [`LogError::NoTopic`] if there is none, and those of [`open`](Self::open).
    pub fn open_existing(dir: impl AsRef<Path>) -> Result<Self, LogError> {
        let place = dir.as_ref().display().to_string();
        let missing = || LogError::NoTopic { place };
        // Opening a store makes its directory.
        if !dir.as_ref().join(TOPIC.0).is_file() {
            return Err(missing());
        }
        let store = LocalStore::open(&dir).map_err(|error| LogError::Directory(Arc::new(error)))?;
        let found: Option<TopicFile> = TOPIC.read(&store, &[TOPIC.0.to_owned()])?;
        let partitions = found.ok_or_else(missing)?.partitions;
        let all = Retention {
            bytes: u64::MAX,
            age: Duration::MAX,
            ignore_readers: false,
        };
        let settings = TopicSettings::new().partitions(partitions).retention(all);
        Self::open(dir, settings)
    }

    /// Opens the topic in `store`, of which the caller sees to it that nobody else writes to it.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_in(store: Arc<dyn Store>, settings: TopicSettings) -> Result<Self, LogError> {
        Self::open_locked(store, settings, None)
    }

    fn open_locked(
        store: Arc<dyn Store>,
        settings: TopicSettings,
        lock: Option<Lock>,
    ) -> Result<Self, LogError> {
        let inner = Inner::open(store, settings)?;
        inner.retain()?;
        Topic::written_by_a_thread(inner, lock)
    }
}

impl Inner {
    fn open(store: Arc<dyn Store>, settings: TopicSettings) -> Result<Self, LogError> {
        let place = place_of(&*store);
        if let Some(reason) = settings.mistake() {
            return Err(LogError::BadSetting { place, reason });
        }
        let names = finished_names(&*store)?;
        let (topic, topic_id) = open_topic_file(&store, &names, &settings)?;
        let readers = READERS.read::<Readers>(&*store, &names)?;
        let readers = readers.unwrap_or_default().fit(settings.partitions);
        let readers = readers.ok_or_else(|| LogError::DamagedFile {
            place: store.place(READERS.0),
            reason: "it is of another number of partitions".into(),
        })?;
        let files = files(&*store, &names, &settings)?;
        let window = Window::new(settings.ids_for, settings.ids_max_of_partition());
        let (mut sequences, mut cuts) = (Vec::new(), Vec::new());
        for partition in 0..settings.partitions {
            let format = Format {
                store: Arc::clone(&store),
                topic_id,
                seed: frame::seed(&topic_id, partition),
                frame_bytes_max: settings.frame_bytes_max,
            };
            let start = readers.starts[partition as usize];
            let recovered = format.recover(partition, start, &files)?;
            let ids = format.recover_ids(&recovered.segments, window)?;
            let last = recovered.segments.back();
            let next = last.map_or(start, |last| last.next);
            let time = last.map_or(i64::MIN, |last| last.last_time);
            let tail = Tail::new(format.seed, next, time, ids);
            let shelf = Shelf::new(start, recovered.segments);
            sequences.push(Sequence::new(partition, format, tail, shelf));
            cuts.extend(recovered.cut);
        }
        // What was mended, removed and indexed above.
        store
            .sync()
            .map_err(LogError::write("sync the names in", place.clone()))?;
        Ok(Inner::new(
            (place, topic.id),
            settings,
            store,
            sequences,
            readers,
            cuts,
        ))
    }
}

/// Where a store is, as people write it.
fn place_of(store: &dyn Store) -> String {
    let place = store.place("");
    place.strip_suffix('/').unwrap_or(&place).to_owned()
}

fn open_topic_file(
    store: &Arc<dyn Store>,
    names: &[String],
    settings: &TopicSettings,
) -> Result<(TopicFile, [u8; 16]), LogError> {
    let found: Option<TopicFile> = TOPIC.read(&**store, names)?;
    let damaged = |reason: &str| LogError::DamagedFile {
        place: store.place(TOPIC.0),
        reason: reason.into(),
    };
    let is_segment = |name: &String| SegmentId::of_segment(name).is_some();
    let topic = match found {
        Some(topic) => topic,
        None if names.iter().any(is_segment) => {
            return Err(damaged("it is missing beside segments"));
        }
        None => {
            let topic = TopicFile::new(settings);
            TOPIC.write(&**store, &topic)?;
            topic
        }
    };
    if topic.partitions != settings.partitions {
        return Err(LogError::OtherPartitions {
            place: place_of(&**store),
            partitions: topic.partitions,
            asked: settings.partitions,
        });
    }
    let id = topic.id_bytes().ok_or_else(|| damaged("its id is none"))?;
    Ok((topic, id))
}

/// The names of what is there; what was not finished is removed.
fn finished_names(store: &dyn Store) -> Result<Vec<String>, LogError> {
    let names = store.names();
    let names = names.map_err(LogError::read("list", place_of(store)))?;
    let (unfinished, finished): (Vec<String>, Vec<String>) = names
        .into_iter()
        .partition(|name| name.ends_with(UNFINISHED));
    for name in unfinished {
        let removed = store.remove(&name);
        removed.map_err(LogError::write("remove", store.place(&name)))?;
    }
    Ok(finished)
}

/// The segments and indexes among `names`.
fn files(store: &dyn Store, names: &[String], settings: &TopicSettings) -> Result<Files, LogError> {
    let files = Files {
        segments: names
            .iter()
            .filter_map(|name| SegmentId::of_segment(name))
            .collect(),
        indexes: names
            .iter()
            .filter_map(|name| SegmentId::of_index(name))
            .collect(),
    };
    let is_foreign = |id: &&SegmentId| id.partition >= settings.partitions;
    match files.segments.iter().find(is_foreign) {
        Some(foreign) => Err(LogError::DamagedFile {
            place: store.place(&foreign.name()),
            reason: "the topic has no such partition".into(),
        }),
        None => Ok(files),
    }
}
