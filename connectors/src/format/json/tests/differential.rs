//! Whatever the walk gives, the parser gives; and whatever the parser refuses, is refused with the parser's sentence.
//!
//! Each stream of records is made of a seed, which is printed if something is wrong: `MILLSTREAM_FUZZ_SEED` begins with that
//! one. `MILLSTREAM_FUZZ_SECONDS` says for how long to go on, 3 if it does not.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use millstream_engine::EventTime;
use serde_json::Value;

use super::super::shapes::Shapes;
use super::super::walk;
use super::records::{ODD_RECORDS, Producer, mutate};
use super::types::*;
use super::*;
use crate::testing::Random;

/// How often the walk gave a value, the parser alone, and none.
#[derive(Debug, Default)]
struct Counts {
    walked: usize,
    parsed: usize,
    refused: usize,
}

/// What decoding was before anything was learnt.
fn by_parser<T: Data>(record: &[u8]) -> Result<T, DecodeError> {
    let text = text_of(record)?;
    let first = record.iter().position(|byte| !b" \t\r\n".contains(byte));
    match first {
        None => Err(DecodeError::Empty),
        Some(at) if wants_object::<T>() && record[at] == b'[' => Err(DecodeError::ArrayForObject {
            place: place(record, at),
        }),
        Some(_) => serde_json::from_str(text).map_err(|error| explain(&error)),
    }
}

fn check<T: Data + Debug>(json: &mut Json<T>, record: &[u8], counts: &mut Counts) {
    let expected = by_parser::<T>(record);
    let shown = || {
        String::from_utf8_lossy(record)
            .chars()
            .take(2000)
            .collect::<String>()
    };
    if let Ok(text) = std::str::from_utf8(record)
        && let Ok(walked) = walk::read::<T>(text, &mut json.shapes)
    {
        counts.walked += 1;
        match serde_json::from_str::<T>(text) {
            Ok(parsed) => assert_eq!(format!("{walked:?}"), format!("{parsed:?}"), "{}", shown()),
            Err(error) => panic!("{walked:?} of what is bad, {error}: {}", shown()),
        }
    } else {
        counts.parsed += usize::from(expected.is_ok());
        counts.refused += usize::from(expected.is_err());
    }
    assert_eq!(
        json.event_id(record),
        event_id::parse(record),
        "{}",
        shown()
    );
    let decoded = json.decode(record);
    assert_eq!(
        format!("{decoded:?}"),
        format!("{expected:?}"),
        "{}",
        shown()
    );
}

/// All types, each with what it has learnt.
macro_rules! every {
    ($($type:ty),* $(,)?) => {
        #[allow(non_snake_case)]
        fn stream(seed: u64, counts: &mut Counts) {
            let mut random = Random::new(seed);
            let producer = Producer::new(&mut random);
            let records: Vec<_> = (0..24).map(|_| producer.record(&mut random)).collect();
            $({
                let mut json = Json::<$type>::new();
                for record in &records {
                    check(&mut json, record.as_bytes(), counts);
                }
                for record in ODD_RECORDS {
                    check(&mut json, record.as_bytes(), counts);
                }
                for _ in 0..24 {
                    let mut record = producer.record(&mut random).into_bytes();
                    mutate(&mut random, &mut record);
                    check(&mut json, &record, counts);
                }
            })*
        }
    };
}

for_all_types!(every);

struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("MILLSTREAM_FUZZ_SEED={}", self.0);
        }
    }
}

#[test]
fn a_walk_gives_what_the_parser_gives() {
    let of_env = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = of_env("MILLSTREAM_FUZZ_SECONDS").unwrap_or(3);
    let first = of_env("MILLSTREAM_FUZZ_SEED");
    let first = first.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 1);
    println!("from MILLSTREAM_FUZZ_SEED={first} on, for {seconds} s");
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut counts = Counts::default();
    for n in 0.. {
        let seed = Seed(first.wrapping_add(n));
        stream(seed.0, &mut counts);
        if Instant::now() > until {
            println!("{n} streams: {counts:?}");
            break;
        }
    }
    let Counts {
        walked,
        parsed,
        refused,
    } = counts;
    assert!(walked > 0 && parsed > 0 && refused > 0, "it tries nothing");
}

fn check_all<T: Data + Debug>(records: &[&str]) {
    let mut json = Json::<T>::new();
    for record in records {
        check(&mut json, record.as_bytes(), &mut Counts::default());
    }
}

#[test]
fn what_a_type_says_of_an_error_is_what_the_parser_says() {
    check_all::<Keeping>(&[
        r#"{"id":4}"#,
        r#"{"id":3}"#,
        r#"{"id":"x"}"#,
        r#"{"kind":"none"}"#,
        r#"{"inner":{"id":1}}"#,
        r#"{"inner":{"id":1,"id":2}}"#,
    ]);
}

#[test]
fn what_a_type_makes_light_of_is_left_to_the_parser() {
    for (kind, is_walked) in [("Unit", true), ("New", true), ("none", false)] {
        let record = format!(r#"{{"kind":"{kind}","id":1}}"#);
        let walked = walk::read::<AnyKind>(&record, &mut Shapes::new());
        assert_eq!(walked.is_ok(), is_walked, "{record}");
        check_all::<AnyKind>(&[record.as_str(); 3]);
    }
}

#[test]
fn what_is_ignored_is_what_the_type_itself_asks_to_be_ignored() {
    check_all::<Reticent>(&[r#"{"inner":{"name":"a","zz":1}}"#; 3]);
    let turned = [r#"{"a":"1","b":"2"}"#, r#"{"b":"2","a":"1"}"#];
    check_all::<First>(&turned.repeat(3));
}

#[test]
fn what_is_borrowed_is_borrowed_from_the_record() {
    let mut shapes = Shapes::new();
    let mut random = Random::new(7);
    for _ in 0..200 {
        let producer = Producer::new(&mut random);
        for _ in 0..20 {
            let text = producer.record(&mut random);
            let parsed = serde_json::from_str::<Borrowed<'_>>(&text);
            if let Ok(walked) = walk::read::<Borrowed<'_>>(&text, &mut shapes) {
                assert_eq!(format!("{walked:?}"), format!("{:?}", parsed.unwrap()));
            }
        }
    }
}

/// Records as they come from one producer, cut at each byte and with each byte replaced, in a stream that is known.
#[test]
fn what_is_cut_or_changed_anywhere_is_what_the_parser_says() {
    let event = |n: usize| {
        format!(
            r#"{{"id":{n},"timestamp":"2025-01-15T10:30:{:02}.5Z","kind":{{"Named":{{"id":{n},"name":"é{n}"}}}},"flag":true,"n":-{},"x":1.5,"text":null,"inner":{{"name":"in {n}","list":[{n},"\n"]}},"data":{{"name":"d"}},"name":"a name of {n}"}}"#,
            n % 60,
            n + 1,
        )
    };
    let mut counts = Counts::default();
    macro_rules! changed {
        ($($type:ty),*) => {$({
            let mut json = Json::<$type>::new();
            for n in 0..40 {
                check(&mut json, event(n).as_bytes(), &mut counts);
            }
            assert_eq!(counts.parsed + counts.refused, 0, "{}", stringify!($type));
            let mut changed = Counts::default();
            let record = event(40).into_bytes();
            for at in 0..record.len() {
                check(&mut json, &record[..at], &mut changed);
                for byte in [b'"', b'\\', b',', b';', b'}', b'0', b' ', b'\n', 0, 0x1f, 0x7f, 0x80, 0xff, record[at] ^ 1] {
                    let mut record = record.clone();
                    record[at] = byte;
                    check(&mut json, &record, &mut changed);
                }
            }
            assert!(changed.walked > 0 && changed.refused > 0, "{changed:?}");
        })*};
    }
    changed!(
        Flat,
        Narrow,
        Nested,
        Kinds,
        Event<Narrow>,
        Ignoring,
        Numbers
    );
}
