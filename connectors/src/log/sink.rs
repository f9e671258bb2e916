//! A topic as a sink: each row becomes a record, once, and everyone reads them at their own pace.
//!
//! Rows are held until their epoch is committed, and appended then. A process may die in the middle of that, and the next
//! one is told to publish the same rows again: each record has an id that says which row of which staging it is, and what
//! was appended is found by that; see [`sink_part`](super::sink_part).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream_engine::{BoxError, Delivery, Sink, SinkContext, SinkPart};

use super::error::LogError;
use super::run_topic;
use super::settings::TopicSettings;
use super::sink_part::TopicPart;
use super::topic::Topic;

/// Writes each row as a JSON object, as one record of a [`Topic`], exactly once.
///
/// Readers see a row when its epoch is committed. The rows of one staging are spread over the partitions by their ids.
///
/// # Examples
/// ```
/// use millstream_connectors::{Clickstream, Rate, Topic, TopicSettings, TopicSink};
/// use millstream_engine::{App, Watermarks, seconds};
/// let dir = tempfile::tempdir()?;
/// let topic = Topic::open(dir.path(), TopicSettings::new())?;
/// let sink = TopicSink::new(&topic);
/// App::new("doc").workers(1).run(move |flow| {
///     flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
///         .columns("url", |e| e.data.url.clone())
///         .sink("urls", sink.clone())
/// })?;
/// assert_eq!(topic.end(0), 100);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TopicSink(Of);

#[derive(Clone, Debug)]
enum Of {
    Opened(Topic),
    Run(TopicSettings),
}

/// What a sink that writes a topic was given back by an earlier run, and cannot have given it.
#[derive(Debug, thiserror::Error)]
#[error("note {text:?} is not one of a sink that writes a topic: {source}")]
pub struct TopicSinkError {
    /// The note.
    pub text: String,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

impl TopicSink {
    /// A sink that writes `topic`, which whoever opened it closes.
    #[must_use]
    pub fn new(topic: &Topic) -> Self {
        TopicSink(Of::Opened(topic.clone()))
    }

    /// A sink that writes a topic of the run: beside its state, as long as it goes on from that; in memory, the last
    /// 16 MiB, if the run keeps none.
    ///
    /// While the run lasts its topic is in the registry, as a [`Topic`] called `topic:` and the name of the sink. In another
    /// run that begins anew the topic does so too.
    #[must_use]
    pub fn of_run(settings: TopicSettings) -> Self {
        TopicSink(Of::Run(settings))
    }

    /// The topic, opened by whichever worker is the first.
    fn topic(&self, cx: &SinkContext) -> Result<Topic, LogError> {
        let open = || match &self.0 {
            Of::Opened(topic) => Ok(topic.clone()),
            Of::Run(settings) => {
                let topic = run_topic::open(cx, settings.clone())?;
                let closing = topic.clone();
                // A run that fails lets go of no part.
                cx.registry.at_end(move || drop(closing.close()));
                Ok(topic)
            }
        };
        let topic = cx
            .registry
            .get_or_make(&format!("topic:{}", cx.name), open)?;
        Ok(Topic::clone(&topic))
    }

    pub(super) fn part(&self, cx: &SinkContext) -> Result<TopicPart, BoxError> {
        let topic = self.topic(cx)?;
        let closing = match &self.0 {
            Of::Opened(_) => None,
            Of::Run(_) => {
                let made = || Ok::<_, LogError>(AtomicUsize::new(0));
                let n_parts = cx
                    .registry
                    .get_or_make(&format!("parts of topic:{}", cx.name), made)?;
                Some(Closing::new(&topic, n_parts))
            }
        };
        Ok(TopicPart::new(cx, topic, closing))
    }
}

impl Sink for TopicSink {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        match &self.0 {
            Of::Opened(topic) => topic
                .failure()
                .map_or(Ok(()), |failure| Err(failure.into())),
            Of::Run(_) => Ok(()),
        }
    }

    fn open(&self, cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(self.part(cx)?))
    }

    fn kind(&self) -> String {
        "topic".into()
    }

    fn delivery(&self) -> Delivery {
        Delivery::Transactional
    }
}

/// Closes the topic of a run when the last part is gone: as long as the run has its state, and before another has it.
pub(super) struct Closing {
    topic: Topic,
    n_parts: Arc<AtomicUsize>,
}

impl Closing {
    fn new(topic: &Topic, n_parts: Arc<AtomicUsize>) -> Self {
        n_parts.fetch_add(1, Ordering::AcqRel);
        let topic = topic.clone();
        Closing { topic, n_parts }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if self.n_parts.fetch_sub(1, Ordering::AcqRel) == 1
            && let Err(error) = self.topic.close()
        {
            tracing::error!(%error, "the topic of a run was not left in order");
        }
    }
}
