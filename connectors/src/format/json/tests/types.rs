//! Types of all kinds that serde knows, which take what they know of the same records.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use millstream_engine::EventTime;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Flat {
    id: u64,
    n: i64,
    name: String,
    text: Option<String>,
    flag: bool,
    x: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Required {
    id: u32,
    name: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Narrow {
    name: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Nested {
    id: Option<u16>,
    inner: Flat,
    boxed: Option<Box<Nested>>,
    kind: Option<Kind>,
    time: Option<EventTime>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) struct Renamed {
    #[serde(rename = "name", alias = "text")]
    title: Option<String>,
    #[serde(alias = "n", alias = "id")]
    x: Option<f32>,
    #[serde(rename = "flag")]
    flagged: Option<bool>,
    #[serde(skip)]
    skipped: u8,
    #[serde(rename = "inner", skip_serializing)]
    within: Narrow,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Strict {
    #[serde(default)]
    id: i64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    n: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Kind {
    Unit,
    New(Flat),
    Pair(u8, String),
    Named {
        id: Option<u64>,
        name: Option<String>,
    },
    #[serde(alias = "Both", rename = "other kind")]
    Other(Option<Box<Kind>>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kinds {
    kind: Kind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "name")]
pub(super) enum Internal {
    #[serde(rename = "a")]
    A { id: u64 },
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "name", content = "inner")]
pub(super) enum Adjacent {
    #[serde(rename = "a")]
    A(Flat),
    #[serde(rename = "b")]
    B { id: Option<u8> },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Untagged {
    Required(Required),
    Time { time: EventTime },
    Any(Value),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Flattened {
    name: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FlattenedStruct {
    id: Option<u64>,
    #[serde(flatten)]
    rest: Narrow,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Lists {
    list: Vec<Flat>,
    numbers: Vec<i32>,
    pair: Option<(u8, String)>,
    kinds: Vec<Kind>,
    inner: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Numbers {
    id: Option<u8>,
    n: Option<i128>,
    x: Option<f32>,
    numbers: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Exotic {
    id: Option<u128>,
    n: Option<i8>,
    name: Option<char>,
    flag: Option<()>,
    text: Option<Box<RawValue>>,
    x: Lenient,
    inner: Wrapped,
    list: OneField,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Wrapped(Narrow);

/// Text or a number, as a type of its own that asks for anything.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Lenient(String);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Lenient(value.to_string()))
    }
}

/// Only the first element or member, and a fault if there are more.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct OneField(Option<String>);

impl<'de> Deserialize<'de> for OneField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = OneField;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one element")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneField, A::Error> {
                let first: Option<IgnoredAny> = list.next_element()?;
                Ok(OneField(first.map(|_| "one".to_owned())))
            }
        }
        deserializer.deserialize_seq(First)
    }
}

/// Names its fields to serde, and then tells them apart by text, by their first letter, and by how many came before.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct ByHand {
    names: Vec<String>,
    sum: u64,
}

impl<'de> Deserialize<'de> for ByHand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = ByHand;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("members")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByHand, A::Error> {
                let mut read = ByHand::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name.starts_with('i') && read.names.len() < 3 {
                        let value = map.next_value::<Value>()?;
                        read.sum ^= value.as_u64().unwrap_or(0);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    read.names.push(name);
                }
                Ok(read)
            }
        }
        deserializer.deserialize_struct("ByHand", &["id"], Members)
    }
}

/// Makes light of what is wrong with a field.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Careless {
    #[serde(deserialize_with = "or_default")]
    id: u8,
    #[serde(deserialize_with = "or_default")]
    inner: Strictest,
    #[serde(deserialize_with = "or_default")]
    numbers: Vec<u8>,
    name: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Strictest {
    id: Option<u8>,
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(T::deserialize(deserializer).unwrap_or_default())
}

/// Ignores a field that it has, and knows if it was there.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Ignoring {
    has_x: bool,
}

impl<'de> Deserialize<'de> for Ignoring {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(default)]
            x: Option<IgnoredAny>,
            #[serde(default)]
            id: IgnoredAny,
        }
        let fields = Fields::deserialize(deserializer)?;
        let IgnoredAny = fields.id;
        Ok(Ignoring {
            has_x: fields.x.is_some(),
        })
    }
}

/// Derived as if by one who does not say all names that he knows, as older derives did with aliases.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Reticent {
    name: Option<String>,
    x: Option<f64>,
    inner: Option<Narrow>,
}

#[allow(non_camel_case_types)]
#[derive(Deserialize)]
#[serde(field_identifier)]
enum __Field {
    #[serde(rename = "name", alias = "text")]
    __field0,
    #[serde(rename = "x")]
    __field1,
    #[serde(rename = "inner")]
    __field2,
    #[serde(other)]
    __ignore,
}

impl<'de> Deserialize<'de> for Reticent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Reticent;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("members")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reticent, A::Error> {
                let mut read = Reticent::default();
                while let Some(name) = map.next_key::<__Field>()? {
                    match name {
                        __Field::__field0 => read.name = map.next_value()?,
                        __Field::__field1 => read.x = map.next_value()?,
                        __Field::__field2 => read.inner = map.next_value()?,
                        __Field::__ignore => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(read)
            }
        }
        deserializer.deserialize_struct("Reticent", &["name"], Members)
    }
}

/// Takes the first member, whatever its name is, and makes names of its own of what is derived.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct First(Option<Value>);

struct IsFirst(bool);

impl<'de> DeserializeSeed<'de> for IsFirst {
    type Value = __Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<__Field, D::Error> {
        String::deserialize(deserializer)?;
        Ok(match self.0 {
            true => __Field::__field0,
            false => __Field::__ignore,
        })
    }
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = First;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("members")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<First, A::Error> {
                let mut read = First(None);
                while let Some(name) = map.next_key_seed(IsFirst(read.0.is_none()))? {
                    match name {
                        __Field::__field0 => read.0 = Some(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(read)
            }
        }
        deserializer.deserialize_struct("First", &[], Members)
    }
}

/// Asks out of turn.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Hasty(Vec<String>);

impl<'de> Deserialize<'de> for Hasty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Hasty;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("members")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hasty, A::Error> {
                let mut read = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    match name.len() {
                        1 => read.push(map.next_key::<String>().map(|_| name).unwrap_or_default()),
                        2 => read.push(map.next_value::<Value>()?.to_string()),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            read.push(map.next_value::<Value>().unwrap_or_default().to_string());
                        }
                    }
                }
                Ok(Hasty(read))
            }
        }
        deserializer.deserialize_struct("Hasty", &[], Members)
    }
}

/// Looks at nothing, and stands wherever it is asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Ok(Unread)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Unreads {
    id: Unread,
    list: Vec<Unread>,
    inner: Option<Unread>,
    kind: Option<Named>,
    data: Lazy,
}

/// To whom the name of a variant is enough.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Named(String);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Named;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<Named, A::Error> {
                Ok(Named(variant.variant::<String>()?.0))
            }
        }
        deserializer.deserialize_enum("Named", &["Unit"], Name)
    }
}

/// Who stops after the first name.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Lazy(Option<String>);

impl<'de> Deserialize<'de> for Lazy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = Lazy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("members")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lazy, A::Error> {
                map.next_key().map(Lazy)
            }
        }
        deserializer.deserialize_struct("Lazy", &["id"], First)
    }
}

/// Finds fault with some of what it is given.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Even(u64);

impl<'de> Deserialize<'de> for Even {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            id: u64,
        }
        match Fields::deserialize(deserializer)?.id {
            id if id % 2 == 0 => Ok(Even(id)),
            id => Err(D::Error::custom(format!("{id} is odd"))),
        }
    }
}

/// A number that is even, or what was said of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Keeping {
    #[serde(deserialize_with = "kept")]
    id: Option<Result<Halved, String>>,
    #[serde(deserialize_with = "kept")]
    kind: Option<Result<Kind, String>>,
    #[serde(deserialize_with = "kept")]
    inner: Option<Result<Required, String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Halved(u64);

impl TryFrom<u64> for Halved {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        match number % 2 {
            0 => Ok(Halved(number / 2)),
            _ => Err(format!("{number} is odd")),
        }
    }
}

/// Goes on where something is wrong, and keeps what it was.
fn kept<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Result<T, String>>, D::Error> {
    Ok(Some(
        T::deserialize(deserializer).map_err(|error| error.to_string()),
    ))
}

/// To whom any variant is good that it does not know.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Undaunted(Option<Kind>);

impl<'de> Deserialize<'de> for Undaunted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl<'de> Visitor<'de> for Known {
            type Value = Undaunted;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a variant")
            }
            fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<Undaunted, A::Error> {
                let known = variant.variant::<Variants>();
                let Ok((Variants::Unit, variant)) = known else {
                    return Ok(Undaunted(None));
                };
                Ok(Undaunted(variant.unit_variant().ok().map(|()| Kind::Unit)))
            }
        }
        deserializer.deserialize_enum("Kind", &["Unit"], Known)
    }
}

#[derive(Deserialize)]
#[serde(variant_identifier)]
enum Variants {
    Unit,
    New,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AnyKind {
    kind: Undaunted,
    id: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "what was read is looked at as it is shown")]
pub(super) struct Borrowed<'a> {
    #[serde(borrow, default)]
    name: Option<&'a str>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    inner: Option<&'a RawValue>,
}

/// Calls `$check::<T>` for every type `T`.
macro_rules! for_all_types {
    ($check:ident) => {
        $check! {
            Flat, Required, Narrow, Nested, Renamed, Strict, Kind, Kinds, Internal, Adjacent, Untagged,
            Flattened, FlattenedStruct, Lists, Numbers, Exotic, ByHand, Careless, Ignoring, Even,
            Reticent, First, Hasty, Keeping, AnyKind, Unread, Unreads, Lazy, Named, Vec<Unread>,
            Event<Narrow>, Event<Flat>, Vec<Flat>, BTreeMap<String, Value>, (u64, String),
            Value, u64, f64, String, EventTime, Option<Flat>
        }
    };
}

pub(super) use for_all_types;
