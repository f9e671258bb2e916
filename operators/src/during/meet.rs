//! Records come: left ones open, right ones meet what is open, or wait for something to open.

use std::cmp::Reverse;

use millstream_engine::raw::{At, Place};
use millstream_engine::{Data, EventTime, KeyOf, Record, Window};

use super::life::{Life, OfKey, Waiting};
use super::logic::Joining;
use super::meeting::Meeting;

impl<L, R, KL, KR, F, M> Joining<L, R, KL, KR, F, M>
where
    L: Data,
    R: Data,
    KL: KeyOf<L>,
    KR: KeyOf<R, Key = KL::Key>,
    F: Fn(&L) -> Window + 'static,
    M: Meeting<L, R>,
{
    /// A left record opens; gives it back if it is late.
    pub(super) fn open(
        &mut self,
        hash: u64,
        left: Record<L>,
        at: At,
        out: &mut Vec<Record<M::Out>>,
    ) -> Option<Record<L>> {
        let interval = self.rules.cut((self.interval)(&left.value), &left);
        if self.rules.is_late(&left, interval, at.watermark) {
            return Some(left);
        }
        let (of_left, value) = (&self.key.left, &left.value);
        let place = self.keys.find_or_insert(
            hash,
            |key| of_left.is(value, key),
            || of_left.take(value),
            OfKey::default,
        );
        if self.rules.unique && !self.keys.get(place).lives.is_empty() {
            return Some(left);
        }
        let mut life = Life {
            left,
            interval,
            state: M::State::default(),
        };
        let waiting = if self.keys.get(place).waiting.is_empty() {
            Vec::new()
        } else {
            std::mem::take(&mut self.keys.change(place).waiting)
        };
        let still_waiting = self.meet_waiting(&mut life, waiting, out);
        self.opened(place, &life);
        let of_key = self.keys.change(place);
        of_key.waiting = still_waiting;
        of_key.lives.push(life);
        None
    }

    /// Has a left record meet those that wait; gives those that wait on.
    fn meet_waiting(
        &self,
        life: &mut Life<L, M::State>,
        waiting: Vec<Waiting<R>>,
        out: &mut Vec<Record<M::Out>>,
    ) -> Vec<Waiting<R>> {
        let mut still_waiting = Vec::new();
        for mut waiting in waiting {
            if !self.rules.meet(&life.left, life.interval, &waiting.right) {
                still_waiting.push(waiting);
                continue;
            }
            self.meeting.meet(&life.left, &waiting.right, out);
            let keeps = self.meeting.keeps(&life.state, &waiting.right);
            if self.rules.unique {
                if keeps {
                    self.meeting.keep(&mut life.state, waiting.right);
                }
                continue;
            }
            if keeps {
                let right = waiting.right.clone();
                self.meeting.keep(&mut life.state, right);
            }
            waiting.has_met = true;
            still_waiting.push(waiting);
        }
        still_waiting
    }

    /// Notes when to close what has opened, and what it holds back.
    fn opened(&mut self, place: Place, life: &Life<L, M::State>) {
        let close = self.rules.close(life.interval);
        self.due.push(Reverse((close, place)));
        let holds = self.meeting.holds(life);
        if holds < EventTime::MAX {
            self.held.push(Reverse((holds, close)));
        }
        self.n_open += 1;
    }

    /// A right record comes; gives it back if it is late.
    pub(super) fn come(
        &mut self,
        hash: u64,
        right: Record<R>,
        at: At,
        out: &mut Vec<Record<M::Out>>,
    ) -> Option<Record<R>> {
        let of_right = &self.key.right;
        let found = self.keys.find(hash, |key| of_right.is(&right.value, key));
        let mut has_met = false;
        if let Some(place) = found {
            for n in 0..self.keys.get(place).lives.len() {
                let life = &self.keys.get(place).lives[n];
                if !self.rules.meet(&life.left, life.interval, &right) {
                    continue;
                }
                has_met = true;
                self.meeting.meet(&life.left, &right, out);
                let keeps = self.meeting.keeps(&life.state, &right);
                if self.rules.unique {
                    if keeps {
                        let life = &mut self.keys.change(place).lives[n];
                        self.meeting.keep(&mut life.state, right);
                    }
                    return None;
                }
                if keeps {
                    let life = &mut self.keys.change(place).lives[n];
                    self.meeting.keep(&mut life.state, right.clone());
                }
            }
        }
        if self.rules.last_wanted(right.time) >= at.watermark {
            self.wait(hash, found, right, has_met);
            return None;
        }
        (!has_met && self.rules.is_far_behind(&right)).then_some(right)
    }

    /// Keeps a right record until no left one can come for it.
    fn wait(&mut self, hash: u64, found: Option<Place>, right: Record<R>, has_met: bool) {
        let place = found.unwrap_or_else(|| {
            let key = self.key.right.take(&right.value);
            self.keys.insert(hash, key, OfKey::default())
        });
        // Who is the first to wait says when to look; then it is seen who waits on.
        if self.keys.get(place).waiting.is_empty() {
            self.due
                .push(Reverse((self.rules.in_vain(right.time), place)));
        }
        let waiting = Waiting { right, has_met };
        self.keys.change(place).waiting.push(waiting);
    }
}
