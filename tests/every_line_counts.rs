//! Every line of a file that is not blank is an event or a dead letter, whatever is in it and whoever reads it.

#[path = "support/letters.rs"]
mod letters;
#[path = "support/random.rs"]
mod random;

use std::path::Path;

use letters::letters_in;
use millstream::engine::{DeadLetter, Value, VirtualClock};
use millstream::prelude::*;
use random::Random;

const LINE_BYTES_MAX: usize = 1024 * 1024;

/// A line of a file, without its end.
enum Line {
    Good(i64),
    Blank(Vec<u8>),
    /// And a part of the reason that should be told.
    Bad(Vec<u8>, &'static str),
}

fn event(n: i64) -> String {
    format!("{{\"timestamp\":\"2026-01-15T10:30:00Z\",\"data\":{n}}}")
}

fn line(rng: &mut Random, n: i64) -> Line {
    let bad = |text: &str, why| Line::Bad(text.as_bytes().to_vec(), why);
    match rng.next_u32() % 20 {
        0 => Line::Blank([&b""[..], b" ", b"\t \t"][rng.next_u32() as usize % 3].to_vec()),
        1 => bad("nonsense", "not JSON at column"),
        2 => bad(&event(n)[..20], "not JSON at column"),
        3 => bad(&format!("[{}]", event(n)), "found an array"),
        4 => bad(
            &format!("{0} {0}", event(n)),
            "found more after the first value",
        ),
        5 => bad("42", "not what is expected"),
        6 => bad(
            "{\"timestamp\":\"soon\",\"data\":1}",
            "not what is expected",
        ),
        7 => Line::Bad([event(n).as_bytes(), b"\xff"].concat(), "not UTF-8"),
        8 => bad(
            &event(n).replace("2026", "2036"),
            "is later than 2026-01-15T10:31:00Z, the latest allowed",
        ),
        _ => Line::Good(n),
    }
}

/// Writes the lines, some with the other end of line, the last without; gives what should come of them.
fn write(path: &Path, rng: &mut Random, lines: &[Line]) -> (Vec<i64>, Vec<(u64, String)>) {
    let mut file = if rng.next_u32().is_multiple_of(2) {
        "\u{feff}".into()
    } else {
        Vec::new()
    };
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (i, line) in lines.iter().enumerate() {
        // The mark at the beginning of a file is no part of its first line, but the line begins there.
        let offset = if i == 0 { 0 } else { file.len() as u64 };
        match line {
            Line::Good(n) => {
                good.push(*n);
                file.extend(event(*n).into_bytes());
            }
            Line::Blank(bytes) => file.extend(bytes),
            Line::Bad(bytes, why) => {
                bad.push((offset, (*why).to_owned()));
                file.extend(bytes);
            }
        }
        if i + 1 < lines.len() {
            file.extend([&b"\n"[..], b"\r\n"][rng.next_u32() as usize % 2]);
        }
    }
    std::fs::write(path, file).expect("the folder is there");
    (good, bad)
}

/// What comes of a file: numbers and dead letters, each sorted, and what the report says.
fn read(
    path: &Path,
    workers: usize,
    stripe: u64,
) -> anyhow::Result<(Vec<i64>, Vec<DeadLetter>, Report)> {
    let (memory, letters) = (Memory::new(), Memory::new());
    let (sink, path) = (memory.clone(), path.to_str().expect("text").to_owned());
    let report = App::new("lines")
        .workers(workers)
        .clock(VirtualClock::starting_at("2026-01-15T10:30:00Z".parse()?))
        .dead_letters(letters.clone())
        .run(move |flow| {
            let lines = NdjsonFiles::new(&path).stripe_bytes(stripe);
            flow.source("lines", lines.decode(Json::<Event<i64>>::new()))
                .event_time(|e| e.timestamp, Watermarks::at_end())
                .columns("n", |e| e.data)
                .sink("memory", sink.clone())
        })?;
    let number = |row: Vec<Value>| match row[0] {
        Value::Int(n) => n,
        ref other => panic!("{other:?} is no integer"),
    };
    let numbers = memory.rows().into_iter().map(number).collect();
    Ok((numbers, letters_in(&letters), report))
}

#[test]
fn events_and_dead_letters_together_are_the_lines_that_are_not_blank() -> anyhow::Result<()> {
    let seed = std::env::var("MILLSTREAM_SEED")
        .ok()
        .map_or(20_261_123, |seed| seed.parse().expect("a number"));
    let folder = tempfile::tempdir()?;
    for round in 0..12_u64 {
        let seed = seed + round;
        let mut rng = Random::new(seed);
        let path = folder.path().join(format!("{round}.ndjson"));
        let n = i64::from(rng.next_u32() % 3_000);
        let mut lines: Vec<_> = (0..n).map(|n| line(&mut rng, n)).collect();
        // Or the file would end in a line of no bytes, which is none.
        lines.push(Line::Good(n));
        let (good, bad) = write(&path, &mut rng, &lines);
        let stripe = 1 + u64::from(rng.next_u32() % 9_000);
        for workers in 1..=3 {
            let context = format!("MILLSTREAM_SEED={seed}, {workers} workers, stripes of {stripe}");
            let (numbers, letters, report) = read(&path, workers, stripe)?;
            assert_eq!(numbers, good, "{context}");
            let found: Vec<_> = letters.iter().map(|letter| letter.offset).collect();
            let expected: Vec<_> = bad.iter().map(|(offset, _)| *offset).collect();
            assert_eq!(found, expected, "{context}");
            for (letter, (_, why)) in letters.iter().zip(&bad) {
                assert!(
                    letter.reason.contains(why),
                    "{why:?} in {letter:?}, {context}"
                );
            }
            assert_eq!(
                (report.events, report.rejected),
                (good.len() as u64, bad.len() as u64),
                "{context}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_line_that_is_too_long_costs_itself_alone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("long.ndjson");
    let padded = |n: i64, length: usize| {
        let text = event(n);
        format!("{}{text}\n", " ".repeat(length - text.len()))
    };
    let text = [
        padded(1, 60),
        padded(2, LINE_BYTES_MAX),
        padded(3, LINE_BYTES_MAX + 1),
        padded(4, 3 * LINE_BYTES_MAX),
        padded(5, 60),
    ];
    std::fs::write(&path, text.concat())?;
    for (workers, stripe) in [(1, u64::MAX), (2, 700_000), (3, 100)] {
        let (numbers, letters, report) = read(&path, workers, stripe)?;
        assert_eq!(numbers, [1, 2, 5], "stripes of {stripe}");
        assert_eq!((report.events, report.rejected), (3, 2));
        let reasons: Vec<_> = letters.iter().map(|letter| &*letter.reason).collect();
        let too_long =
            |bytes| format!("the line has {bytes} bytes, more than the {LINE_BYTES_MAX} allowed");
        let expected = [LINE_BYTES_MAX + 1, 3 * LINE_BYTES_MAX].map(too_long);
        assert_eq!(reasons, expected, "stripes of {stripe}");
        let of_head = letters
            .iter()
            .all(|letter| letter.raw.len() == millstream::engine::RAW_BYTES_MAX);
        assert!(of_head, "the head of the line is kept");
    }
    Ok(())
}
