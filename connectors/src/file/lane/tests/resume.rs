//! Lanes that are interrupted at any point and go on where they stood read what one lane without a break reads.

use millstream_engine::Position;

use super::*;

type Lanes = Vec<FileLane<Json<u64>>>;

/// What each lane has taken, over all runs.
fn nothing_taken() -> Vec<Taken<u64>> {
    (0..N_LANES).map(|_| Taken::with_room(0)).collect()
}

/// Opens the lanes of a new run, those with a position there, in an order that the seed decides.
fn open(numbers: &Numbers, positions: &[Option<Position>], random: &mut Random) -> Lanes {
    let cx = cx();
    let mut left: Vec<u32> = (0..N_LANES).collect();
    let mut lanes = Vec::new();
    while !left.is_empty() {
        let lane = left.swap_remove(random.below(left.len()));
        let mut opened = match &positions[lane as usize] {
            Some(position) => numbers.resume(lane, position, &cx, unheard()).unwrap(),
            None => numbers.open(lane, &cx, unheard()).unwrap(),
        };
        if let Some(position) = &positions[lane as usize] {
            assert_eq!(opened.position().as_ref(), Some(position));
        }
        // Lanes are driven while others are not open yet.
        let mut none = Taken::with_room(0);
        opened.advance(&mut none).unwrap();
        lanes.push((lane, opened));
    }
    lanes.sort_by_key(|(lane, _)| *lane);
    lanes.into_iter().map(|(_, lane)| lane).collect()
}

/// Polls lanes at random until all were left, each at a moment of its own, or have ended; gives where they stood then.
///
/// A lane that was left reads on while others are still to be left, as workers do; what it reads then is lost.
fn interrupt(
    lanes: &mut Lanes,
    taken: &mut [Taken<u64>],
    random: &mut Random,
) -> Vec<Option<Position>> {
    let mut positions = vec![None; lanes.len()];
    let longest = [1, 20, 200][random.below(3)];
    let mut n_left: Vec<usize> = lanes.iter().map(|_| random.below(longest)).collect();
    let mut n_polls = 0;
    while positions.contains(&None) {
        n_polls += 1;
        assert!(n_polls < 1_000_000, "all lanes wait for each other");
        let lane = random.below(lanes.len());
        if positions[lane].is_none() && n_left[lane] == 0 {
            positions[lane] = lanes[lane].position();
        }
        let room = random.below(5);
        if positions[lane].is_some() {
            lanes[lane].advance(&mut Taken::with_room(room)).unwrap();
            continue;
        }
        taken[lane].room = room;
        n_left[lane] -= 1;
        lanes[lane].advance(&mut taken[lane]).unwrap();
    }
    positions
}

/// Reads on to the end.
fn finish(lanes: &mut Lanes, taken: &mut [Taken<u64>], random: &mut Random) {
    for (of_lane, added) in taken.iter_mut().zip(run(lanes, random).unwrap()) {
        of_lane.values.extend(added.values);
        of_lane.letters.extend(added.letters);
    }
}

fn check(numbers: &Numbers, seed: u64) {
    let mut random = Random::new(seed);
    let mut straight = nothing_taken();
    let none = vec![None; N_LANES as usize];
    finish(
        &mut open(numbers, &none, &mut random),
        &mut straight,
        &mut random,
    );
    let mut taken = nothing_taken();
    let mut positions = none;
    for _ in 0..1 + random.below(4) {
        let mut lanes = open(numbers, &positions, &mut random);
        positions = interrupt(&mut lanes, &mut taken, &mut random);
    }
    let mut lanes = open(numbers, &positions, &mut random);
    finish(&mut lanes, &mut taken, &mut random);
    for (lane, (taken, straight)) in taken.iter().zip(&straight).enumerate() {
        assert_eq!(taken.values, straight.values, "seed {seed}, lane {lane}");
        assert_eq!(taken.letters, straight.letters, "seed {seed}, lane {lane}");
    }
    for lane in &lanes {
        let (done, total) = lane.progress();
        assert_eq!(Some(done), total, "seed {seed}");
    }
}

/// Lines of all kinds: numbers, blank ones, broken ones; `n_long` of them too long.
fn text(random: &mut Random, n: &mut u64, mut n_long: usize) -> Vec<u8> {
    let mut text = Vec::new();
    if random.below(4) == 0 {
        text.extend_from_slice(b"\xef\xbb\xbf");
    }
    let n_lines = random.below(200);
    for i in 0..n_lines {
        text.resize(text.len() + random.below(20), b' ');
        if n_long > 0 && random.below(n_lines - i) < n_long {
            text.resize(text.len() + LINE_BYTES_MAX + random.below(9) - 4, b' ');
            n_long -= 1;
        }
        match random.below(8) {
            0 => {}
            1 => text.push(b'?'),
            2 => text.push(0xff),
            _ => {
                text.extend_from_slice(n.to_string().as_bytes());
                *n += 1;
            }
        }
        text.extend_from_slice([&b"\n"[..], b"\r\n"][random.below(2)]);
    }
    if random.below(2) == 0 {
        text.extend_from_slice(b"7");
    }
    text
}

#[test]
fn an_interrupted_reading_of_plain_files_has_each_line_once() {
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let dir = tempfile::tempdir().unwrap();
        let mut n = 0;
        for file in 0..=random.below(3) {
            let path = dir.path().join(format!("{file}.ndjson"));
            fs::write(path, text(&mut random, &mut n, 0)).unwrap();
        }
        let stripe_bytes = 1 + random.below(90) as u64;
        check(&source(dir.path(), "*.ndjson", stripe_bytes), seed);
    }
}

#[test]
fn an_interrupted_reading_of_lines_that_are_too_long_has_each_once() {
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), text(&mut random, &mut 0, 3)).unwrap();
        let stripe_bytes = 50_000 + random.below(900_000) as u64;
        check(&source(dir.path(), "a", stripe_bytes), seed);
    }
}

#[test]
fn an_interrupted_reading_of_compressed_files_among_plain_ones_has_each_line_once() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let dir = tempfile::tempdir().unwrap();
        let mut n = 0;
        for file in 0..=random.below(20) {
            let n_long = usize::from(random.below(40) == 0);
            let text = text(&mut random, &mut n, n_long);
            let bytes = match random.below(3) {
                0 => text,
                1 => gzip_bytes(&text),
                _ => zstd::encode_all(&text[..], 1).unwrap(),
            };
            fs::write(dir.path().join(format!("{file:02}")), bytes).unwrap();
        }
        check(&source(dir.path(), "*", 300_000), seed);
    }
}

#[test]
fn a_lane_goes_on_in_the_middle_of_its_stripe_and_knows_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "1\n2\n3\n4\n").unwrap();
    fs::write(dir.path().join("b.gz"), gzip("5\n6\n7\n")).unwrap();
    let numbers = source(dir.path(), "[ab]*", 100);
    let mut first = lanes(&numbers, &cx());
    for lane in &mut first[..2] {
        lane.advance(&mut Taken::with_room(2)).unwrap();
    }
    let positions: Vec<_> = first.iter().map(|lane| lane.position().unwrap()).collect();
    assert_eq!(positions[0].0, "round 0, byte 4");
    assert_eq!(positions[1].0, "round 0, byte 4");
    let cx = cx();
    let mut resumed: Vec<_> = (0..2)
        .map(|lane| {
            numbers
                .resume(lane, &positions[lane as usize], &cx, unheard())
                .unwrap()
        })
        .collect();
    assert_eq!(resumed[0].progress(), (4, Some(8)));
    assert_eq!(resumed[0].position().as_ref(), Some(&positions[0]));
    for (lane, rest) in resumed.iter_mut().zip([vec![3, 4], vec![7]]) {
        let mut taken = Taken::with_room(9);
        lane.advance(&mut taken).unwrap();
        assert_eq!(taken.values, rest);
        assert_eq!(lane.position().unwrap().0, "round 1");
        let (done, total) = lane.progress();
        assert_eq!(Some(done), total);
    }
    // And at the end it stays there.
    let end = resumed[0].position().unwrap();
    let mut ended = numbers.resume(0, &end, &cx, unheard()).unwrap();
    assert_eq!(ended.progress(), (8, Some(8)));
    assert_eq!(
        ended.advance(&mut Taken::with_room(1)).unwrap(),
        Polled::Ended
    );
    assert_eq!(ended.position().unwrap(), end);
}

#[test]
fn a_lane_that_was_in_a_line_too_long_or_passed_over_one_goes_on_where_that_began() {
    let dir = tempfile::tempdir().unwrap();
    // Longer than what is read in one poll.
    let text = ["1\n", &"x".repeat(20 << 20), "\n2\n"].concat();
    fs::write(dir.path().join("plain"), &text).unwrap();
    fs::write(dir.path().join("packed"), gzip(&text)).unwrap();
    for name in ["plain", "packed"] {
        let numbers = source(dir.path(), name, u64::MAX);
        let cx = cx();
        let mut lane = lanes(&numbers, &cx).swap_remove(0);
        let mut taken = Taken::with_room(10);
        assert_eq!(lane.advance(&mut taken).unwrap(), Polled::Ready);
        assert!(taken.values == [1] && taken.letters.is_empty());
        let in_line = lane.position().unwrap();
        assert_eq!(in_line.0, "round 0, byte 2");
        // It comes to the line after that, is left there, and the next lane passes over both.
        let cx = self::cx();
        let mut lane = numbers.resume(0, &in_line, &cx, unheard()).unwrap();
        for other in 1..N_LANES {
            numbers
                .resume(other, &Position("round 0".into()), &cx, unheard())
                .unwrap();
        }
        let mut taken = Taken::with_room(1);
        while taken.room > 0 {
            lane.advance(&mut taken).unwrap();
        }
        assert_eq!(
            (taken.letters[0].0, taken.letters[0].2.len()),
            (2, 64 * 1024)
        );
        let after = lane.position().unwrap();
        assert_eq!(after.0, format!("round 0, byte {}", text.len() - 2));
        let mut lane = numbers.resume(0, &after, &self::cx(), unheard()).unwrap();
        let mut taken = Taken::with_room(9);
        while lane.advance(&mut taken).unwrap() != Polled::Ended {
            let stands = lane.position().unwrap();
            assert!(stands == after || stands.0 == "round 1", "{stands:?}");
        }
        assert!(taken.values == [2] && taken.letters.is_empty());
    }
}

#[test]
fn an_error_that_waits_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..100_000).map(|n| format!("{}\n", n * 7919)).collect();
    let packed = gzip(&text);
    let path = dir.path().join("a.gz");
    fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let numbers = source(dir.path(), "a.gz", 1);
    let mut lane = lanes(&numbers, &cx()).swap_remove(0);
    let mut taken = Taken::with_room(1_000_000);
    while lane.failed.is_none() {
        lane.advance(&mut taken).unwrap();
    }
    // The file is whole again when the next run comes to it.
    fs::write(&path, packed).unwrap();
    let position = lane.position().unwrap();
    let cx = cx();
    let mut lanes: Lanes = (0..N_LANES)
        .map(|lane| match lane {
            0 => numbers.resume(lane, &position, &cx, unheard()).unwrap(),
            _ => numbers.open(lane, &cx, unheard()).unwrap(),
        })
        .collect();
    while lanes[0].advance(&mut taken).unwrap() != Polled::Ended {}
    assert!(taken.values.into_iter().eq((0..100_000).map(|n| n * 7919)));
}
