//! What all requests share.

use std::sync::Arc;

use millstream_engine::Snapshot;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::problem::Problem;
use crate::reading::Reading;
use crate::server::bodies::Bodies;
use crate::server::letters;

/// The server's shared state.
pub(crate) struct State {
    /// The pipeline that is read.
    pub(crate) reading: Arc<dyn Reading>,
    /// Bodies of answers of the newest epoch.
    pub(crate) bodies: Bodies,
    /// Given by the pipeline whenever there is a new snapshot.
    word: Arc<Notify>,
    /// Changes whenever there is a new snapshot; followers of views wait for it.
    pub(crate) news: watch::Sender<()>,
    /// Becomes true when the server ends; followers of views and the server itself wait for it.
    pub(crate) ending: watch::Sender<bool>,
    /// Tells the entity tags of this server from those of one before, whose epochs may be numbered the same.
    pub(crate) born: i64,
}

impl State {
    pub(crate) fn new(reading: Arc<dyn Reading>, ending: watch::Sender<bool>) -> Self {
        let word = Arc::new(Notify::new());
        let notify = Arc::clone(&word);
        // Before anyone can follow a view, so that nobody misses the first word.
        reading.watch(Box::new(move |_| notify.notify_one()));
        let born = reading.status().now.micros();
        let (bodies, news) = (Bodies::default(), watch::Sender::new(()));
        State {
            reading,
            bodies,
            word,
            news,
            ending,
            born,
        }
    }

    /// Passes on the pipeline's word of new snapshots for as long as the server runs.
    ///
    /// A worker gives the word, and must not be kept by a thousand followers: it wakes this one task, which
    /// wakes the others. Words that come faster than that become one.
    pub(crate) async fn pass_on_news(self: Arc<Self>) {
        let mut finishing = None;
        loop {
            self.word.notified().await;
            self.news.send_replace(());
            // With each word once more, until it is done: a source may refuse for now.
            let is_due = match &mut finishing {
                None => self.reading.is_ready(),
                Some(finishing) => is_to_be_repeated(finishing).await,
            };
            if is_due {
                let finish = letters::finish(Arc::clone(&self));
                finishing = Some(Finishing::Running(tokio::spawn(finish)));
            }
        }
    }

    /// All views as of the newest epoch, if view `name` is among them.
    pub(crate) fn snapshot_with(&self, name: &str) -> Result<Arc<Snapshot>, Problem> {
        let snapshot = self.reading.snapshot();
        if snapshot.views.contains_key(name) {
            return Ok(snapshot);
        }
        let known = snapshot.views.keys().cloned().collect();
        Err(Problem::UnknownView {
            view: name.into(),
            known,
        })
    }
}

/// Whether something has ended, and is not done.
async fn is_to_be_repeated(finishing: &mut Finishing) -> bool {
    match finishing {
        Finishing::Done => false,
        Finishing::Running(task) if !task.is_finished() => false,
        Finishing::Running(task) => {
            let is_done = task.await.unwrap_or(false);
            if is_done {
                *finishing = Finishing::Done;
            }
            !is_done
        }
    }
}

/// What becomes of letters that were being sent again.
enum Finishing {
    Running(JoinHandle<bool>),
    Done,
}
