//! The step that keeps the windows: folds, shows, closes.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::rc::Rc;

use millstream_engine::raw::{At, Batch, Demand, Emitted, Logic, Size, Windowing};
use millstream_engine::{Change, Data, EventTime, KeyOf, Stage, Window, Windowed};

use super::ahead::{Ahead, AheadLogic, runs};
use super::panes::{Pane, Panes};
use super::tumbling::Tumbling;
use crate::aggregate::Aggregate;

/// How often, in publish epochs, the bytes on the heap are counted anew.
const COUNT_HEAP_EVERY: u32 = 64;

/// A windowed aggregation by key.
pub(super) struct Folding<K, A> {
    key: Rc<K>,
    aggregate: Rc<A>,
    tumbling: Tumbling,
}

impl<K, A> Folding<K, A> {
    pub(super) fn new(key: Rc<K>, aggregate: Rc<A>, tumbling: Tumbling) -> Self {
        Folding {
            key,
            aggregate,
            tumbling,
        }
    }

    fn windows<T>(&self, demand: &Demand) -> OpenWindows<T, K, A>
    where
        K: KeyOf<T>,
        A: Aggregate<T>,
    {
        OpenWindows {
            key: Rc::clone(&self.key),
            aggregate: Rc::clone(&self.aggregate),
            tumbling: self.tumbling,
            demand: demand.clone(),
            windows: BTreeMap::new(),
            heap_bytes: 0,
            n_published: 0,
        }
    }
}

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Windowing<T> for Folding<K, A> {
    type Key = K::Key;
    type Values = A::Output;
    type Ahead = Ahead<T, K::Key, A::State>;

    fn whole(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Batch<T>, Out = Change<Windowed<K::Key>, A::Output>, Late = T> {
        Whole(self.windows(demand))
    }

    fn ahead(&self) -> impl Logic<In = Batch<T>, Out = Self::Ahead, Late = T> {
        AheadLogic::new(
            Rc::clone(&self.key),
            Rc::clone(&self.aggregate),
            self.tumbling,
        )
    }

    fn hash(ahead: &Self::Ahead) -> u64 {
        match ahead {
            Ahead::Combined { hash, .. } | Ahead::Single { hash, .. } => *hash,
        }
    }

    fn behind(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Vec<Self::Ahead>, Out = Change<Windowed<K::Key>, A::Output>, Late = ()>
    {
        Behind(self.windows(demand))
    }
}

/// The windows that are not final.
struct OpenWindows<T, K: KeyOf<T>, A: Aggregate<T>> {
    key: Rc<K>,
    aggregate: Rc<A>,
    tumbling: Tumbling,
    demand: Demand,
    windows: BTreeMap<Window, Panes<K::Key, A::State>>,
    heap_bytes: usize,
    n_published: u32,
}

type Changes<T, K, A> = Vec<Change<Windowed<<K as KeyOf<T>>::Key>, <A as Aggregate<T>>::Output>>;

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> OpenWindows<T, K, A> {
    fn fold(&mut self, batch: &Batch<T>, at: At, late: &mut Vec<millstream_engine::Record<T>>) {
        let (key, aggregate, windows) = (&*self.key, &*self.aggregate, &mut self.windows);
        let shows = self.demand.partial.get();
        runs(
            batch,
            self.tumbling,
            at.watermark,
            late,
            |window, values| {
                let mut values = values.peekable();
                if values.peek().is_none() {
                    return;
                }
                let panes = windows.entry(window).or_default();
                for value in values {
                    let place = panes.place(key, value);
                    aggregate.add(&mut panes.panes[place].state, value);
                    if shows {
                        panes.note_change(place);
                    }
                }
            },
        );
    }

    fn merge(&mut self, ahead: Ahead<T, K::Key, A::State>, at: At) {
        let (Ahead::Combined { window, .. } | Ahead::Single { window, .. }) = &ahead;
        let window = *window;
        assert!(
            self.tumbling.close(window) > at.watermark,
            "the step ahead lets nothing late through"
        );
        let panes = self.windows.entry(window).or_default();
        let place = match ahead {
            Ahead::Combined {
                hash, key, state, ..
            } => {
                let place = panes.place_of(hash, key);
                self.aggregate.merge(&mut panes.panes[place].state, state);
                place
            }
            Ahead::Single { value, .. } => {
                let place = panes.place(&*self.key, &value);
                self.aggregate.add(&mut panes.panes[place].state, &value);
                place
            }
        };
        if self.demand.partial.get() {
            panes.note_change(place);
        }
    }

    fn row(
        &self,
        window: Window,
        pane: &Pane<K::Key, A::State>,
        stage: Stage,
    ) -> Change<Windowed<K::Key>, A::Output> {
        let key = Windowed {
            window,
            key: pane.key.clone(),
        };
        Change {
            key,
            value: Some(self.aggregate.output(&pane.state)),
            stage,
        }
    }

    /// Ends the windows that the watermark has passed, and closes those that are final.
    fn pass(&mut self, watermark: EventTime, out: &mut Changes<T, K, A>) {
        let shows_ended = self.demand.ended.get();
        let mut windows = std::mem::take(&mut self.windows);
        for (window, panes) in windows.range_mut(..) {
            if window.end > watermark {
                break;
            }
            if shows_ended && !panes.ended {
                // Whoever follows every change has not heard of these, and may not until the window is final.
                if self.tumbling.close(*window) > watermark {
                    self.show(*window, panes, Stage::Open, out);
                } else {
                    panes.forget_changes();
                }
                out.extend(
                    panes
                        .panes
                        .iter()
                        .map(|pane| self.row(*window, pane, Stage::Ended)),
                );
            }
            panes.ended = true;
        }
        while let Some(entry) = windows
            .first_entry()
            .filter(|entry| self.tumbling.close(*entry.key()) <= watermark)
        {
            let (window, mut panes) = entry.remove_entry();
            if shows_ended {
                self.show(window, &mut panes, Stage::Corrected, out);
            }
            out.extend(
                panes
                    .panes
                    .iter()
                    .map(|pane| self.row(window, pane, Stage::Final)),
            );
        }
        self.windows = windows;
    }

    /// Shows what has changed in a window since it was last shown.
    fn show(
        &self,
        window: Window,
        panes: &mut Panes<K::Key, A::State>,
        stage: Stage,
        out: &mut Changes<T, K, A>,
    ) {
        for place in std::mem::take(&mut panes.changed) {
            let pane = &mut panes.panes[place as usize];
            pane.changed = false;
            out.push(self.row(window, pane, stage));
        }
    }

    fn publish(&mut self, out: &mut Changes<T, K, A>) {
        let mut windows = std::mem::take(&mut self.windows);
        for (window, panes) in &mut windows {
            let stage = if panes.ended {
                Stage::Corrected
            } else {
                Stage::Open
            };
            self.show(*window, panes, stage, out);
        }
        self.windows = windows;
        if self.n_published.is_multiple_of(COUNT_HEAP_EVERY) {
            let panes = self.windows.values().flat_map(|panes| &panes.panes);
            self.heap_bytes = panes
                .map(|pane| self.aggregate.heap_bytes(&pane.state))
                .sum();
        }
        self.n_published = self.n_published.wrapping_add(1);
    }

    fn size(&self) -> Size {
        let n_panes: usize = self.windows.values().map(|panes| panes.panes.len()).sum();
        // The heap was counted some time ago: since then everything may have gone.
        let heap_bytes = if n_panes == 0 { 0 } else { self.heap_bytes };
        let bytes =
            n_panes * (size_of::<Pane<K::Key, A::State>>() + 2 * size_of::<u32>()) + heap_bytes;
        let next_close = self
            .windows
            .first_key_value()
            .map_or(EventTime::MAX, |(w, _)| self.tumbling.close(*w));
        Size {
            keys: n_panes as u64,
            open_windows: self.windows.len() as u64,
            bytes: bytes as u64,
            next_close,
        }
    }
}

/// All of it on one worker.
struct Whole<T, K: KeyOf<T>, A: Aggregate<T>>(OpenWindows<T, K, A>);

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Logic for Whole<T, K, A> {
    type In = Batch<T>;
    type Out = Change<Windowed<K::Key>, A::Output>;
    type Late = T;

    fn on_batch(&mut self, batch: Batch<T>, at: At, out: &mut Emitted<Self::Out, T>) {
        out.n_records += batch.len() as u64;
        self.0.fold(&batch, at, &mut out.late);
    }
    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, T>) {
        self.0.pass(at.watermark, &mut out.out);
    }
    fn on_publish(&mut self, _at: At, _last: bool, out: &mut Emitted<Self::Out, T>) {
        self.0.publish(&mut out.out);
    }
    fn size(&mut self) -> Size {
        self.0.size()
    }
}

/// What is behind the exchange.
struct Behind<T, K: KeyOf<T>, A: Aggregate<T>>(OpenWindows<T, K, A>);

impl<T: Data, K: KeyOf<T>, A: Aggregate<T>> Logic for Behind<T, K, A> {
    type In = Vec<Ahead<T, K::Key, A::State>>;
    type Out = Change<Windowed<K::Key>, A::Output>;
    type Late = ();

    fn on_batch(&mut self, batch: Self::In, at: At, _out: &mut Emitted<Self::Out, ()>) {
        batch.into_iter().for_each(|ahead| self.0.merge(ahead, at));
    }
    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, ()>) {
        self.0.pass(at.watermark, &mut out.out);
    }
    fn on_publish(&mut self, _at: At, _last: bool, out: &mut Emitted<Self::Out, ()>) {
        self.0.publish(&mut out.out);
    }
    fn size(&mut self) -> Size {
        self.0.size()
    }
}
