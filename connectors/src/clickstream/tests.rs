//! What can be relied on in a made-up clickstream.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use millstream_engine::{Polled, millis, seconds};

use super::*;
use crate::take::testing::Taken;
use crate::testing::{context, unheard};

const START: EventTime = EventTime::from_micros(1_736_937_000_000_000);

mod resume;

fn partitions(clicks: &Clickstream) -> Vec<ClickstreamPartition> {
    let cx = context("clicks", START);
    let n = clicks.partitions(&cx).unwrap();
    (0..n)
        .map(|partition| clicks.open(partition, &cx, unheard()).unwrap())
        .collect()
}

#[test]
fn an_event_is_a_function_of_seed_and_number_on_every_machine() {
    let clicks = Clickstream::new().seed(42);
    let written = serde_json::to_string(&clicks.event(1_234_567, START)).unwrap();
    assert_eq!(
        written,
        r#"{"eventId":"evt_1234567","eventType":"PageViewed","eventVersion":"1.0","timestamp":"2025-01-15T10:34:06.9134Z","aggregateId":"s_293ad8379d9f","data":{"userId":"user_33877","sessionId":"s_293ad8379d9f","url":"/blog/15","referrer":null,"country":"GB","device":"desktop","durationMs":7882}}"#
    );
    assert_ne!(
        Clickstream::new().seed(43).event(7, START).data,
        clicks.event(7, START).data
    );
}

#[test]
fn partitions_give_every_event_once_in_order_of_arrival() {
    let clicks = Clickstream::new().rate(Rate::Max).events(20_001);
    let mut numbers = BTreeSet::new();
    for (p, partition) in partitions(&clicks).iter_mut().enumerate() {
        let mut taken = Taken::with_room(0);
        let mut room = (1..).map(|i| i * 37 % 101);
        loop {
            taken.room = room.next().unwrap();
            match partition.advance(START, &mut taken).unwrap() {
                Polled::Ready => {
                    assert_eq!(taken.room, 0, "as long as there is room there is more")
                }
                polled => break assert_eq!(polled, Polled::Ended),
            }
        }
        let of_partition: Vec<u64> = taken.values.iter().map(number_of).collect();
        assert!(of_partition.iter().all(|n| n % 4 == p as u64));
        let maker = clicks.maker(START);
        assert!(of_partition.is_sorted_by_key(|&n| (maker.arrives_at(n), n)));
        assert!(!of_partition.is_sorted(), "some overtake others");
        numbers.extend(of_partition);
    }
    assert!(numbers.into_iter().eq(0..20_001));
}

fn number_of(event: &Event<PageView>) -> u64 {
    event
        .event_id
        .as_ref()
        .unwrap()
        .trim_start_matches("evt_")
        .parse()
        .unwrap()
}

#[test]
fn a_recording_is_in_order_of_arrival_and_whole() {
    let clicks = Clickstream::new().events(5_000).seed(3);
    let recorded: Vec<_> = clicks.in_order_of_arrival(START).collect();
    let mut sorted = recorded.clone();
    sorted.sort_by_key(number_of);
    assert!(
        sorted
            .iter()
            .enumerate()
            .all(|(n, event)| *event == clicks.event(n as u64, START))
    );
    let maker = clicks.maker(START);
    assert!(recorded.is_sorted_by_key(|event| maker.arrives_at(number_of(event))));
}

#[test]
fn with_a_rate_only_what_has_arrived_is_given() {
    let clicks = Clickstream::new().rate(Rate::PerSecond(10)).events(200);
    let mut partition = partitions(&clicks).swap_remove(1);
    let mut taken = Taken::with_room(1_000);
    let mut now = START;
    let mut n_polls = 0;
    loop {
        let n_before = taken.values.len();
        match partition.advance(now, &mut taken).unwrap() {
            Polled::CaughtUp { until: Some(until) } => {
                assert!(until > now, "it says when there will be more");
                assert!(
                    n_polls == 0 || taken.values.len() > n_before,
                    "and then there is"
                );
                assert!(taken.values.iter().all(|event| event.timestamp <= now));
                now = until;
            }
            polled => break assert_eq!(polled, Polled::Ended),
        }
        n_polls += 1;
    }
    assert_eq!(taken.values.len(), 50);
    let last = clicks.maker(START).happens_at(197);
    assert!(now >= last && now <= last.plus(seconds(120)));
    assert_eq!(clicks.arrival(), Arrival::Now);
}

#[test]
fn at_rate_zero_nothing_comes_and_nothing_ends() {
    let clicks = Clickstream::new().rate(Rate::PerSecond(0)).events(5);
    let mut partition = partitions(&clicks).swap_remove(0);
    let mut taken = Taken::with_room(10);
    let later = START.plus(seconds(100));
    assert_eq!(
        partition.advance(later, &mut taken).unwrap(),
        Polled::CaughtUp { until: None }
    );
    assert!(taken.values.is_empty());
    let mut none = partitions(&clicks.events(0)).swap_remove(0);
    assert_eq!(none.advance(later, &mut taken).unwrap(), Polled::Ended);
}

#[test]
fn event_times_are_exact() {
    let clicks = Clickstream::new().rate(Rate::PerSecond(3));
    assert_eq!(clicks.event(3, START).timestamp, START.plus(seconds(1)));
    assert_eq!(
        clicks.event(1, START).timestamp.since(START).as_micros(),
        333_333
    );
    assert_eq!(
        Clickstream::new()
            .rate(Rate::Max)
            .event(5_000, START)
            .timestamp,
        START.plus(seconds(1))
    );
    // Beyond the calendar it stays where it is.
    assert_eq!(clicks.event(u64::MAX, START).timestamp, EventTime::MAX);
}

#[test]
fn delays_are_as_documented() {
    let maker = Clickstream::new().maker(START);
    let n_events = 200_000;
    let (mut n_short, mut n_slow, mut n_late) = (0, 0, 0);
    for n in 0..n_events {
        match maker.arrives_at(n).since(maker.happens_at(n)) {
            delay if delay < seconds(2) => n_short += 1,
            delay if delay < seconds(4) => n_slow += 1,
            delay => {
                assert!((seconds(40)..seconds(120)).contains(&delay), "{delay:?}");
                n_late += 1;
            }
        }
    }
    assert!((70..130).contains(&n_late), "{n_late}");
    assert!((1_800..2_200).contains(&n_slow), "{n_slow}");
    assert!(n_short > 197_000);
}

#[test]
fn the_world_is_as_documented() {
    let clicks = Clickstream::new();
    let n_events = 300_000;
    let mut views: HashMap<String, u64> = HashMap::new();
    let mut sessions: BTreeMap<String, (u64, BTreeSet<String>)> = BTreeMap::new();
    let mut users = BTreeSet::new();
    let mut durations = Vec::new();
    for event in (0..n_events).map(|n| clicks.event(n, START)) {
        let PageView {
            user_id,
            session_id,
            url,
            device,
            country,
            duration_ms,
            ..
        } = event.data;
        *views.entry(url).or_default() += 1;
        users.insert(user_id.clone());
        let (n, of_session) = sessions.entry(session_id).or_default();
        *n += 1;
        of_session.insert(format!("{user_id} {device} {country}"));
        durations.push(duration_ms);
    }
    assert!(
        sessions.values().all(|(_, same)| same.len() == 1),
        "user, device and country stay"
    );
    let per_session = n_events as usize / sessions.len();
    assert!(
        (10..60).contains(&per_session),
        "{per_session} events a session"
    );
    assert!(
        (4_000..20_000).contains(&users.len()),
        "{} users",
        users.len()
    );
    assert!(
        (900..=1_000).contains(&views.len()),
        "{} pages",
        views.len()
    );
    // Zipf: the first page is looked at twice as often as the second, ten times as often as the tenth.
    let (first, second, tenth) = (views["/"], views["/search"], views["/contact"]);
    assert!(
        (first * 9 / 20..first * 11 / 20).contains(&second),
        "{first} {second}"
    );
    assert!(
        (first * 8 / 100..first * 12 / 100).contains(&tenth),
        "{first} {tenth}"
    );
    durations.sort_unstable();
    let quantile = |percent: usize| millis(durations[durations.len() * percent / 100].into());
    assert!(
        (seconds(7)..seconds(12)).contains(&quantile(50)),
        "{:?}",
        quantile(50)
    );
    assert!(
        (seconds(25)..seconds(80)).contains(&quantile(95)),
        "{:?}",
        quantile(95)
    );
    assert!(quantile(5) > millis(500));
}
