//! State that is damaged is found out: it is gone back to what is whole, or the start fails and names the file.
//!
//! A manifest that is torn is passed over for the one before it, and what was published in between is taken back and
//! comes again. Anything else that is missing or not as it was written ends the start, and nothing is read that is wrong.
//! And a disk that is full stops the run where it was committed last.

#[path = "support/files.rs"]
mod files;
#[path = "support/manifests.rs"]
mod manifests;
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use files::{files_below, rows_below};
use manifests::{Manifest, SLOTS, read};
use millstream::engine::{CommitStep, Store, Value, VirtualClock};
use millstream::prelude::*;
use millstream::testing::{Act, CrashPoint, FaultStore, Script};
use random::Random;

const N_CHUNKS: i64 = 8;

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

/// A pipeline with its state, its rows in memory and its rows in files.
struct Job {
    store: FaultStore,
    rows: Memory,
    folder: tempfile::TempDir,
}

impl Job {
    fn new() -> anyhow::Result<Self> {
        Ok(Job {
            store: FaultStore::new(),
            rows: Memory::new(),
            folder: tempfile::tempdir()?,
        })
    }

    fn out(&self) -> &Path {
        self.folder.path()
    }

    /// Runs it until it ends, or comes to `crash`. The input waits for the clock, which each commit moves on.
    fn run(&self, workers: usize, crash: Option<CrashPoint>) -> Result<Report> {
        let start = if crash.is_some() { 0 } else { N_CHUNKS * 1000 };
        let clock = VirtualClock::starting_at(at(start));
        let (moved, crash) = (clock.clone(), crash.map(CrashPoint::crash));
        let (rows, out) = (self.rows.clone(), self.out().to_owned());
        App::new("damaged")
            .workers(workers)
            .clock(clock)
            .epochs(millis(0), 9)
            .state(State::in_store(self.store.clone()).every(millis(0)))
            .follow_commits(move |step, epoch| {
                if step == CommitStep::Committed {
                    moved.advance(seconds(1));
                }
                crash.as_ref().map_or(Ok(()), |crash| crash(step, epoch))
            })
            .run(move |flow| pipeline(flow, &rows, &out))
    }

    /// What came out: the rows in memory, and those in files.
    fn answer(&self) -> (Vec<Vec<Value>>, Vec<Vec<String>>) {
        (self.rows.rows(), rows_below(self.out()))
    }

    /// The names of the Parquet files.
    fn files(&self) -> BTreeSet<PathBuf> {
        let files = files_below(self.out()).into_iter();
        let is_parquet = |path: &PathBuf| path.extension().is_some_and(|end| end == "parquet");
        files.filter(is_parquet).collect()
    }
}

/// Two partitions of chunks, and before each but the first a wait for one more second of the clock.
fn script() -> Script<(i64, i64)> {
    let emit = |p: i64, n: i64| Act::Emit(at(n * 400 + p), ((n * 5 + p) % 7, n * 2 + p));
    let chunk = |p: i64, chunk: i64| {
        let records = (0..15).map(move |n| emit(p, chunk * 15 + n));
        std::iter::once(Act::Until(at(chunk * 1000))).chain(records)
    };
    let partition = |p| (0..N_CHUNKS).flat_map(|n| chunk(p, n)).collect();
    Script::new((0..2).map(partition).collect())
}

fn pipeline(flow: &mut Flow<'_>, rows: &Memory, out: &Path) -> Result<()> {
    let policy = Watermarks::bounded(seconds(0)).idle_after(hours(1000));
    let counts = flow
        .source("events", script())
        .event_time(|(time, _)| *time, policy)
        .key_with("key", |(_, (key, _))| *key)
        .window(Tumbling::of(seconds(3)))
        .aggregate("counts", |of| {
            (
                of.count("n"),
                of.sum("sum", |(_, (_, n))| *n),
                of.count_distinct("values", |(_, (_, n))| n),
            )
        });
    counts.view("counts")?;
    counts.closed().sink("memory", rows.clone())?;
    counts
        .closed()
        .sink("files", ParquetFiles::new(out).roll_rows(4))
}

type Answer = (Vec<Vec<Value>>, Vec<Vec<String>>);

fn straight() -> anyhow::Result<Answer> {
    let job = Job::new()?;
    job.run(1, None)?;
    let answer = job.answer();
    // 48 s of windows of 3 s, in each of which every key comes.
    ensure!(answer.0.len() == 16 * 7 && answer.1.len() == 16 * 7);
    Ok(answer)
}

/// A job that has crashed at `step` of its `nth` commit, and the power with it.
fn crashed(step: CommitStep, nth: u64) -> anyhow::Result<Job> {
    let job = Job::new()?;
    let error = job
        .run(2, Some(CrashPoint { step, nth }))
        .expect_err("it crashes");
    ensure!(error.to_string().contains("as it was told to"), "{error}");
    job.store.crash();
    Ok(job)
}

fn write(store: &FaultStore, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = store.create(name)?;
    file.write(bytes)?;
    file.sync()?;
    Ok(store.sync()?)
}

fn flip(store: &FaultStore, name: &str, byte: usize) {
    store.corrupt(name, byte as u64);
}

fn cut(store: &FaultStore, name: &str, length: usize) {
    store.truncate(name, length as u64);
}

#[test]
fn a_bad_manifest_is_passed_over_for_the_one_before() -> anyhow::Result<()> {
    let expected = straight()?;
    let mut random = Random::new(20_261_123);
    let (mut n_cases, mut n_taken_back) = (0, 0);
    // After "published" there is something out there that the older manifest knows nothing of.
    for step in [CommitStep::Committed, CommitStep::Published] {
        for nth in [2, 3, 5, 6, 8] {
            for damage in [flip, cut] {
                let job = crashed(step, nth)?;
                let [newer, older] = Manifest::both(&job.store)?;
                ensure!(older.epoch < newer.epoch, "the two are of two commits");
                let newer = newer.slot;
                let length = read(&job.store, newer)?.len();
                let byte = random.next_u32() as usize % length;
                damage(&job.store, newer, byte);
                let case = format!("{step}:{nth}, {newer} of {length} bytes damaged at {byte}");

                let before = job.files();
                let workers = 1 + n_cases % 3;
                job.run(workers, None).with_context(|| case.clone())?;
                ensure!(
                    job.answer() == expected,
                    "{case}: the answer is another one"
                );
                n_taken_back += before.difference(&job.files()).count();
                n_cases += 1;
            }
        }
    }
    println!("{n_cases} bad manifests; {n_taken_back} files taken back");
    ensure!(n_taken_back > 0, "nothing had to be taken back");
    Ok(())
}

#[test]
fn two_bad_manifests_are_both_named() -> anyhow::Result<()> {
    for (first, second) in [(flip, flip), (flip, cut), (cut, flip), (cut, cut)]
        as [(fn(&FaultStore, &str, usize), fn(&FaultStore, &str, usize)); 4]
    {
        let job = crashed(CommitStep::Published, 5)?;
        let kept = SLOTS.map(|slot| read(&job.store, slot));
        let out = job.answer();
        first(&job.store, SLOTS[0], 100);
        second(&job.store, SLOTS[1], 40);
        let error = job.run(2, None).expect_err("nothing is known").to_string();
        for slot in SLOTS {
            ensure!(error.contains(&format!("memory:{slot} ")), "{error}");
        }
        ensure!(job.answer() == out, "nothing is touched");

        // With one of them restored it goes on.
        let [kept, _] = kept;
        write(&job.store, SLOTS[0], &kept?)?;
        job.run(2, None)?;
        ensure!(job.answer() == straight()?);
    }
    Ok(())
}

/// The state files that the newest manifest names, of a job with many commits, some of them merged.
fn with_many_files() -> anyhow::Result<(Job, Vec<String>)> {
    let job = crashed(CommitStep::Published, 13)?;
    let [Manifest { files, .. }, _] = Manifest::both(&job.store)?;
    let is_merged = files.iter().any(|name| name.starts_with("merged-"));
    ensure!(is_merged && files.len() > 1, "{files:?}");
    Ok((job, files))
}

/// Starts `job`, whose file `name` is not what it was: the start fails and says so.
///
/// It may publish before that what was committed and not published yet, and nothing else.
fn fails_and_names(job: &Job, name: &str, case: &str, expected: &Answer) -> anyhow::Result<()> {
    let before = job.answer();
    let error = match job.run(2, None) {
        Err(error) => error.to_string(),
        Ok(_) if job.answer() == *expected => anyhow::bail!("{case}: nobody has noticed"),
        Ok(_) => anyhow::bail!("{case}: the answer is wrong"),
    };
    ensure!(error.contains(&format!("memory:{name}")), "{case}: {error}");
    let after = job.answer();
    ensure!(
        is_part(&before.0, &after.0) && is_part(&after.0, &expected.0),
        "{case}: rows"
    );
    ensure!(
        is_part(&before.1, &after.1) && is_part(&after.1, &expected.1),
        "{case}: files"
    );
    Ok(())
}

/// Whether all of `part` is in `whole`, of which every row is there once; both are sorted.
fn is_part<T: Ord>(part: &[T], whole: &[T]) -> bool {
    part.is_sorted_by(|a, b| a < b) && part.iter().all(|row| whole.binary_search(row).is_ok())
}

#[test]
fn a_damaged_state_file_is_named() -> anyhow::Result<()> {
    let seed = 20_261_124;
    let mut random = Random::new(seed);
    let (job, files) = with_many_files()?;
    let (expected, mut n_cases) = (straight()?, 0);
    for name in &files {
        let whole = read(&job.store, name)?;
        let length = whole.len();
        let drawn = std::iter::repeat_with(|| random.next_u32() as usize % length);
        let ends = [0, 9, 12, length - 20, length - 1];
        for byte in ends.into_iter().chain(drawn.take(7)) {
            flip(&job.store, name, byte);
            let case = format!("seed {seed}, byte {byte} of {length} of {name}");
            fails_and_names(&job, name, &case, &expected)?;
            flip(&job.store, name, byte);
            n_cases += 1;
        }
        for length in [0, 7, length / 2, length - 1] {
            cut(&job.store, name, length);
            let case = format!("{name} cut off after {length} bytes");
            fails_and_names(&job, name, &case, &expected)?;
            write(&job.store, name, &whole)?;
            n_cases += 1;
        }
        // Something whole in its place, but something else.
        let other = files
            .iter()
            .find(|other| *other != name)
            .context("another")?;
        write(&job.store, name, &read(&job.store, other)?)?;
        let case = format!("{other} in the place of {name}");
        fails_and_names(&job, name, &case, &expected)?;
        write(&job.store, name, &whole)?;
        n_cases += 1;
    }
    println!("{n_cases} damages of {} files", files.len());
    job.run(3, None)?;
    ensure!(job.answer() == expected, "whole again, it goes on");
    Ok(())
}

#[test]
fn a_missing_state_file_is_named() -> anyhow::Result<()> {
    let (expected, (job, files)) = (straight()?, with_many_files()?);
    for name in &files {
        let whole = read(&job.store, name)?;
        job.store.remove(name)?;
        job.store.sync()?;
        fails_and_names(&job, name, &format!("{name} is missing"), &expected)?;
        write(&job.store, name, &whole)?;
    }
    job.run(3, None)?;
    ensure!(job.answer() == expected, "complete again, it goes on");
    Ok(())
}

#[test]
fn a_full_disk_stops_the_run_and_room_lets_it_go_on() -> anyhow::Result<()> {
    let expected = straight()?;
    let (mut n_full, mut room) = (0, 0);
    loop {
        let job = Job::new()?;
        job.store.full_after(room);
        // So that the input waits for the clock, as if it were to crash long after its end.
        let never = CrashPoint {
            step: CommitStep::Committed,
            nth: u64::MAX,
        };
        let Err(error) = job.run(2, Some(never)) else {
            break;
        };
        let error = error.to_string();
        let says = [
            "cannot write memory:",
            "no storage space: free space and start again",
        ];
        ensure!(
            says.iter().all(|say| error.contains(say)),
            "room for {room}: {error}"
        );
        n_full += 1;
        job.store.crash();
        let workers = 1 + n_full % 3;
        job.run(workers, None)
            .with_context(|| format!("room for {room}"))?;
        ensure!(
            job.answer() == expected,
            "room for {room}: the answer is another one"
        );
        room += 1500;
    }
    println!("{n_full} disks were full; room for {room} bytes was enough");
    ensure!(n_full >= 10, "only {n_full} were full");
    Ok(())
}
