//! The id of an event: its `eventId`, found without making a value of the rest.
//!
//! The record is gone through up to the id and nothing of it is copied but the id. It need not be good: an event of which
//! something else is broken is still the one that it says it is. Names are expected in the order of the events before.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::asker::Asker;
use super::name::Left;
use super::names::Names;
use super::shape::Use;
use super::shapes::{Place, Shapes};
use super::walk::Walk;

const EVENT_ID: &str = "eventId";

/// The `eventId` of the object in `record`, if it is a string that is not empty, or a number.
pub(super) fn find(record: &[u8], shapes: &mut Shapes) -> Option<String> {
    let text = std::str::from_utf8(record).ok();
    match text.map(|text| walk_to(&mut Walk::new(text, shapes))) {
        Some(Ok(found)) => found,
        _ => parse(record),
    }
}

fn walk_to(walk: &mut Walk<'_, '_>) -> Result<Option<String>, Left> {
    let asker = Asker::of::<Members<'_>>(&[EVENT_ID]);
    if walk.byte() != b'{' {
        return walk.leave();
    }
    let Some(shape) = walk.shapes.at(Place::ROOT, asker) else {
        return walk.leave();
    };
    walk.enter()?;
    let mut names = Names::new(walk, shape);
    while names.next(walk)? {
        if names.name(walk) == EVENT_ID {
            names.end(walk);
            return plain_id(walk);
        }
        if let Some(member) = walk.shapes.shape_mut(shape).find_mut(names.member) {
            member.used = Use::Ignored;
        }
        walk.skip()?;
    }
    names.end(walk);
    Ok(None)
}

fn plain_id(walk: &mut Walk<'_, '_>) -> Result<Option<String>, Left> {
    let id = match walk.byte() {
        b'-' | b'0'..=b'9' => walk.cut()?,
        _ => match walk.plain_text() {
            Some(text) => text,
            None => return walk.leave(),
        },
    };
    Ok((!id.is_empty()).then(|| id.to_owned()))
}

pub(super) fn parse(record: &[u8]) -> Option<String> {
    let mut found = None;
    let mut record = serde_json::Deserializer::from_slice(record);
    // What comes after the id may be broken.
    let _ = record.deserialize_map(Members { found: &mut found });
    found
}

struct Members<'a> {
    found: &'a mut Option<String>,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        // A name with escapes in it cannot be borrowed, and is read as it stands.
        while let Some(name) = object.next_key::<&'de RawValue>()? {
            if name.get() == "\"eventId\"" {
                *self.found = text(object.next_value()?);
                return Ok(());
            }
            object.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

fn text(value: &RawValue) -> Option<String> {
    let value = value.get();
    match value.as_bytes().first()? {
        b'"' => serde_json::from_str(value)
            .ok()
            .filter(|text: &String| !text.is_empty()),
        b'-' | b'0'..=b'9' => Some(value.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, expected: Option<&str>) {
        let mut shapes = Shapes::new();
        for _ in 0..3 {
            let found = find(record.as_bytes(), &mut shapes);
            assert_eq!(found.as_deref(), expected, "{record}");
            assert_eq!(found, parse(record.as_bytes()), "{record}");
        }
    }

    #[test]
    fn the_id_is_found_wherever_it_stands() {
        check(r#"{"eventId":"e1","data":{"eventId":"other"}}"#, Some("e1"));
        check(
            r#" {"data":[{"eventId":"other"}], "eventId" : "e 1" }"#,
            Some("e 1"),
        );
        check(r#"{"eventId":"a\"\u00e9"}"#, Some("a\"é"));
        check(r#"{"eventId":12}"#, Some("12"));
        check(r#"{"eventId":-1.5e3}"#, Some("-1.5e3"));
    }

    #[test]
    fn what_has_none_has_none() {
        for record in [
            "",
            "oops",
            "12",
            r#""eventId""#,
            r#"["e1"]"#,
            r#"{"eventid":"e1"}"#,
            r#"{"data":{"eventId":"e1"}}"#,
            r#"{"eventId":""}"#,
            r#"{"eventId":null}"#,
            r#"{"eventId":true}"#,
            r#"{"eventId":{"a":1}}"#,
            r#"{"eventId":"cut"#,
            r#"{"data":}"#,
        ] {
            check(record, None);
        }
    }

    #[test]
    fn a_broken_event_is_still_the_one_it_says_it_is() {
        check(r#"{"eventId":"e1","data":}"#, Some("e1"));
        check(r#"{"eventId":"e1""#, Some("e1"));
        assert_eq!(
            find(b"{\"x\":\"\xff\",\"eventId\":\"e1\"}", &mut Shapes::new()).as_deref(),
            Some("e1")
        );
        assert_eq!(find(b"{\"eventId\":\"\xff\"}", &mut Shapes::new()), None);
        let deep = format!("{{\"data\":{}", "[".repeat(100_000));
        check(&deep, None);
    }
}
