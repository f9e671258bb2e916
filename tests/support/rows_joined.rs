//! Records and the one row of their key: the pipeline that joins them, random input for it, and what came out.

use std::collections::BTreeSet;

use millstream::engine::{Value, hours};
use millstream::prelude::*;
use millstream::testing::Script;

use crate::random::Random;
use crate::stragglers::{BOUND_MS, Hit, Partitions, random_input};

/// A row of one of the outputs: whether it is late, and its numbers.
pub(crate) type Row = (bool, Vec<i64>);

/// Whether a row is wanted; of the others it is only known that they are there.
pub(crate) fn is_wanted(row: &Hit) -> bool {
    !row.user.is_multiple_of(3)
}

pub(crate) fn pipeline(
    flow: &mut Flow<'_>,
    scripts: &[Script<Hit>; 2],
    patience: Option<std::time::Duration>,
    sink: &Memory,
) -> Result<()> {
    let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
    let [records, rows] = ["records", "rows"].map(|name| {
        let script = &scripts[usize::from(name == "rows")];
        let hits = flow.source(name, script.clone());
        let hits = hits.event_time(|(time, _)| *time, policy);
        hits.map(|(time, hit)| (time.micros() / 1000, hit))
    });
    let rows = rows.key_by("key", |(_, row)| &row.key).rows();
    let rows = match patience {
        Some(patience) => rows.wait_at_most(patience),
        None => rows,
    };
    let joined = records.key_by("key", |(_, record)| &record.key).join_row(
        "joined",
        &rows,
        |(at, record), (since, row)| {
            is_wanted(row).then(|| (false, at.max(*since), record.ms, row.ms))
        },
    );
    let late = joined.late().map(|late| {
        let (Sided::Left((at, hit)) | Sided::Right((at, hit))) = late;
        (true, at, hit.ms, 0)
    });
    let names = ("late", "at", "ms", "of_row");
    joined
        .columns(names, |row| *row)
        .sink("joined", sink.clone())?;
    late.columns(names, |row| *row).sink("late", sink.clone())
}

pub(crate) fn rows_of(memory: &Memory) -> Vec<Row> {
    let number = |value: &Value| match value {
        Value::Int(n) => *n,
        other => panic!("{other:?}"),
    };
    let rows = memory.rows().into_iter();
    let rows = rows.map(|row| {
        let numbers = row[1..].iter().map(number).collect();
        (row[0] == Value::Bool(true), numbers)
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

/// Records of many keys, and rows of most of them; some rows come twice, in one partition or in two.
pub(crate) fn inputs(rng: &mut Random) -> [Partitions; 2] {
    let mut records = random_input(rng);
    for (_, hit) in records.iter_mut().flatten() {
        hit.key = format!("{}-{}", hit.key, hit.user % 10);
    }
    let mut rows: Partitions = vec![Vec::new(); 3];
    for n in 0..7 * 10 {
        let key = format!("k{}-{}", n / 10, n % 10);
        let (user, ms) = (rng.next_u32() % 50, i64::from(rng.next_u32() % 1_000));
        let time = EventTime::from_millis(i64::from(rng.next_u32() % 20_000));
        let n_times = [0, 1, 1, 1, 1, 2][rng.next_u32() as usize % 6];
        for _ in 0..n_times {
            let hit = Hit {
                key: key.clone(),
                user,
                ms,
            };
            rows[rng.next_u32() as usize % 3].push((time, hit));
        }
    }
    [records, rows]
}

/// As `inputs`, with one row of a key at most, and times in tenths of a second: many rows come just when waiting ends.
pub(crate) fn inputs_of_one(rng: &mut Random) -> [Partitions; 2] {
    let [mut records, mut rows] = inputs(rng);
    let mut known = BTreeSet::new();
    for partition in &mut rows {
        partition.retain(|(_, row)| known.insert(row.key.clone()));
    }
    for (time, _) in records.iter_mut().chain(&mut rows).flatten() {
        *time = EventTime::from_millis(time.micros().div_euclid(100_000) * 100);
    }
    [records, rows]
}
