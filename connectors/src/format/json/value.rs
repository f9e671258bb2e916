//! Values: what a type asks for, read where the walk stands.
//!
//! Objects with known names, lists, enums, text, integers, booleans and nulls are read here; all else by the parser, from
//! the value's text alone. Each is handed to the type by the same method as the parser would, so that a type cannot tell
//! them apart: unless it keeps the text of an error of something inside a value that the parser reads, where a place is then
//! counted from the beginning of that value.

use serde::de::{Deserializer, Visitor};
use serde_json::de::StrRead;

use super::asker::Asker;
use super::elements::Elements;
use super::members::Members;
use super::name::Left;
use super::scan::word_end;
use super::shapes::Place;
use super::variant::{UnitVariant, Variant};
use super::walk::Walk;

/// By this beginning of its name the parser knows a type of its own, which it reads in a way of its own.
const OF_THE_PARSER: &str = "$serde_json::";

/// The value at which the walk stands.
pub(super) struct Value<'w, 's, 'de> {
    pub(super) walk: &'w mut Walk<'s, 'de>,
    pub(super) place: Place,
}

impl<'de> Value<'_, '_, 'de> {
    /// Has the value read by the parser.
    #[cold]
    fn parsed<T>(
        self,
        read: impl FnOnce(&mut serde_json::Deserializer<StrRead<'de>>) -> serde_json::Result<T>,
    ) -> Result<T, Left> {
        let text = self.walk.cut()?;
        self.walk.shapes.n_parsed += text.len();
        let mut parser = serde_json::Deserializer::from_str(text);
        let parsed = read(&mut parser).and_then(|value| parser.end().map(|()| value));
        self.walk.noted(parsed.map_err(|_| Left))
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
            let read = match self.walk.plain_integer() {
                Some(number @ 0..) => visitor.visit_u64(number.cast_unsigned()),
                Some(number) => visitor.visit_i64(number),
                None => return self.parsed(|parser| parser.$method(visitor)),
            };
            self.walk.noted(read)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
            let read = match self.walk.plain_text() {
                Some(text) => visitor.visit_borrowed_str(text),
                None => return self.parsed(|parser| parser.$method(visitor)),
            };
            self.walk.noted(read)
        }
    )*};
}

macro_rules! parsed {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
            self.parsed(|parser| parser.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_, '_, 'de> {
    type Error = Left;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f32 deserialize_f64
    }

    texts! { deserialize_str deserialize_string deserialize_char deserialize_identifier }

    parsed! {
        deserialize_any deserialize_i128 deserialize_u128 deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_map
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        let (bytes, at) = (self.walk.bytes(), self.walk.at);
        let (end, value) = match word_end(bytes, at, b"true") {
            Some(end) => (end, true),
            None => match word_end(bytes, at, b"false") {
                Some(end) => (end, false),
                None => return self.parsed(|parser| parser.deserialize_bool(visitor)),
            },
        };
        self.walk.at = end;
        let read = visitor.visit_bool(value);
        self.walk.noted(read)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        if self.walk.byte() != b'n' {
            return visitor.visit_some(self);
        }
        match word_end(self.walk.bytes(), self.walk.at, b"null") {
            Some(end) => {
                self.walk.at = end;
                let read = visitor.visit_none();
                self.walk.noted(read)
            }
            None => self.walk.leave(),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Left> {
        if name.starts_with(OF_THE_PARSER) {
            return self.parsed(|parser| parser.deserialize_newtype_struct(name, visitor));
        }
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        if self.walk.byte() != b'[' {
            return self.parsed(|parser| parser.deserialize_seq(visitor));
        }
        let mut elements = Elements::enter(self.walk, self.place)?;
        let read = visitor.visit_seq(&mut elements);
        elements.exit(read)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, n: usize, visitor: V) -> Result<V::Value, Left> {
        self.parsed(|parser| parser.deserialize_tuple(n, visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        n: usize,
        visitor: V,
    ) -> Result<V::Value, Left> {
        self.parsed(|parser| parser.deserialize_tuple_struct(name, n, visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Left> {
        self.parsed(|parser| parser.deserialize_unit_struct(name, visitor))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Left> {
        if self.walk.byte() == b'{'
            && let Some(shape) = self.walk.shapes.at(self.place, Asker::of::<V>(fields))
        {
            let mut members = Members::enter(self.walk, shape, fields)?;
            let read = visitor.visit_map(&mut members);
            return members.exit(read);
        }
        self.parsed(|parser| parser.deserialize_struct(name, fields, visitor))
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Left> {
        match self.walk.byte() {
            b'"' => {
                if let Some(name) = self.walk.plain_text() {
                    let walk = &mut *self.walk;
                    let read = visitor.visit_enum(UnitVariant { walk, name });
                    return self.walk.noted(read);
                }
            }
            b'{' => {
                if let Some(shape) = self.walk.shapes.at(self.place, Asker::of::<V>(variants)) {
                    let variant = Variant::enter(self.walk, shape)?;
                    let read = visitor.visit_enum(variant);
                    let value = self.walk.noted(read)?;
                    self.walk.exit(b'}')?;
                    return Ok(value);
                }
            }
            _ => {}
        }
        self.parsed(|parser| parser.deserialize_enum(name, variants, visitor))
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Left> {
        self.walk.skip()?;
        let read = visitor.visit_unit();
        self.walk.noted(read)
    }
}
