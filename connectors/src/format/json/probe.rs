//! Asking a type what it wants, by letting it ask.

use std::cell::Cell;

use serde::de::value::Error as ProbeError;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// Whether `T` asks for named fields, found by letting it ask.
pub(super) fn wants_object<T: for<'de> Deserialize<'de>>() -> bool {
    let asked = Cell::new(false);
    let refused = T::deserialize(Probe {
        asked_for_object: &asked,
    });
    asked.get() && refused.is_err()
}

/// Refuses everything and remembers what was asked for.
struct Probe<'a> {
    asked_for_object: &'a Cell<bool>,
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = ProbeError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError::custom("a probe has no value"))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ProbeError> {
        self.asked_for_object.set(true);
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ProbeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ProbeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct enum identifier ignored_any
    }
}
