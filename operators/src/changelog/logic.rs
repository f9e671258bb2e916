//! The pure part of a changelog: of each key what was said of it last.

use std::collections::BTreeSet;
use std::rc::Rc;

use millstream_engine::raw::{
    At, Diff, Emitted, Entry, Hashed, KeyedState, Log, Logic, Place, Publish, Size,
};
use millstream_engine::{Data, EventTime, KeyOf, LoadError, Record, Row};

use super::said::Said;
use crate::kept::Kept;

/// So many batches come between two looks at how much the rows keep.
const WEIGH_EVERY: u64 = 256;

/// Follows a changelog.
pub(super) struct Following<T: Data, K: KeyOf<T>, V, F> {
    key: Rc<K>,
    value: F,
    rows: KeyedState<K::Key, Said<V>>,
    /// Traces of rows that are gone, by when that was.
    traces: BTreeSet<(EventTime, Place)>,
    /// What has changed since the last publish epoch, and what the readers know of it.
    changed: Vec<(Place, Option<Kept<V>>)>,
    n_batches: u64,
}

impl<T, K, V, F> Following<T, K, V, F>
where
    T: Data,
    K: KeyOf<T>,
    V: Row,
    F: Fn(&T) -> Option<V>,
{
    pub(super) fn new(key: Rc<K>, value: F, snapshots: bool) -> Self {
        Following {
            key,
            value,
            rows: KeyedState::new(snapshots),
            traces: BTreeSet::new(),
            changed: Vec::new(),
            n_batches: 0,
        }
    }

    /// Applies what a record says; gives whether it came in time.
    fn apply(&mut self, hash: u64, record: &Record<T>, watermark: EventTime) -> bool {
        let is = |key: &K::Key| self.key.is(&record.value, key);
        let passed = watermark.max(record.behind);
        let place = self.rows.find(hash, is);
        // Of a trace that the watermark has passed nothing is known, whether or not it is there still.
        let said = place.map(|place| (place, self.rows.get(place)));
        let known = said.filter(|(_, said)| said.row.is_some() || said.time > passed);
        match known {
            None if record.time < passed => return false,
            Some((_, said)) if record.time < said.time => return true,
            _ => {}
        }
        let row = (self.value)(&record.value).map(Kept);
        match place {
            Some(place) => self.say(place, record.time, row),
            None => self.say_first(hash, record, row),
        }
        true
    }

    fn say_first(&mut self, hash: u64, record: &Record<T>, row: Option<Kept<V>>) {
        let is_trace = row.is_none();
        let said = Said {
            time: record.time,
            row,
            is_unsaid: true,
        };
        let key = self.key.take(&record.value);
        let place = self.rows.insert(hash, key, said);
        self.changed.push((place, None));
        if is_trace {
            self.traces.insert((record.time, place));
        }
    }

    fn say(&mut self, place: Place, time: EventTime, row: Option<Kept<V>>) {
        let said = self.rows.change(place);
        let old = std::mem::replace(&mut said.row, row);
        let old_time = std::mem::replace(&mut said.time, time);
        let is_trace = said.row.is_none();
        let was_trace = old.is_none();
        if !std::mem::replace(&mut said.is_unsaid, true) {
            self.changed.push((place, old));
        }
        if was_trace {
            self.traces.remove(&(old_time, place));
        }
        if is_trace {
            self.traces.insert((time, place));
        }
    }

    /// Tells the readers what has changed.
    fn tell(&mut self, out: &mut Vec<Diff<(K::Key, Kept<V>)>>) {
        for (place, old) in self.changed.drain(..) {
            let said = self.rows.mark(place);
            said.is_unsaid = false;
            if old == said.row {
                continue;
            }
            let new = said.row.clone();
            let key = self.rows.key(place);
            out.extend(old.map(|row| ((key.clone(), row), -1)));
            out.extend(new.map(|row| ((key.clone(), row), 1)));
        }
    }

    /// Drops the traces that the watermark has passed. Readers know that the rows are gone.
    fn drop_traces(&mut self, watermark: EventTime) {
        // That the input has ended is a promise for this run alone.
        let Some(watermark) = watermark.finite() else {
            return;
        };
        while let Some(&(time, place)) = self.traces.first() {
            if time > watermark {
                break;
            }
            self.traces.pop_first();
            self.rows.remove(place);
        }
    }
}

impl<T, K, V, F> Logic for Following<T, K, V, F>
where
    T: Data,
    K: KeyOf<T>,
    V: Row,
    F: Fn(&T) -> Option<V> + 'static,
{
    type In = Vec<Hashed<T>>;
    type Out = Diff<(K::Key, Kept<V>)>;
    type Late = T;

    fn on_batch(&mut self, batch: Self::In, at: At, out: &mut Emitted<Self::Out, T>) {
        out.n_records += batch.len() as u64;
        if self.n_batches.is_multiple_of(WEIGH_EVERY) {
            self.rows.weigh();
        }
        self.n_batches += 1;
        for Hashed { hash, record } in batch {
            if !self.apply(hash, &record, at.watermark) {
                out.late.push(record);
            }
        }
    }

    fn on_watermark(&mut self, at: At, out: &mut Emitted<Self::Out, T>) {
        // Nothing follows that would make an epoch be published.
        if at.watermark == EventTime::MAX {
            self.tell(&mut out.out);
        }
    }

    fn on_publish(&mut self, at: At, _publish: Publish, out: &mut Emitted<Self::Out, T>) {
        self.tell(&mut out.out);
        self.drop_traces(at.watermark);
    }

    fn freeze(&mut self) {
        self.rows.freeze();
    }

    fn save(&mut self, log: &mut Log, n_bytes: usize) -> bool {
        self.rows.save(log, n_bytes)
    }

    fn restore(&mut self, entry: &Entry<'_>) -> Result<(), LoadError> {
        self.rows.restore(entry)
    }

    fn resume(&mut self, _at: At) {
        let rows = self.rows.iter();
        let traces = rows.filter(|(_, _, said)| said.row.is_none());
        self.traces = traces.map(|(place, _, said)| (said.time, place)).collect();
        self.rows.weigh();
    }

    fn recall(&mut self, out: &mut Emitted<Self::Out, T>) {
        let rows = self.rows.iter();
        let rows = rows.filter_map(|(_, key, said)| {
            let row = said.row.clone()?;
            Some(((key.clone(), row), 1))
        });
        out.out.extend(rows);
    }

    fn size(&mut self) -> Size {
        Size {
            keys: self.rows.len() as u64,
            open_windows: 0,
            bytes: self.rows.n_bytes() as u64,
            next_close: EventTime::MAX,
        }
    }
}
