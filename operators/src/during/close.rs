//! Time passes: what is over is closed, and what waits in vain is let go of.

use std::cmp::Reverse;

use millstream_engine::raw::{Emitted, Place};
use millstream_engine::{Data, EventTime, KeyOf, Record, Window};

use super::life::{Life, Waiting};
use super::logic::Joining;
use super::meeting::Meeting;
use crate::sided::Sided;

impl<L, R, KL, KR, F, M> Joining<L, R, KL, KR, F, M>
where
    L: Data,
    R: Data,
    KL: KeyOf<L>,
    KR: KeyOf<R, Key = KL::Key>,
    F: Fn(&L) -> Window + 'static,
    M: Meeting<L, R>,
{
    /// Closes what is over at the watermark.
    pub(super) fn pass(&mut self, out: &mut Emitted<Record<M::Out>, Sided<L, R>>) {
        let watermark = self.watermark;
        while let Some(Reverse((due, place))) = self.due.peek().copied() {
            if due > watermark {
                break;
            }
            self.due.pop();
            self.look_at(place, out);
        }
        let is_closed = |Reverse((_, close)): &Reverse<(EventTime, EventTime)>| *close <= watermark;
        while self.held.peek().is_some_and(is_closed) {
            self.held.pop();
        }
    }

    /// Closes what is over there, and lets go of what waits in vain. What was there may be gone, and something else be there
    /// by now: then there is nothing to do.
    fn look_at(&mut self, place: Place, out: &mut Emitted<Record<M::Out>, Sided<L, R>>) {
        let (rules, watermark) = (self.rules, self.watermark);
        let is_closed = |life: &Life<L, M::State>| rules.close(life.interval) <= watermark;
        let in_vain = |waiting: &Waiting<R>| rules.in_vain(waiting.right.time) <= watermark;
        if !self.keys.contains(place) {
            return;
        }
        let of_key = self.keys.mark(place);
        of_key.look = of_key.look.filter(|look| *look > watermark);
        if !of_key.lives.iter().any(is_closed) && !of_key.waiting.iter().any(in_vain) {
            self.look_again(place);
            return;
        }
        let of_key = self.keys.change(place);
        for life in of_key.lives.extract_if(.., |life| is_closed(life)) {
            self.n_open -= 1;
            self.meeting.close(life, &mut out.out);
        }
        for waiting in of_key.waiting.extract_if(.., |waiting| in_vain(waiting)) {
            if !waiting.has_met && rules.is_far_behind(&waiting.right) {
                let (late, times) = waiting.right.parted();
                out.late.push(times.with(Sided::Right(late)));
            }
        }
        if of_key.is_empty() {
            self.keys.remove(place);
        } else {
            self.look_again(place);
        }
    }

    /// Notes when to look at those that wait, unless that is noted.
    pub(super) fn look_again(&mut self, place: Place) {
        let of_key = self.keys.mark(place);
        let (rules, is_noted) = (self.rules, of_key.look.is_some());
        let mut times = of_key.waiting.iter().map(|waiting| waiting.right.time);
        // Whoever is the first to wait: then it is seen who waits on.
        if let Some(time) = times.next().filter(|_| !is_noted) {
            let look = rules.in_vain(times.fold(time, EventTime::min));
            of_key.look = Some(look);
            self.due.push(Reverse((look, place)));
        }
    }
}
