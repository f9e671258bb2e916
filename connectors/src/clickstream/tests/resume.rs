//! A partition that is interrupted and goes on gives what one without a break gives.

use super::*;
use crate::testing::Random;

/// The numbers that partition `p` hands on while it has been polled `n_polls` times, and where it stands then.
fn some(
    partition: &mut ClickstreamPartition,
    now: &mut EventTime,
    n_polls: usize,
    random: &mut Random,
) -> (Vec<u64>, bool) {
    let mut taken = Taken::with_room(0);
    let most = [3, 100, 5_000][random.below(3)];
    for _ in 0..n_polls {
        taken.room = random.below(most);
        match partition.advance(*now, &mut taken).unwrap() {
            Polled::CaughtUp { until } => *now = until.unwrap(),
            Polled::Ended => return (taken.values.iter().map(number_of).collect(), true),
            _ => {}
        }
    }
    (taken.values.iter().map(number_of).collect(), false)
}

fn position(partition: &ClickstreamPartition) -> Position {
    use millstream_engine::Partition;
    partition.position().unwrap()
}

#[test]
fn interrupted_anywhere_it_gives_the_straight_sequence() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let rate = [
            Rate::Max,
            Rate::PerSecond(1),
            Rate::PerSecond(200),
            Rate::PerSecond(90_000),
        ][random.below(4)];
        let clicks = Clickstream::new().seed(seed).rate(rate).events(8_000);
        let cx = context("clicks", START);
        let p = random.below(4) as u32;
        let straight: Vec<u64> = {
            let mut partition = clicks.open(p, &cx, unheard()).unwrap();
            some(&mut partition, &mut START.clone(), usize::MAX, &mut random).0
        };
        assert_eq!(straight.len(), 2_000);
        let mut partition = clicks.open(p, &cx, unheard()).unwrap();
        let (mut given, mut now) = (Vec::new(), START);
        loop {
            let n_polls = random.below(8);
            let (numbers, ended) = some(&mut partition, &mut now, n_polls, &mut random);
            given.extend(numbers);
            let stands = position(&partition);
            assert!(stands.0.starts_with(&format!("{} events, ", given.len())));
            if ended {
                break;
            }
            // What it hands on after the snapshot is lost with the process.
            some(
                &mut partition,
                &mut now.clone(),
                random.below(3),
                &mut random,
            );
            partition = clicks.resume(p, &stands, &cx, unheard()).unwrap();
            assert_eq!(position(&partition), stands);
        }
        assert_eq!(given, straight, "seed {seed}, rate {rate}");
    }
}

#[test]
fn a_stream_that_is_given_another_end_has_each_event_once() {
    for seed in 0..25 {
        let mut random = Random::new(seed);
        // Slow enough that some of a shorter stream arrive after many of a longer one.
        let clicks = Clickstream::new().seed(seed).rate(Rate::PerSecond(100));
        let cx = context("clicks", START);
        let p = random.below(4) as u32;
        let (mut given, mut now, mut end) = (Vec::new(), START, 0);
        let mut stands = position(&clicks.open(p, &cx, unheard()).unwrap());
        for _ in 0..40 {
            end = (end + random.below(600) as u64).saturating_sub(random.below(300) as u64);
            let shown = clicks.clone().events(end);
            let mut partition = shown.resume(p, &stands, &cx, unheard()).unwrap();
            let n_polls = [random.below(20), usize::MAX][random.below(2)];
            given.extend(some(&mut partition, &mut now, n_polls, &mut random).0);
            stands = position(&partition);
        }
        // Long enough for the last of them to arrive after all that came before.
        end += 13_000;
        let longest = clicks.events(end);
        let mut partition = longest.resume(p, &stands, &cx, unheard()).unwrap();
        given.extend(some(&mut partition, &mut now, usize::MAX, &mut random).0);
        assert_eq!(position(&partition).0.matches("below").count(), 1);
        given.sort_unstable();
        let all = (0..end).filter(|n| n % 4 == u64::from(p));
        assert!(given.into_iter().eq(all), "seed {seed}");
    }
}

#[test]
fn going_on_looks_at_few_events_again() {
    let clicks = Clickstream::new().rate(Rate::Max).seed(5);
    let maker = clicks.maker(START);
    for n in [0, 1, 4_999, 123_456_789_012] {
        let at = maker.happens_at(n);
        assert_eq!(maker.happens_at(maker.first_at(at)), at);
        assert!(n == 0 || maker.happens_at(maker.first_at(at) - 1) < at || n < 2);
    }
    // A hundred billion events later it is there at once.
    let n = 400_000_000_002;
    let next = maker.first_at(maker.arrives_at(n)).next_multiple_of(4) + 2;
    let stands = Position(format!("99 events, below {next} up to {n}, next {next}"));
    let cx = context("clicks", START);
    let mut partition = clicks.resume(2, &stands, &cx, unheard()).unwrap();
    let mut taken = Taken::with_room(1_000);
    partition.advance(START, &mut taken).unwrap();
    let last = (maker.arrives_at(n), n);
    assert!(
        taken
            .values
            .iter()
            .map(number_of)
            .all(|n| (maker.arrives_at(n), n) > last)
    );
}

#[test]
fn another_partitions_position_is_refused() {
    let clicks = Clickstream::new();
    let cx = context("clicks", START);
    let stands = position(&clicks.open(1, &cx, unheard()).unwrap());
    assert_eq!(stands.0, "0 events, next 1");
    let error = clicks.resume(2, &stands, &cx, unheard()).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("\"0 events, next 1\" is no position in partition 2"),
        "{error}"
    );
    let nonsense = Position("start".into());
    assert!(clicks.resume(1, &nonsense, &cx, unheard()).is_err());
}

#[test]
fn what_changes_the_events_is_its_identity() {
    let cx = context("clicks", START);
    let identity = |clicks: &Clickstream| clicks.identity(&cx).unwrap();
    let clicks = Clickstream::new();
    assert_eq!(
        identity(&clicks),
        "made up from seed 1, 5000 events a second in 4 partitions"
    );
    assert_eq!(identity(&clicks), identity(&clicks.clone().events(7)));
    assert_ne!(identity(&clicks), identity(&clicks.clone().seed(2)));
    let faster = clicks.clone().rate(Rate::PerSecond(6_000));
    assert_ne!(identity(&clicks), identity(&faster));
    assert_eq!(
        clicks.rewind(&crate::testing::context(
            "clicks",
            EventTime::from_micros(0)
        )),
        Rewind::Seek
    );
}
