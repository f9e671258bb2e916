//! What is noted of sessions as they change: what is to be shown, what is to be saved, and when to look at them.
//!
//! The row of a session is known by its window, so a session that reaches further has another row: the one that was shown
//! is *removed*, and the new one shown, both when changes are next shown. So whoever keeps the rows never has both.
//!
//! Most records change a session that is noted already, and do not change what was shown: that costs a test of flags.

use millstream_engine::raw::Demand;
use millstream_engine::{Change, EventTime, KeyOf, Stage, Windowed};

use super::super::flags::Flags;
use super::Session;
use super::due::Due;
use super::frozen::Frozen;
use super::kept::{Kept, Named};
use super::sessions::Noting;
use super::span::Span;
use crate::aggregate::Aggregate;

/// What is noted of the sessions of a step.
pub(super) struct Notes<T, K: KeyOf<T>, A: Aggregate<T>> {
    pub(super) rules: Session,
    pub(super) demand: Demand,
    /// The watermark they have been passed by.
    pub(super) watermark: EventTime,
    /// When sessions end, if anyone wants to hear of that.
    pub(super) ends: Due,
    /// When they are final.
    pub(super) closes: Due,
    /// What snapshots are to take of them, if snapshots are taken.
    pub(super) frozen: Option<Frozen<T, K, A>>,
    /// Those that have changed since changes were last shown.
    pub(super) changed: Vec<Named>,
    /// Rows that were shown, and are not right any more.
    removed: Vec<(Windowed<K::Key>, Stage)>,
}

impl<T, K: KeyOf<T>, A: Aggregate<T>> Notes<T, K, A> {
    pub(super) fn new(rules: Session, demand: Demand, frozen: Option<Frozen<T, K, A>>) -> Self {
        Notes {
            rules,
            demand,
            watermark: EventTime::MIN,
            ends: Due::new(rules.gap),
            closes: Due::new(rules.gap),
            frozen,
            changed: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// Whether a session has ended: whether the watermark is past all that could still belong to it.
    pub(super) fn has_ended(&self, span: Span) -> bool {
        span.end(self.rules.gap) < self.watermark || self.watermark == EventTime::MAX
    }

    /// Whether none that is not late can belong to a session any more.
    pub(super) fn is_final(&self, span: Span) -> bool {
        self.rules.is_final(span, self.rules.bar(self.watermark))
    }

    /// How settled the row of a session is that is not final.
    pub(super) fn stage(&self, span: Span) -> Stage {
        if self.has_ended(span) {
            Stage::Corrected
        } else {
            Stage::Open
        }
    }

    /// Files a session of `span` under the time at which that ends.
    pub(super) fn file_end(&mut self, session: &mut Kept<K::Key, A::State>, span: Span) {
        session.filed.end = span.end(self.rules.gap);
        self.ends.file((session.filed.end, session.named()));
    }

    /// Files a session under the time after which it is final, as it is now.
    pub(super) fn file_close(&mut self, session: &mut Kept<K::Key, A::State>) {
        session.filed.close = self.close(session.span);
        self.closes.file((session.filed.close, session.named()));
    }

    /// The time after which a session is final.
    pub(super) fn close(&self, span: Span) -> EventTime {
        span.end(self.rules.gap).plus(self.rules.lateness)
    }

    /// The flags of a session of which nobody needs to hear any more that it changes.
    #[inline]
    fn noted(&self) -> Flags {
        let shown = if self.demand.partial.get() {
            Flags::CHANGED
        } else {
            Flags::NONE
        };
        shown.with(self.frozen.as_ref().map_or(Flags::NONE, Frozen::turn))
    }

    /// Notes that a session changes, to be shown and saved.
    fn change(&mut self, session: &mut Kept<K::Key, A::State>) {
        if self.demand.partial.get() && !session.flags.has(Flags::CHANGED) {
            session.flags.set(Flags::CHANGED);
            self.changed.push(session.named());
        }
        if let Some(frozen) = &mut self.frozen {
            frozen.touch(session);
        }
    }

    /// Notes that the row of a session, if it was shown, is not right any more.
    fn remove_shown(&mut self, session: &mut Kept<K::Key, A::State>) {
        if session.flags.take(Flags::SHOWN) && self.demand.partial.get() {
            let window = session.span.window(self.rules.gap);
            let key = session.key.clone();
            self.removed
                .push((Windowed { window, key }, self.stage(session.span)));
        }
    }

    /// Takes the rows out that are not right any more, as changes.
    pub(super) fn take_removed<V>(&mut self) -> impl Iterator<Item = Change<Windowed<K::Key>, V>> {
        self.removed.drain(..).map(|(key, stage)| Change {
            key,
            value: None,
            stage,
        })
    }

    /// What the flags of a session change when it reaches further.
    #[inline(never)]
    fn reaches_further(&mut self, session: &mut Kept<K::Key, A::State>, to: Span) {
        self.remove_shown(session);
        // One that had ended may have its end ahead again.
        if session.flags.has(Flags::ENDED) && !self.has_ended(to) {
            session.flags.take(Flags::ENDED);
            if self.demand.ended.get() {
                self.file_end(session, to);
            }
        }
    }
}

impl<T, K: KeyOf<T>, A: Aggregate<T>> Noting<K::Key, A::State> for Notes<T, K, A> {
    fn begins(&mut self, session: &mut Kept<K::Key, A::State>) {
        if self.has_ended(session.span) {
            session.flags.set(Flags::ENDED);
        } else if self.demand.ended.get() {
            self.file_end(session, session.span);
        }
        self.file_close(session);
        self.change(session);
    }

    #[inline]
    fn grows(&mut self, session: &mut Kept<K::Key, A::State>, to: Span) {
        if !session.flags.has(self.noted()) {
            self.change(session);
        }
        if to != session.span && session.flags.has_any(Flags::SHOWN.with(Flags::ENDED)) {
            self.reaches_further(session, to);
        }
    }

    fn is_joined(&mut self, session: &mut Kept<K::Key, A::State>) {
        self.remove_shown(session);
        if let Some(frozen) = &mut self.frozen {
            frozen.join(session);
        }
    }
}
