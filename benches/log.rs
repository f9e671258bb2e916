//! What the event log costs over the files under it.
//!
//! `cargo bench -p millstream-benches --bench log`, which prints a table:
//!
//! - *append*: records in groups by two callers, each acknowledged when it is durable, against plain `write` and `fdatasync`
//!   of the same blocks; in turn, in the same directory, and the ratio within each pair counts, for both had the same disk.
//! - *read*: all records of a topic, each checked, against plain `read` of the same files; both from the page cache.
//! - *framing*: what an append costs whoever calls it, a record, with ids and without; nothing is written to a disk.
//!
//! A name after `--` measures that alone; `MILLSTREAM_ROUNDS` says how many rounds there are (5 if it is not set), and
//! `MILLSTREAM_DIR` where the files are (a temporary directory if it is not set).
#![expect(clippy::print_stdout, reason = "the result")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream::connectors::{MemoryStore, NewRecord, Retention, SyncPolicy, Topic, TopicSettings};
use millstream_benches::{is_asked, median, rounds};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PAYLOAD_BYTES: usize = 260;
const N_RECORDS: usize = 200_000;
/// What a frame has beside its payload and its id.
const HEADER_BYTES: usize = 32;

fn main() {
    let rounds = rounds();
    if is_asked("framing") {
        framing(false, rounds);
        framing(true, rounds);
    }
    if is_asked("append") {
        for (a_group, partitions) in [(100, 1), (1000, 1), (10_000, 1), (4000, 4)] {
            append(a_group, partitions, rounds);
        }
    }
    if is_asked("read") {
        read(rounds);
    }
}

fn folder() -> tempfile::TempDir {
    let dir = std::env::var_os("MILLSTREAM_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::tempdir_in(dir).expect("a temporary directory")
}

/// Records `from..from + n`, with an id of 16 bytes or without; like events of one request, they are parts of one body.
fn records(from: usize, n: usize, with_ids: bool) -> Vec<NewRecord> {
    let body = NewRecord::new(bytes_of(n * PAYLOAD_BYTES)).payload;
    let record = |i: usize| {
        let payload = body.slice(i * PAYLOAD_BYTES..(i + 1) * PAYLOAD_BYTES);
        let record = NewRecord::new(payload);
        match with_ids {
            true => record.id(format!("{:016}", from + i)),
            false => record,
        }
    };
    (0..n).map(record).collect()
}

fn bytes_of(n: usize) -> Vec<u8> {
    (0..n).map(|n| b'a' + (n * n % 26) as u8).collect()
}

fn settings(partitions: u32) -> TopicSettings {
    let keep_all = Retention {
        bytes: u64::MAX,
        ..Retention::default()
    };
    TopicSettings::new()
        .partitions(partitions)
        .retention(keep_all)
}

fn framing(with_ids: bool, rounds: usize) {
    const A_CALL: usize = 100;
    let settings = settings(1).sync(SyncPolicy::Never);
    let topic = Topic::open_in(Arc::new(MemoryStore::new()), settings).expect("it opens");
    let mut nanos = Vec::new();
    for round in 0..rounds {
        let mut time = Duration::ZERO;
        for call in 0..N_RECORDS / A_CALL {
            let records = records(round * N_RECORDS + call * A_CALL, A_CALL, with_ids);
            let started = Instant::now();
            topic.append(records, |result| drop(result.expect("it is taken")));
            time += started.elapsed();
            // The writer has the same core.
            topic.append_and_wait(Vec::new()).expect("it is written");
        }
        nanos.push(time.as_nanos() as f64 / N_RECORDS as f64);
    }
    let ids = if with_ids { "with ids" } else { "without ids" };
    println!(
        "framing, {PAYLOAD_BYTES} bytes, {ids:<11} : {}",
        median(nanos, 2, "ns a record")
    );
}

fn append(a_group: usize, partitions: u32, rounds: usize) {
    // A hundred groups or so, whatever their size.
    let n_groups = (N_RECORDS / a_group).min(100);
    let n_bytes = (n_groups * a_group * (PAYLOAD_BYTES + HEADER_BYTES)) as f64;
    let (mut ratios, mut plain, mut log) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let folder = folder();
        let of_plain = n_bytes / 1e6 / append_plain(folder.path(), a_group, n_groups, partitions);
        let of_log = n_bytes / 1e6 / append_log(folder.path(), a_group, n_groups, partitions);
        plain.push(of_plain);
        log.push(of_log);
        ratios.push(of_log / of_plain);
    }
    let what = format!("append, groups of {a_group}, {partitions} partitions");
    println!("{what}, plain : {}", median(plain, 2, "MB/s"));
    println!("{what}, log   : {}", median(log, 2, "MB/s"));
    println!("{what}, ratio : {}", median(ratios, 2, ""));
}

/// Writes and syncs blocks as large as the groups, one file a partition; gives how many seconds it took.
fn append_plain(folder: &Path, a_group: usize, n_groups: usize, partitions: u32) -> f64 {
    let block = bytes_of(a_group * (PAYLOAD_BYTES + HEADER_BYTES) / partitions as usize);
    let file = |n| File::create(folder.join(format!("plain-{n}"))).expect("a file");
    let mut files: Vec<File> = (0..partitions).map(file).collect();
    let started = Instant::now();
    for _ in 0..n_groups {
        for file in &mut files {
            file.write_all(&block).expect("it is written");
        }
        for file in &files {
            file.sync_data().expect("it is synced");
        }
    }
    started.elapsed().as_secs_f64()
}

/// Two callers append groups in turn, and each waits for its own; gives how many seconds it took.
///
/// So one group is made while the other is on its way to the disk, as with callers who know nothing of each other.
fn append_log(folder: &Path, a_group: usize, n_groups: usize, partitions: u32) -> f64 {
    let topic = Topic::open(folder.join("topic"), settings(partitions)).expect("it opens");
    let group = |n: usize| {
        let mut group = records(n * a_group, a_group, false);
        for (n, record) in group.iter_mut().enumerate() {
            record.partition = Some(n as u32 % partitions);
        }
        group
    };
    // The plain files are made before the clock runs, too.
    topic
        .append_and_wait(group(n_groups))
        .expect("it is durable");
    let of_callers =
        [0, 1].map(|first| (first..n_groups).step_by(2).map(group).collect::<Vec<_>>());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for groups in of_callers {
            let topic = &topic;
            scope.spawn(move || {
                for group in groups {
                    topic.append_and_wait(group).expect("it is durable");
                }
            });
        }
    });
    started.elapsed().as_secs_f64()
}

fn read(rounds: usize) {
    let folder = folder();
    let topic = Topic::open(folder.path(), settings(1)).expect("it opens");
    for n in 0..20 {
        let some = records(n * N_RECORDS / 20, N_RECORDS / 20, true);
        topic.append_and_wait(some).expect("it is durable");
    }
    let (mut ratios, mut plain, mut log) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (n_bytes, seconds) = read_plain(folder.path());
        let of_plain = n_bytes as f64 / 1e6 / seconds;
        let started = Instant::now();
        let mut reader = topic.read(0, 0);
        let mut n_records = 0;
        while let Some(record) = reader.next().expect("it is whole") {
            n_records += usize::from(record.payload.len() == PAYLOAD_BYTES);
        }
        assert_eq!(n_records, N_RECORDS);
        let of_log = n_bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
        plain.push(of_plain);
        log.push(of_log);
        ratios.push(of_log / of_plain);
    }
    println!("read, plain : {}", median(plain, 2, "MB/s"));
    println!("read, log   : {}", median(log, 2, "MB/s"));
    println!("read, ratio : {}", median(ratios, 2, ""));
}

/// Reads all segments in blocks of 512 KiB; gives how many bytes there were, and how many seconds it took.
fn read_plain(folder: &Path) -> (usize, f64) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the topic")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    paths.sort();
    let mut block = vec![0; 512 * 1024];
    let started = Instant::now();
    let mut n_bytes = 0;
    for path in paths {
        let mut file = File::open(path).expect("a segment");
        loop {
            let n = file.read(&mut block).expect("it is read");
            if n == 0 {
                break;
            }
            n_bytes += n;
        }
    }
    (n_bytes, started.elapsed().as_secs_f64())
}
