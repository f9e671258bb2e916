//! The sessions of all keys, found by the hash of the key.
//!
//! Nearly always a key has one session, and a record extends it: a look-up that compares the key where it lies in the
//! record, and no more. Where a key has several they lie together, in the order of time; none of them touches another.

use std::mem::{replace, size_of};
use std::time::Duration;

use hashbrown::HashTable;
use millstream_engine::EventTime;

use super::super::flags::Flags;
use super::kept::{Kept, Named};
use super::of_key::{OfKey, Touched};
use super::span::Span;

/// Whoever wants to hear what becomes of sessions, and puts down in them what it needs.
pub(super) trait Noting<K, S> {
    /// A session begins.
    fn begins(&mut self, session: &mut Kept<K, S>);
    /// A session is about to be given something, and to reach from here to there then.
    fn grows(&mut self, session: &mut Kept<K, S>, to: Span);
    /// A session is about to be joined to another.
    fn is_joined(&mut self, session: &mut Kept<K, S>);
}

/// Nobody wants to hear of it.
impl<K, S> Noting<K, S> for () {
    fn begins(&mut self, _session: &mut Kept<K, S>) {}
    fn grows(&mut self, _session: &mut Kept<K, S>, _to: Span) {}
    fn is_joined(&mut self, _session: &mut Kept<K, S>) {}
}

/// What is to be put into a session: of which key it is, and from when to when.
pub(super) struct Comes<I, K> {
    pub(super) hash: u64,
    /// Whether it is of that key.
    pub(super) is: I,
    /// Its key.
    pub(super) key: K,
    pub(super) span: Span,
}

/// The sessions of all keys.
pub(super) struct Sessions<K, S> {
    gap: Duration,
    by_key: HashTable<OfKey<K, S>>,
    /// How many sessions there are.
    len: usize,
}

/// Fewer places than this are not worth giving back.
const PLACES_KEPT: usize = 1024;

/// About what it takes, beside the session, to keep one that is not the only one of its key.
const PLACE_BYTES: usize = 32;

impl<K, S: Default> Sessions<K, S> {
    pub(super) fn new(gap: Duration) -> Self {
        Sessions {
            gap,
            by_key: HashTable::new(),
            len: 0,
        }
    }

    /// How many keys have a session.
    pub(super) fn n_keys(&self) -> usize {
        self.by_key.len()
    }

    /// How many sessions there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// About how many bytes they take, but for what lies on the heap beside keys and states.
    pub(super) fn n_bytes(&self) -> usize {
        let n_more = self.len - self.by_key.len();
        self.by_key.allocation_size() + n_more * (size_of::<Kept<K, S>>() + PLACE_BYTES)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept<K, S>> {
        self.by_key.iter().flat_map(OfKey::sessions)
    }

    /// All of them, to change what is noted of them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Kept<K, S>> {
        self.by_key.iter_mut().flat_map(OfKey::sessions_mut)
    }

    /// Has `fold` put what `comes` into the session it belongs to, which it may begin, or have `merge` make of several.
    #[inline]
    pub(super) fn put(
        &mut self,
        comes: Comes<impl Fn(&K) -> bool, impl FnOnce() -> K>,
        noting: &mut impl Noting<K, S>,
        merge: impl Fn(&mut S, S),
        fold: impl FnOnce(&mut S),
    ) {
        let Comes {
            hash,
            is,
            key,
            span,
        } = comes;
        let is_it = |of_key: &OfKey<K, S>| of_key.hash() == hash && is(of_key.key());
        let begin = |noting: &mut _| {
            let mut session = Kept::new(hash, key(), span);
            Noting::begins(noting, &mut session);
            session
        };
        let Some(of_key) = self.by_key.find_mut(hash, is_it) else {
            let mut session = begin(noting);
            fold(&mut session.state);
            self.insert_key(session);
            return;
        };
        match of_key.touched(span, self.gap) {
            Touched::One(session) => {
                let to = session.span.and(span);
                noting.grows(session, to);
                session.span = to;
                fold(&mut session.state);
            }
            Touched::None => {
                let mut session = begin(noting);
                fold(&mut session.state);
                of_key.insert(session);
                self.len += 1;
            }
            Touched::Several(names) => {
                self.len -= names.len() - 1;
                let session = join(of_key, &names, span, noting, merge);
                fold(&mut session.state);
            }
        }
    }

    /// Adds the first session of a key.
    fn insert_key(&mut self, session: Kept<K, S>) -> &mut OfKey<K, S> {
        self.len += 1;
        let hash = session.hash;
        let inserted = self
            .by_key
            .insert_unique(hash, OfKey::One(session), OfKey::hash);
        inserted.into_mut()
    }

    /// The session of this name that `is_it`: two keys of one hash may both have one of this name.
    pub(super) fn find(
        &mut self,
        (hash, name): Named,
        is_it: impl Fn(&Kept<K, S>) -> bool,
    ) -> Option<&mut Kept<K, S>> {
        let of_hash = self.by_key.iter_hash_mut(hash);
        let mut of_name = of_hash
            .filter(|of_key| of_key.hash() == hash)
            .filter_map(|of_key| of_key.named_mut(name));
        of_name.find(|session| is_it(session))
    }

    /// The session of this name, if it is there and has `flag`.
    pub(super) fn named(&mut self, named: Named, flag: Flags) -> Option<&mut Kept<K, S>> {
        // Of two keys with the same hash both may have a session of this name: then the flag of one is taken first.
        self.find(named, |session| session.flags.has(flag))
    }

    /// Takes out the session of this name that `is_it`.
    pub(super) fn take(
        &mut self,
        (hash, name): Named,
        is_it: impl Fn(&Kept<K, S>) -> bool,
    ) -> Option<Kept<K, S>> {
        let has_it =
            |of_key: &OfKey<K, S>| of_key.hash() == hash && of_key.named(name).is_some_and(&is_it);
        let mut entry = self.by_key.find_entry(hash, has_it).ok()?;
        let session = entry.get_mut().remove(name)?;
        if entry.get().is_empty() {
            entry.remove();
        }
        self.len -= 1;
        Some(session)
    }

    /// Takes all out, and makes room for as many again.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Kept<K, S>> {
        self.len = 0;
        let empty = HashTable::with_capacity(self.by_key.len());
        let by_key = replace(&mut self.by_key, empty);
        by_key.into_iter().flat_map(OfKey::into_sessions)
    }

    /// Gives back room after a time when there were many more.
    pub(super) fn shrink(&mut self) {
        let len = self.by_key.len();
        let is_roomy = self.by_key.capacity() > PLACES_KEPT.max(len * 8);
        if is_roomy || (len == 0 && self.by_key.capacity() > 0) {
            self.by_key.shrink_to(len * 2, OfKey::hash);
        }
    }
}

impl<K: Eq, S: Default> Sessions<K, S> {
    /// The session of `key` that has this name, begun if there is none.
    pub(super) fn of_name(&mut self, hash: u64, key: K, name: EventTime) -> &mut Kept<K, S> {
        let is_it = |of_key: &OfKey<K, S>| of_key.hash() == hash && *of_key.key() == key;
        let session = |key| Kept::new(hash, key, Span::at(name));
        let of_key = if self.by_key.find(hash, is_it).is_none() {
            self.insert_key(session(key))
        } else {
            let of_key = self.by_key.find_mut(hash, is_it);
            let of_key = of_key.expect("it was just found");
            if of_key.named(name).is_none() {
                of_key.insert(session(key));
                self.len += 1;
            }
            of_key
        };
        of_key.named_mut(name).expect("it was made")
    }
}

/// Makes one of the sessions of a key that have these `names`, and reach `span`.
fn join<'s, K, S>(
    of_key: &'s mut OfKey<K, S>,
    names: &[EventTime],
    span: Span,
    noting: &mut impl Noting<K, S>,
    merge: impl Fn(&mut S, S),
) -> &'s mut Kept<K, S> {
    // One that is in a snapshot goes on under its name, so that only what comes to it has to be saved.
    let is_saved = |name: &&EventTime| {
        let session = of_key.named(**name);
        session.is_some_and(|session| session.flags.has(Flags::SAVED))
    };
    let goes_on = *names.iter().find(is_saved).unwrap_or(&names[0]);
    let joined = names.iter().filter(|name| **name != goes_on);
    let others: Vec<_> = joined.filter_map(|name| of_key.remove(*name)).collect();
    let session = of_key.named_mut(goes_on).expect("it was just found");
    let to = others.iter().fold(span, |to, other| to.and(other.span));
    let to = to.and(session.span);
    noting.grows(session, to);
    session.span = to;
    for mut other in others {
        noting.is_joined(&mut other);
        merge(&mut session.state, other.state);
    }
    session
}
