//! The collector as a source: its partitions are those of the log, and its inlet is the front.

use std::convert::Infallible;
use std::sync::Arc;

use millstream_engine::{
    Ack, Arrival, BoxError, Inlet, Position, Rewind, Source, SourceContext, Waker,
};

use super::front::Front;
use super::keeping::{Keeping, Settings};
use crate::format::Decode;
use crate::log::{LogPartition, Progress};

/// The source made by [`Collector::decode`](super::Collector::decode).
#[derive(Clone, Debug)]
pub struct CollectorSource<F> {
    pub(super) settings: Settings,
    pub(super) format: F,
}

impl<F: Decode> CollectorSource<F> {
    /// What inlet and partitions share: whoever of them comes first makes it.
    pub(super) fn front(&self, cx: &SourceContext) -> Arc<Front<F>> {
        let name = format!("collector:{}", cx.name);
        // Not while the front is made, for that is found in the same registry.
        let progress = Progress::of(&cx.registry, &cx.name);
        let made = || {
            let (format, settings) = (self.format.clone(), self.settings.clone());
            Ok::<_, Infallible>(Front::new(cx, format, settings, progress))
        };
        match cx.registry.get_or_make(&name, made) {
            Ok(front) => front,
            Err(never) => match never {},
        }
    }
}

impl<F: Decode> Source for CollectorSource<F> {
    type Item = F::Item;
    type Partition = LogPartition<F>;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        self.settings.access.validated()?;
        Ok(match &self.settings.keeping {
            Keeping::WithState(settings) => settings.n_partitions(),
            Keeping::InTopic(topic) => topic.partitions(),
        })
    }

    /// From the oldest event that is kept: none of them was counted yet.
    fn open(
        &self,
        partition: u32,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<LogPartition<F>, BoxError> {
        let topic = self.front(cx).topic()?;
        let from = topic.start(partition);
        Ok(LogPartition::begin(
            &topic,
            (partition, from),
            self.format.clone(),
            cx,
            waker,
        )?)
    }

    fn resume(
        &self,
        partition: u32,
        position: &Position,
        cx: &SourceContext,
        waker: Waker,
    ) -> Result<LogPartition<F>, BoxError> {
        let topic = self.front(cx).topic()?;
        LogPartition::resume(
            &topic,
            (partition, position),
            self.format.clone(),
            cx,
            waker,
        )
    }

    fn rewind(&self, cx: &SourceContext) -> Rewind {
        let is_durable = matches!(self.settings.keeping, Keeping::InTopic(_)) || cx.place.is_kept();
        if is_durable {
            Rewind::Replay
        } else {
            Rewind::Nothing
        }
    }

    fn identity(&self, _cx: &SourceContext) -> Result<String, BoxError> {
        Ok(match &self.settings.keeping {
            // It lies beside the state, and comes and goes with it.
            Keeping::WithState(_) => String::new(),
            Keeping::InTopic(topic) => topic.id().to_owned(),
        })
    }

    fn arrival(&self) -> Arrival {
        Arrival::Now
    }

    fn ack(&self, cx: &SourceContext) -> Option<Arc<dyn Ack>> {
        Some(self.front(cx))
    }

    fn inlet(&self, cx: &SourceContext) -> Option<Arc<dyn Inlet>> {
        Some(self.front(cx))
    }
}
