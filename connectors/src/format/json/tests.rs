//! What becomes of records, told by sentences.

mod differential;
mod learning;
mod records;
mod types;

use super::*;
use crate::Event;

fn check(record: &[u8], sentence: &str) {
    let error = Json::<Event<(u32, String)>>::new()
        .decode(record)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        sentence,
        "{}",
        String::from_utf8_lossy(record)
    );
}

#[test]
fn what_is_wrong_and_where() {
    check(b"", "the record is empty, expected one value");
    check(b"{\"a\": \"\xff\"}", "not UTF-8 at column 8");
    check(b"{\"a\": 1,}", "not JSON at column 9: trailing comma");
    check(
        b"{\"a\"",
        "not JSON at column 4: EOF while parsing an object",
    );
    check(
        b"{\"data\": {}}",
        "not what is expected at column 9: invalid type: map, expected a tuple of size 2",
    );
    check(
        b"{\n\"a\": nil}",
        "not JSON at line 2, column 7: expected ident",
    );
    check(
        b"42",
        "not what is expected at column 2: invalid type: integer `42`, expected struct Event",
    );
    let array = b"  [{\"timestamp\": \"2025-01-15T10:30:00Z\"}]";
    check(
        array,
        "found an array at column 3, expected an object: a record is one event, \
         so make each element of the array a record of its own (in NDJSON a line)",
    );
    let two = br#"{"timestamp":"2025-01-15T10:30:00Z","data":[1,"a"]} {}"#;
    check(
        two,
        "found more after the first value at column 53, expected one value a record",
    );
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = "[".repeat(1 << 20);
    assert!(
        Json::<serde_json::Value>::new()
            .decode(deep.as_bytes())
            .is_err()
    );
    let ignored = format!("{{\"ignored\": {deep}");
    assert!(
        Json::<Event<u32>>::new()
            .decode(ignored.as_bytes())
            .is_err()
    );
}

#[test]
fn only_named_fields_ask_for_an_object() {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Wrapped(Event<u32>);
    assert!(wants_object::<Event<u32>>());
    assert!(wants_object::<Wrapped>());
    assert!(!wants_object::<Vec<Event<u32>>>());
    assert!(!wants_object::<serde_json::Value>());
    assert!(!wants_object::<(u32, u32)>());
}
