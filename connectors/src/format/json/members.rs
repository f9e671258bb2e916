//! The members of an object, one after the other, as its type asks for them.
//!
//! Of a member that a derived type ignores it is not even told: the walk passes over it. That a member is ignored is
//! learnt by watching the type: its name is none of the type's fields, and the type has asked for its value to be ignored.
//!
//! *Invariant*: a type that asks out of turn, for a name where a value is due or the other way round, is left to the parser.

use serde::de::{DeserializeSeed, MapAccess};

use super::name::{Left, Name, Number, is_derived, is_ignored, number_of};
use super::names::Names;
use super::shape::{MemberIdx, Use};
use super::shapes::Place;
use super::walk::Walk;

/// What the type is to ask for next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Name,
    Value,
    /// The value of a member that it may ignore whenever it comes.
    ValueWatched,
}

/// What stands in an object.
pub(super) struct Members<'w, 's, 'de> {
    walk: &'w mut Walk<'s, 'de>,
    shape: usize,
    fields: &'static [&'static str],
    names: Names,
    due: Due,
}

impl<'w, 's, 'de> Members<'w, 's, 'de> {
    #[inline(always)]
    pub(super) fn enter(
        walk: &'w mut Walk<'s, 'de>,
        shape: usize,
        fields: &'static [&'static str],
    ) -> Result<Self, Left> {
        walk.enter()?;
        Ok(Members {
            names: Names::new(walk, shape),
            walk,
            shape,
            fields,
            due: Due::Name,
        })
    }

    /// Goes out of the object, of which the type has made `read`.
    #[inline(always)]
    pub(super) fn exit<T>(self, read: Result<T, Left>) -> Result<T, Left> {
        let value = self.walk.noted(read)?;
        if self.due != Due::Name {
            return self.walk.leave();
        }
        self.names.end(self.walk);
        // A type may stop asking early, if there is no more.
        self.walk.exit(b'}')?;
        Ok(value)
    }
}

/// Gives the type a name of which nothing is known yet, and looks what it makes of it.
#[cold]
#[inline(never)]
fn introduce<'de, K: DeserializeSeed<'de>>(
    walk: &mut Walk<'_, 'de>,
    (shape, names): (usize, Names),
    fields: &'static [&'static str],
    seed: K,
) -> Result<(K::Value, Due), Left> {
    let name = names.name(walk);
    let read = seed.deserialize(Name(name));
    let value = walk.noted(read)?;
    let mut due = Due::Value;
    match number_of(&value) {
        Some(number) if is_derived::<K, K::Value>() => match fields.contains(&name) {
            true => learn(walk, (shape, names.member), Use::Numbered(number)),
            false => due = Due::ValueWatched,
        },
        _ => learn(walk, (shape, names.member), Use::Named),
    }
    Ok((value, due))
}

#[cold]
#[inline(never)]
fn learn(walk: &mut Walk<'_, '_>, (shape, member): (usize, MemberIdx), used: Use) {
    if let Some(member) = walk.shapes.shape_mut(shape).find_mut(member) {
        member.used = used;
    }
}

impl<'de> MapAccess<'de> for Members<'_, '_, 'de> {
    type Error = Left;

    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Left> {
        if self.due != Due::Name {
            return self.walk.leave();
        }
        if !self.names.next(self.walk)? {
            return Ok(None);
        }
        self.due = Due::Value;
        let read = match self.names.used {
            Use::Numbered(number) => match seed.deserialize(Number(number)) {
                Ok(name) if number_of(&name) == Some(number) => Ok(name),
                _ => {
                    learn(self.walk, (self.shape, self.names.member), Use::Named);
                    Err(Left)
                }
            },
            Use::Named => seed.deserialize(Name(self.names.name(self.walk))),
            Use::Unknown | Use::Ignored => {
                let at = (self.shape, self.names);
                let (name, due) = introduce(self.walk, at, self.fields, seed)?;
                self.due = due;
                Ok(name)
            }
        };
        self.walk.noted(read).map(Some)
    }

    #[inline(always)]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Left> {
        let due = std::mem::replace(&mut self.due, Due::Name);
        if due == Due::Name {
            return self.walk.leave();
        }
        let place = Place::in_member(self.shape, self.names.member);
        let value = self.walk.value(place, seed)?;
        if due == Due::ValueWatched {
            let used = match is_ignored::<S>() {
                true => Use::Ignored,
                false => Use::Named,
            };
            learn(self.walk, (self.shape, self.names.member), used);
        }
        Ok(value)
    }
}
