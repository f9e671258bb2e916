//! Whole lanes over real files, in an order that a seed decides.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use millstream_engine::{EventTime, Source, SourceContext};

use super::*;
use crate::file::{FileSource, N_LANES, NdjsonFiles};
use crate::format::Json;
use crate::take::testing::Taken;
use crate::testing::{Random, context, unheard};

mod positions;
mod resume;

type Numbers = FileSource<Json<u64>>;

fn source(dir: &Path, pattern: &str, stripe_bytes: u64) -> Numbers {
    let pattern = dir.join(pattern).to_str().unwrap().to_owned();
    NdjsonFiles::new(pattern)
        .stripe_bytes(stripe_bytes)
        .decode(Json::new())
}

fn cx() -> SourceContext {
    context("numbers", EventTime::from_micros(0))
}

fn lanes(source: &Numbers, cx: &SourceContext) -> Vec<FileLane<Json<u64>>> {
    assert_eq!(source.partitions(cx).unwrap(), N_LANES);
    (0..N_LANES)
        .map(|lane| source.open(lane, cx, unheard()).unwrap())
        .collect()
}

/// Polls the lanes in random order until all have ended; gives what each took.
fn run(
    lanes: &mut [FileLane<Json<u64>>],
    random: &mut Random,
) -> Result<Vec<Taken<u64>>, FileError> {
    let mut taken: Vec<_> = lanes.iter().map(|_| Taken::with_room(0)).collect();
    let mut open: Vec<usize> = (0..lanes.len()).collect();
    let mut n_held_in_a_row = 0;
    while !open.is_empty() {
        let i = random.below(open.len());
        let lane = open[i];
        taken[lane].room = random.below(5);
        match lanes[lane].advance(&mut taken[lane])? {
            Polled::Ended => {
                open.swap_remove(i);
            }
            Polled::Held => {
                n_held_in_a_row += 1;
                assert!(n_held_in_a_row < 10_000, "all lanes wait for each other");
                continue;
            }
            Polled::Ready => {}
            polled @ Polled::CaughtUp { .. } => panic!("a file is never {polled:?}"),
        }
        n_held_in_a_row = 0;
        let rounds = open.iter().map(|&lane| lanes[lane].round);
        let begun = lanes
            .iter()
            .filter(|lane| lane.reading.is_some())
            .map(|lane| lane.round)
            .max();
        assert!(
            begun <= rounds.min().or(begun),
            "no lane begins a round before all have finished the last"
        );
    }
    Ok(taken)
}

#[test]
fn lanes_have_each_line_once_whoever_comes_first() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let dir = tempfile::tempdir().unwrap();
        let (mut n, mut n_bad) = (0, 0);
        for file in 0..=random.below(3) {
            let mut text = String::new();
            for _ in 0..random.below(200) {
                let padding = " ".repeat(random.below(20));
                match random.below(8) {
                    0 => text.push_str(&padding),
                    1 => {
                        text.push('?');
                        n_bad += 1;
                    }
                    _ => {
                        text.push_str(&format!("{padding}{n}\r"));
                        n += 1;
                    }
                }
                text.push('\n');
            }
            fs::write(dir.path().join(format!("{file}.ndjson")), text).unwrap();
        }
        let numbers = source(dir.path(), "*.ndjson", 1 + random.below(90) as u64);
        let mut lanes = lanes(&numbers, &cx());
        let taken = run(&mut lanes, &mut random).unwrap();
        let mut values: Vec<u64> = taken
            .iter()
            .flat_map(|taken| taken.values.clone())
            .collect();
        values.sort_unstable();
        assert_eq!(values, (0..n).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(
            taken.iter().map(|taken| taken.letters.len()).sum::<usize>(),
            n_bad,
            "seed {seed}"
        );
        for taken in &taken {
            assert!(
                taken.values.is_sorted() && taken.letters.is_sorted(),
                "seed {seed}"
            );
        }
        for lane in &lanes {
            let (done, total) = lane.progress();
            assert_eq!(Some(done), total, "seed {seed}");
        }
    }
}

#[test]
fn what_a_lane_reads_does_not_depend_on_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..5000).map(|n| format!("{n}\n")).collect();
    fs::write(dir.path().join("a.ndjson"), text).unwrap();
    let numbers = source(dir.path(), "a.ndjson", 100);
    let values = |seed| -> Vec<Vec<u64>> {
        let taken = run(&mut lanes(&numbers, &cx()), &mut Random::new(seed)).unwrap();
        taken.into_iter().map(|taken| taken.values).collect()
    };
    assert_eq!(values(1), values(2));
    assert!(values(1).iter().all(|values| values.len() > 100));
}

fn gzip(text: &str) -> Vec<u8> {
    gzip_bytes(text.as_bytes())
}

fn gzip_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_are_told_by_their_bytes_or_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    // Two members in a row are one file; so are two frames.
    write("a.ndjson", &[gzip("1\n2\n3"), gzip("4\n")].concat());
    write("b.ndjson.gz", &gzip("5\n"));
    let frame = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
    write("c.ndjson", &[frame("6\n"), frame("7")].concat());
    let mut lanes = lanes(&source(dir.path(), "*", 1), &cx());
    let taken = run(&mut lanes, &mut Random::new(1)).unwrap();
    let values: Vec<_> = taken
        .iter()
        .take(3)
        .map(|taken| taken.values.clone())
        .collect();
    assert_eq!(values, [vec![1, 2, 34], vec![5], vec![6, 7]]);
    assert!(
        lanes
            .iter()
            .all(|lane| Some(lane.progress().0) == lane.progress().1)
    );
}

#[test]
fn a_compressed_file_that_is_cut_off_is_an_error_after_what_could_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..100_000).map(|n| format!("{}\n", n * 7919)).collect();
    let packed = [
        ("a.gz", gzip(&text)),
        ("a.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
    ];
    for (name, bytes) in packed {
        fs::write(dir.path().join(name), &bytes[..bytes.len() / 2]).unwrap();
        let mut lane = lanes(&source(dir.path(), name, 1), &cx()).swap_remove(0);
        let mut taken = Taken::with_room(1_000_000);
        let error = loop {
            let n_before = taken.values.len();
            match lane.advance(&mut taken) {
                Ok(polled) => assert_eq!(polled, Polled::Ready),
                Err(error) => {
                    assert_eq!(
                        taken.values.len(),
                        n_before,
                        "records and an error do not come in one poll"
                    );
                    break error;
                }
            }
        };
        assert!(matches!(error, FileError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
        assert!(
            taken.values.len() > 10_000 && taken.letters.is_empty(),
            "{} before",
            taken.values.len()
        );
        assert!(
            taken
                .values
                .iter()
                .enumerate()
                .all(|(i, &n)| n == i as u64 * 7919)
        );
    }
}

#[test]
fn an_empty_compressed_file_is_cut_off_too() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.gz"), "").unwrap();
    let mut lane = lanes(&source(dir.path(), "a.gz", 1), &cx()).swap_remove(0);
    assert!(matches!(
        lane.advance(&mut Taken::with_room(1)),
        Err(FileError::Damaged { .. })
    ));
}

#[test]
fn a_file_that_loses_bytes_while_it_is_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, "1\n2\n").unwrap();
    let mut lane = lanes(&source(dir.path(), "a", 4), &cx()).swap_remove(0);
    fs::write(&path, "1\n").unwrap();
    let mut taken = Taken::with_room(9);
    assert_eq!(lane.advance(&mut taken).unwrap(), Polled::Ready);
    assert!(matches!(
        lane.advance(&mut taken),
        Err(FileError::Shrunk { bytes: 4, .. })
    ));
    assert_eq!(taken.values, [1]);
}

#[test]
fn dead_letters_say_where_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let too_long = " ".repeat(LINE_BYTES_MAX) + "1";
    fs::write(dir.path().join("a"), format!("1\n\nx\n{too_long}\n2")).unwrap();
    fs::write(dir.path().join("b"), b"3\n\xff\n7").unwrap();
    let read = |pattern: &str| {
        let mut lanes = lanes(&source(dir.path(), pattern, u64::MAX), &cx());
        let mut letters = BTreeMap::new();
        for lane in &mut lanes {
            let mut taken = Taken {
                refuses: |&n| n == 7,
                ..Taken::with_room(100)
            };
            while lane.advance(&mut taken).unwrap() != Polled::Ended {}
            letters.extend(
                taken
                    .letters
                    .into_iter()
                    .map(|(offset, why, raw)| (offset, (why, raw.len()))),
            );
        }
        letters
    };
    let of_one = read("a");
    assert_eq!(
        of_one[&3],
        ("not JSON at column 1: expected value".to_owned(), 1)
    );
    assert_eq!(of_one[&5].1, 64 * 1024);
    assert_eq!(
        of_one[&5].0,
        "the line has 1048577 bytes, more than the 1048576 allowed"
    );
    assert_eq!(of_one.len(), 2);
    let of_both = read("[ab]");
    assert!(
        of_both[&3].0.contains("/a, byte 3: not JSON"),
        "{of_both:?}"
    );
    assert!(
        of_both[&((1 << 40) + 2)]
            .0
            .contains("/b, byte 2: not UTF-8 at column 1"),
        "{of_both:?}"
    );
    assert!(
        of_both[&((1 << 40) + 4)].0.contains("/b, byte 4: refused"),
        "{of_both:?}"
    );
}

#[test]
fn standard_input_has_one_reader() {
    let cx = cx();
    let stdin = NdjsonFiles::new("-").decode(Json::<u64>::new());
    assert_eq!(stdin.partitions(&cx).unwrap(), N_LANES);
    assert_eq!(
        stdin.partitions(&cx).unwrap(),
        N_LANES,
        "again by another worker"
    );
    assert_eq!(stdin.arrival(), millstream_engine::Arrival::Now);
    let other = SourceContext {
        name: "other".into(),
        ..cx
    };
    let error = stdin.partitions(&other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "standard input is read by source \"numbers\" already: there is only one"
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_read_by_a_thread() {
    let (woken, wakes) = std::sync::mpsc::channel();
    let waker = Waker::new(move || {
        let _ = woken.send(());
    });
    let nothing = NdjsonFiles::new("/dev/null").decode(Json::<u64>::new());
    assert_eq!(nothing.arrival(), millstream_engine::Arrival::Now);
    let mut lane = nothing.open(0, &cx(), waker).unwrap();
    let mut taken = Taken::with_room(1);
    while lane.advance(&mut taken).unwrap() != Polled::Ended {
        wakes.recv().unwrap();
    }
    assert_eq!(lane.progress(), (0, None));
}
