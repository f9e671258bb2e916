//! Enums: `"Name"`, or `{"Name":…}` with what the variant holds.

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor};

use super::name::{Left, Name};
use super::names::Names;
use super::shapes::Place;
use super::value::Value;
use super::walk::Walk;

/// A variant that is written as an object of one member.
pub(super) struct Variant<'w, 's, 'de> {
    walk: &'w mut Walk<'s, 'de>,
    place: Place,
    name: &'de str,
}

impl<'w, 's, 'de> Variant<'w, 's, 'de> {
    /// Goes into the object, up to what the variant holds.
    #[inline]
    pub(super) fn enter(walk: &'w mut Walk<'s, 'de>, shape: usize) -> Result<Self, Left> {
        walk.enter()?;
        let mut names = Names::new(walk, shape);
        if !names.next(walk)? {
            return walk.leave();
        }
        let name = names.name(walk);
        let place = Place::in_member(shape, names.member);
        names.end(walk);
        Ok(Variant { walk, place, name })
    }

    fn value(self) -> Value<'w, 's, 'de> {
        Value {
            walk: self.walk,
            place: self.place,
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Left;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Left> {
        let read = seed.deserialize(Name(self.name));
        Ok((self.walk.noted(read)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Left;

    fn unit_variant(self) -> Result<(), Left> {
        serde::Deserialize::deserialize(self.value())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Left> {
        seed.deserialize(self.value())
    }

    /// The elements are of several types, of which none is expected in the place of another.
    fn tuple_variant<V: Visitor<'de>>(self, _n: usize, visitor: V) -> Result<V::Value, Left> {
        let value = Value {
            walk: self.walk,
            place: Place::NOWHERE,
        };
        value.deserialize_seq(visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Left> {
        self.value().deserialize_struct("", fields, visitor)
    }
}

/// A variant that is written as its name, and holds nothing.
pub(super) struct UnitVariant<'w, 's, 'de> {
    pub(super) walk: &'w mut Walk<'s, 'de>,
    pub(super) name: &'de str,
}

impl<'de> EnumAccess<'de> for UnitVariant<'_, '_, 'de> {
    type Error = Left;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Left> {
        let read = seed.deserialize(Name(self.name));
        Ok((self.walk.noted(read)?, self))
    }
}

impl<'de> VariantAccess<'de> for UnitVariant<'_, '_, 'de> {
    type Error = Left;

    #[inline]
    fn unit_variant(self) -> Result<(), Left> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _seed: S) -> Result<S::Value, Left> {
        self.walk.leave()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _n: usize, _visitor: V) -> Result<V::Value, Left> {
        self.walk.leave()
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Left> {
        self.walk.leave()
    }
}
