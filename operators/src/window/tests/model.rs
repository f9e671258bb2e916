//! Windows that overlap, kept the plain way: every record in every window that it is in.

use std::collections::{BTreeMap, BTreeSet};

use millstream_engine::{EventTime, Record, Stage, Window};

use super::seconds_at;

/// The watermark that a model begins with, in seconds.
pub(super) const LONG_AGO: i64 = -1000;

/// A key, and a number of which there are few.
pub(super) type Item = (u8, u8);

/// A row: window, key, stage, how many there were and how many different.
pub(super) type Row = (Window, u8, Stage, (u64, u64));

/// Windows one by one, and what has changed in them since it was last shown.
pub(super) struct Model {
    size: i64,
    hop: i64,
    pub(super) lateness: i64,
    shows: bool,
    ends: bool,
    pub(super) windows: BTreeMap<(i64, u8), Vec<u8>>,
    changed: BTreeSet<(i64, u8)>,
    pub(super) watermark: i64,
    pub(super) told: Vec<Row>,
    pub(super) late: Vec<Item>,
}

impl Model {
    /// Windows of `size` every `hop`, in seconds, that nothing has come to.
    pub(super) fn new((size, hop, lateness): (u64, u64, u64), shows: bool, ends: bool) -> Self {
        Model {
            size: size as i64,
            hop: hop as i64,
            lateness: lateness as i64,
            shows: shows || ends,
            ends,
            windows: BTreeMap::new(),
            changed: BTreeSet::new(),
            watermark: LONG_AGO,
            told: Vec::new(),
            late: Vec::new(),
        }
    }

    /// How many windows are open, and when the first of them closes.
    pub(super) fn open(&self) -> (u64, EventTime) {
        let open: BTreeSet<_> = self.windows.keys().map(|(start, _)| *start).collect();
        let close = |start: &i64| seconds_at(self.end(*start) + self.lateness);
        (
            open.len() as u64,
            open.first().map_or(EventTime::MAX, close),
        )
    }

    fn end(&self, start: i64) -> i64 {
        start + self.size
    }

    pub(super) fn add(&mut self, record: &Record<Item>) {
        let time = record.time.micros() / 1_000_000;
        let behind = record.behind.micros().div_euclid(1_000_000);
        let last = time.div_euclid(self.hop) * self.hop;
        let holding = (0..)
            .map(|n| last - n * self.hop)
            .take_while(|start| self.end(*start) > time);
        let judge = self.watermark.max(behind);
        let open: Vec<_> = holding
            .filter(|start| self.end(*start) + self.lateness > judge)
            .collect();
        if open.is_empty() {
            self.late.push(record.value);
        }
        for start in open {
            let key = (start, record.value.0);
            self.windows.entry(key).or_default().push(record.value.1);
            self.changed.insert(key);
        }
    }

    fn tell(&mut self, (start, key): (i64, u8), stage: Stage) {
        let values = &self.windows[&(start, key)];
        let distinct: BTreeSet<_> = values.iter().collect();
        let window = Window {
            start: seconds_at(start),
            end: seconds_at(self.end(start)),
        };
        let said = (values.len() as u64, distinct.len() as u64);
        self.told.push((window, key, stage, said));
    }

    pub(super) fn show(&mut self) {
        for key in std::mem::take(&mut self.changed) {
            let ended = self.end(key.0) <= self.watermark;
            let stage = if ended { Stage::Corrected } else { Stage::Open };
            if self.shows {
                self.tell(key, stage);
            }
        }
    }

    pub(super) fn pass(&mut self, watermark: i64) {
        let passes = |from: i64, to: i64| {
            (from - self.size).div_euclid(self.hop) < (to - self.size).div_euclid(self.hop)
        };
        if self.ends
            && (passes(self.watermark, watermark)
                || passes(self.watermark - self.lateness, watermark - self.lateness))
        {
            self.show();
        }
        let keys: Vec<_> = self.windows.keys().copied().collect();
        for key in keys {
            let end = self.end(key.0);
            if self.ends && self.watermark < end && end <= watermark {
                self.tell(key, Stage::Ended);
            }
            if end + self.lateness <= watermark {
                self.tell(key, Stage::Final);
                self.windows.remove(&key);
                self.changed.remove(&key);
            }
        }
        self.watermark = watermark;
    }
}
