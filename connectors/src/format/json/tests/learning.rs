//! What is learnt, what it is worth, and that it is bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::shapes::{MEMBERS_MAX, SHAPES_MAX, Shapes};
use super::super::walk;
use super::*;
use crate::clickstream::{Clickstream, PageView, Rate};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hit {
    url: String,
    #[serde(default)]
    ms: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Message {
    Hit(Hit),
    Closed { at: u64 },
    Ping,
}

/// Walks through `records`, none of which may be left to the parser; gives how many names were not as expected.
fn walked<T: Data>(shapes: &mut Shapes, records: impl IntoIterator<Item = String>) -> usize {
    let before = shapes.n_unexpected;
    for record in records {
        assert!(walk::read::<T>(&record, shapes).is_ok(), "{record}");
    }
    shapes.n_unexpected - before
}

#[test]
fn plain_records_are_read_as_expected_from_the_second_on() {
    let clicks = Clickstream::new().rate(Rate::Max).seed(7);
    let start = millstream_engine::EventTime::from_millis(1_700_000_000_000);
    let event = |n| serde_json::to_string(&clicks.event(n, start)).unwrap();
    let mut shapes = Shapes::new();
    assert_eq!(
        walked::<Event<PageView>>(&mut shapes, (0..1).map(event)),
        13
    );
    assert_eq!(
        walked::<Event<PageView>>(&mut shapes, (1..1000).map(event)),
        0
    );
    let mut shapes = Shapes::new();
    assert_eq!(walked::<Event<Hit>>(&mut shapes, (0..2).map(event)), 13);
    assert_eq!(walked::<Event<Hit>>(&mut shapes, (2..1000).map(event)), 0);
}

#[test]
fn what_may_be_missing_is_expected_to_be_there_or_not() {
    let hit = |n: usize| match n % 3 {
        0 => format!(r#"{{"url":"/{n}"}}"#),
        1 => format!(r#"{{"url":"/{n}", "ms": {n}.5, "more": [1, {{"a": {n}}}]}}"#),
        _ => format!(r#"{{"url":"/{n}","ms":null}}"#),
    };
    let mut shapes = Shapes::new();
    walked::<Hit>(&mut shapes, (0..9).map(hit));
    assert_eq!(walked::<Hit>(&mut shapes, (9..99).map(hit)), 0);
}

/// How many names were not learnt in `records` of which everything was seen before.
fn unlearnt<T: Data>(n_before: usize, record: impl Fn(usize) -> String) -> usize {
    let mut shapes = Shapes::new();
    walked::<T>(&mut shapes, (0..n_before).map(&record));
    let before = shapes.n_unlearnt;
    walked::<T>(&mut shapes, (n_before..n_before + 20_000).map(&record));
    shapes.n_unlearnt - before
}

#[test]
fn what_comes_in_any_order_is_known_all_the_same() {
    let kinds = |n: usize| {
        let kind = n * 7 % 11;
        format!(r#"{{"kind":{kind},"a {kind}":1,"b {kind}":2,"url":"/","c {kind}":3,"ms":1}}"#)
    };
    assert_eq!(unlearnt::<Hit>(50, kinds), 0);
    let sparse = |n: usize| {
        let bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let members = (0..20).filter(|name| bits >> name & 1 == 1);
        let members: String = members.map(|name| format!(r#","f{name}":{n}"#)).collect();
        format!(r#"{{"url":"/"{members}}}"#)
    };
    assert_eq!(unlearnt::<Hit>(1000, sparse), 0);
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outer {
    hit: Hit,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Other {
    hit: Hit,
}

#[test]
fn what_is_forgotten_makes_room() {
    let mut shapes = Shapes::new();
    let record = r#"{"hit":{"url":"/","more":1}}"#;
    for n in 0..200 {
        let is_walked = match n % 2 {
            0 => walk::read::<Outer>(record, &mut shapes).is_ok(),
            _ => walk::read::<Other>(record, &mut shapes).is_ok(),
        };
        assert!(is_walked || n > 6, "it is forgotten a few times");
        // Nothing is learnt for a while, if it is forgotten too often.
        let size = shapes.size();
        assert!(size == [2, 3] || n > 6 && size == [1, 0], "{size:?}");
    }
}

#[test]
fn variants_are_told_apart() {
    let message = |n: usize| match n % 50 {
        0 => "\"Ping\"".to_owned(),
        1 => format!(r#"{{"Closed":{{"at":{n}}}}}"#),
        _ => format!(r#"{{"Hit":{{"url":"/{n}","ms":1}}}}"#),
    };
    let mut shapes = Shapes::new();
    walked::<Message>(&mut shapes, (0..50).map(message));
    assert_eq!(walked::<Message>(&mut shapes, (50..999).map(message)), 0);
}

#[test]
fn lists_and_what_is_in_them_are_walked() {
    let list = |n: usize| {
        let hits: Vec<_> = (0..n % 7).map(|n| format!(r#"{{"url":"/{n}"}}"#)).collect();
        format!("[{}]", hits.join(","))
    };
    let mut shapes = Shapes::new();
    assert_eq!(walked::<Vec<Hit>>(&mut shapes, (0..100).map(list)), 1);
}

/// Records whose names never come again, some of them long, some of them nested.
fn hostile(n: usize) -> String {
    let long = "n".repeat(n % 5 * 100);
    format!(
        r#"{{"url":"/","{n}{long}":1,"in {n}":{{"url":"","{n}":2}},"x{n}":[],"{n}":{{}},"ms":1}}"#
    )
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Deep {
    #[serde(default, rename = "in")]
    inside: Option<Box<Deep>>,
}

#[test]
fn however_hostile_a_stream_is_little_is_kept_and_little_is_tried() {
    let mut shapes = Shapes::new();
    walked::<Hit>(&mut shapes, (0..100_000).map(hostile));
    let [n_shapes, n_members] = shapes.size();
    assert!(n_shapes <= SHAPES_MAX && n_members <= MEMBERS_MAX);
    let mut shapes = Shapes::new();
    walked::<Hit>(&mut shapes, (0..2000).map(hostile));
    assert!(
        shapes.size()[1] < 500,
        "of 10,000 names most are not learnt"
    );

    // Nested as deep as it is walked through, and with other names each time.
    let mut shapes = Shapes::new();
    for n in 0..20_000 {
        let deep = format!("{{\"a{n}\":0,\"in\":").repeat(n % 40) + "null" + &"}".repeat(n % 40);
        let is_walked = walk::read::<Deep>(&deep, &mut shapes).is_ok();
        assert!(is_walked || n % 40 == 0 || n % 40 > 32, "{deep}");
        let [n_shapes, n_members] = shapes.size();
        assert!(n_shapes <= SHAPES_MAX && n_members <= MEMBERS_MAX);
    }
}

#[test]
fn after_a_hostile_stream_a_plain_one_is_learnt_again() {
    let mut shapes = Shapes::new();
    walked::<Hit>(&mut shapes, (0..50_000).map(hostile));
    let hit = |n: usize| format!(r#"{{"url":"/{n}","country":"FR","ms":{n}}}"#);
    walked::<Hit>(&mut shapes, (0..20_000).map(hit));
    assert_eq!(walked::<Hit>(&mut shapes, (0..100).map(hit)), 0);
}

#[test]
fn a_type_that_cannot_be_walked_is_parsed_without_trying() {
    let mut json = Json::<Hit>::new();
    let mut random = crate::testing::Random::new(1);
    // Escapes in names are left to the parser.
    for _ in 0..20_000 {
        let record = format!(r#"{{"u\u0072l":"/{}"}}"#, random.below(9));
        assert!(json.decode(record.as_bytes()).is_ok());
    }
    assert!(!json.doubt.allows());
}

#[test]
fn what_the_parser_reads_for_the_most_part_it_reads_alone() {
    fn is_tried<T: Data>(record: &str) -> bool {
        let mut json = Json::<T>::new();
        (0..200).for_each(|_| assert!(json.decode(record.as_bytes()).is_ok()));
        json.doubt.allows()
    }
    let record = r#"{"url":"/","ms":1.5,"more":{"ms":[1,2,3]}}"#;
    assert!(is_tried::<Hit>(record));
    assert!(!is_tried::<serde_json::Value>(record));
    assert!(!is_tried::<BTreeMap<String, serde_json::Value>>(record));
}
