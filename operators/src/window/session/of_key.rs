//! The sessions of one key: nearly always one, which lies where the key is looked up.
//!
//! Where there are several they are kept by name. A session's name lies within its span, and of no two of a key's sessions do
//! the spans meet: so the order of their names is that of time, and what something belongs to is found without looking at
//! the others. That holds while records are put in; while sessions are taken back they are only looked up by name.

use std::collections::BTreeMap;
use std::mem::replace;
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use millstream_engine::EventTime;

use super::kept::Kept;
use super::span::Span;

/// The sessions of a key; at least one.
pub(super) enum OfKey<K, S> {
    One(Kept<K, S>),
    /// Two or more, by name. Most such keys have two, and the tree makes room for many at once: it has room for places only.
    Several {
        hash: u64,
        by_name: BTreeMap<EventTime, Box<Kept<K, S>>>,
    },
}

/// The sessions of a key that something belongs to.
pub(super) enum Touched<'a, K, S> {
    None,
    One(&'a mut Kept<K, S>),
    /// Their names.
    Several(Vec<EventTime>),
}

impl<K, S> OfKey<K, S> {
    /// The hash of the key.
    #[inline]
    pub(super) fn hash(&self) -> u64 {
        match self {
            OfKey::One(session) => session.hash,
            OfKey::Several { hash, .. } => *hash,
        }
    }

    /// The key.
    #[inline]
    pub(super) fn key(&self) -> &K {
        match self {
            OfKey::One(session) => &session.key,
            OfKey::Several { by_name, .. } => {
                let first = by_name.first_key_value();
                &first.expect("there are at least two").1.key
            }
        }
    }

    /// The sessions that `span` touches.
    #[inline]
    pub(super) fn touched(&mut self, span: Span, gap: Duration) -> Touched<'_, K, S> {
        match self {
            OfKey::One(session) if session.span.touches(span, gap) => Touched::One(session),
            OfKey::One(_) => Touched::None,
            OfKey::Several { by_name, .. } => touched(by_name, span, gap),
        }
    }

    /// The session of this name.
    pub(super) fn named(&self, name: EventTime) -> Option<&Kept<K, S>> {
        match self {
            OfKey::One(session) => Some(session).filter(|session| session.name == name),
            OfKey::Several { by_name, .. } => by_name.get(&name).map(Box::as_ref),
        }
    }

    /// The same, to change it.
    pub(super) fn named_mut(&mut self, name: EventTime) -> Option<&mut Kept<K, S>> {
        match self {
            OfKey::One(session) => Some(session).filter(|session| session.name == name),
            OfKey::Several { by_name, .. } => by_name.get_mut(&name).map(Box::as_mut),
        }
    }

    /// Adds one of another name.
    pub(super) fn insert(&mut self, session: Kept<K, S>) {
        if let OfKey::One(_) = self {
            let several = OfKey::Several {
                hash: session.hash,
                by_name: BTreeMap::new(),
            };
            if let OfKey::One(other) = replace(self, several) {
                self.insert(other);
            }
        }
        if let OfKey::Several { by_name, .. } = self {
            let before = by_name.insert(session.name, Box::new(session));
            assert!(before.is_none(), "no two sessions of a key have one name");
        }
    }

    /// Takes out the session of this name. If that was the last, nothing is left of the key, and it is to be dropped.
    pub(super) fn remove(&mut self, name: EventTime) -> Option<Kept<K, S>> {
        self.named(name)?;
        let none = OfKey::Several {
            hash: self.hash(),
            by_name: BTreeMap::new(),
        };
        let by_name = match self {
            OfKey::One(_) => return replace(self, none).into_sessions().next(),
            OfKey::Several { by_name, .. } => by_name,
        };
        let session = by_name.remove(&name);
        if by_name.len() == 1
            && let Some((_, last)) = by_name.pop_first()
        {
            *self = OfKey::One(*last);
        }
        session.map(|session| *session)
    }

    /// Whether all have been taken out.
    pub(super) fn is_empty(&self) -> bool {
        self.sessions().next().is_none()
    }

    /// All of them.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &Kept<K, S>> {
        let (one, several) = match self {
            OfKey::One(session) => (Some(session), None),
            OfKey::Several { by_name, .. } => (None, Some(by_name.values())),
        };
        let several = several.into_iter().flatten();
        one.into_iter().chain(several.map(Box::as_ref))
    }

    /// All of them, to change them.
    pub(super) fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Kept<K, S>> {
        let (one, several) = match self {
            OfKey::One(session) => (Some(session), None),
            OfKey::Several { by_name, .. } => (None, Some(by_name.values_mut())),
        };
        let several = several.into_iter().flatten();
        one.into_iter().chain(several.map(Box::as_mut))
    }

    /// All of them, taken out.
    pub(super) fn into_sessions(self) -> impl Iterator<Item = Kept<K, S>> {
        let (one, several) = match self {
            OfKey::One(session) => (Some(session), None),
            OfKey::Several { by_name, .. } => (None, Some(by_name.into_values())),
        };
        let several = several.into_iter().flatten();
        one.into_iter().chain(several.map(|session| *session))
    }
}

/// Those of several that `span` touches: they follow one another, around where its end would stand among the names.
fn touched<K, S>(
    by_name: &mut BTreeMap<EventTime, Box<Kept<K, S>>>,
    span: Span,
    gap: Duration,
) -> Touched<'_, K, S> {
    // Of those before, if one is too far away those before that are; and of those after, all but the first.
    let before = by_name.range(..=span.last).rev();
    let before = before.take_while(|(_, session)| session.span.touches(span, gap));
    let after = by_name.range((Excluded(span.last), Unbounded)).next();
    let after = after.filter(|(_, session)| session.span.touches(span, gap));
    let mut names = before.chain(after).map(|(name, _)| *name);
    match (names.next(), names.next()) {
        (None, _) => Touched::None,
        (Some(name), None) => {
            let session = by_name.get_mut(&name).expect("it was just found");
            Touched::One(session)
        }
        (Some(one), Some(other)) => {
            Touched::Several([one, other].into_iter().chain(names).collect())
        }
    }
}
