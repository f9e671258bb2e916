//! Names: how a type is told which member comes.
//!
//! A type may be given any name as text, and that is what a hand-written one is given. A derived one makes of it one of
//! its own numbered variants, and of the variant's number the same one, without comparing text: that is what it is
//! given once it is known which variant a name makes. That it has made the same variant of the number is checked each
//! time, so nothing depends on how names and numbers hang together.

use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::mem::{discriminant, needs_drop};

use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serde::forward_to_deserialize_any;

/// Something that is left to the parser: it is slower, and it alone says what is wrong.
///
/// It does not say what, so a type that looks at the text of its errors must be read by the parser: it may keep the text.
#[derive(Clone, Copy)]
pub(super) struct Left;

thread_local! {
    static N_SHOWN: Cell<u32> = const { Cell::new(0) };
}

/// How often the text of a [`Left`] was looked at in this thread.
pub(super) fn n_shown() -> u32 {
    N_SHOWN.get()
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        N_SHOWN.set(N_SHOWN.get().wrapping_add(1));
        f.write_str("left to the parser")
    }
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Left {}

impl Error for Left {
    #[inline]
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Left
    }
}

/// A name as text.
pub(super) struct Name<'de>(pub(super) &'de str);

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = Left;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Left> {
        Err(Left)
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        visitor.visit_borrowed_str(self.0)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        visitor.visit_borrowed_str(self.0)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        visitor.visit_borrowed_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum ignored_any
    }
}

/// A name as the number of the variant that a derived type makes of it.
pub(super) struct Number(pub(super) u16);

impl<'de> Deserializer<'de> for Number {
    type Error = Left;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Left> {
        Err(Left)
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        visitor.visit_u64(u64::from(self.0))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum ignored_any
    }
}

/// Whether with a seed `S` that makes a `K` serde's derive asks for a name: a plain enum, of no use to anything but telling
/// members apart. Another's seed may make it of the name in a way of its own.
pub(super) fn is_derived<S, K>() -> bool {
    let is_field = type_name::<K>().ends_with("::__Field") && is_plain::<S, K>();
    is_field && size_of::<K>() <= 2 && !needs_drop::<K>()
}

/// Whether with a seed `S` nothing is asked for but to ignore a value.
pub(super) fn is_ignored<S>() -> bool {
    is_plain::<S, IgnoredAny>()
}

/// Whether the seed `S` is nothing but the wish for a `T`.
fn is_plain<S, T>() -> bool {
    type_name::<S>() == type_name::<PhantomData<T>>()
}

/// The number of the variant that `name` is.
#[inline]
pub(super) fn number_of<K>(name: &K) -> Option<u16> {
    let mut number = Noted(0);
    discriminant(name).hash(&mut number);
    u16::try_from(number.0).ok()
}

/// Keeps the number that is hashed.
struct Noted(u64);

impl Hasher for Noted {
    #[inline]
    fn write_isize(&mut self, number: isize) {
        self.0 = number as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
