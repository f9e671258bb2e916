//! Which files are merged, and when.
//!
//! From the newest file back, a *tail* goes on for as long as the next older file is no more than twice as heavy as all
//! newer ones together. A tail of eight is merged: the new file is half as heavy again as its heaviest part at least, so
//! a byte is not written again often, and the files that stay out of the tail grow threefold from one to the next. And
//! all files are merged when what came since outweighs the oldest: much of that one has been said again by now.

use std::ops::Range;

use crate::snapshot::file::StateFile;

/// So many files are worth merging if they are about as heavy as one another.
const TAIL_FILES: usize = 8;
/// So many are worth merging if the oldest is outweighed.
const ALL_FILES: usize = 4;

/// Which of `files`, the oldest first, are to be merged into one, if any.
pub(crate) fn choose(files: &[StateFile]) -> Option<Range<usize>> {
    let (oldest, newer) = files.split_first()?;
    if files.len() >= ALL_FILES && sum(newer) > oldest.bytes {
        return Some(0..files.len());
    }
    let start = tail_start(files);
    (files.len() - start >= TAIL_FILES).then_some(start..files.len())
}

fn tail_start(files: &[StateFile]) -> usize {
    let mut start = files.len() - 1;
    let mut weight = files[start].bytes;
    while start > 0 && files[start - 1].bytes <= weight.saturating_mul(2) {
        start -= 1;
        weight += files[start].bytes;
    }
    start
}

fn sum(files: &[StateFile]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random::Random;

    fn file(bytes: u64) -> StateFile {
        StateFile {
            name: String::new(),
            bytes,
            checksum: 0,
        }
    }

    fn check(sizes: &[u64], expected: impl Into<Option<Range<usize>>>) {
        let files: Vec<StateFile> = sizes.iter().copied().map(file).collect();
        assert_eq!(choose(&files), expected.into(), "{sizes:?}");
    }

    #[test]
    fn files_of_one_weight_are_merged_and_the_base_when_outweighed() {
        check(&[], None);
        check(&[1, 1, 1], None);
        check(&[1, 1, 1, 1], 0..4);
        check(&[3, 1, 1, 1], None);
        check(&[100, 1, 1, 1, 1, 1, 1, 1], None);
        check(&[100, 1, 1, 1, 1, 1, 1, 1, 1], 1..9);
        check(&[1000, 30, 15, 1, 1, 1, 1, 1, 1], None);
        check(&[1000, 30, 15, 1, 1, 1, 1, 1, 1, 1, 1], 1..11);
        check(&[1000, 50, 15, 1, 1, 1, 1, 1, 1, 1, 1], 2..11);
    }

    /// After each of 10,000 snapshots the files are merged if they are to be; `base` is how heavy all together can get.
    fn simulate(seed: u64, base: u64, mut size: impl FnMut(&mut Random) -> u64) {
        let mut random = Random::new(seed);
        let mut files = Vec::new();
        let (mut n_snapshot, mut n_written, mut n_files_max) = (0, 0, 0);
        for _ in 0..10_000 {
            let bytes = size(&mut random);
            n_snapshot += bytes;
            n_written += bytes;
            files.push(file(bytes));
            if let Some(chosen) = choose(&files) {
                let merged = sum(&files[chosen.clone()]).min(base);
                n_written += merged;
                files.splice(chosen, [file(merged)]);
            }
            n_files_max = n_files_max.max(files.len());
        }
        let times = n_written as f64 / n_snapshot as f64;
        let case = format!("seed {seed}, base {base}: {n_files_max} files, {times:.2} times");
        assert!(n_files_max < 40, "{case}");
        assert!(times <= 8.5, "{case}");
    }

    #[test]
    fn few_files_and_few_writes() {
        for seed in 0..5 {
            for base in [1_000, 100_000, 10_000_000, u64::MAX] {
                simulate(seed, base, |_| 1_000);
                simulate(seed, base, |random| 1 + random.below(1_000));
                simulate(seed, base, |random| 1 << random.below(20));
                simulate(seed, base, |random| {
                    (1 << 30) / (1 + random.below(1 << 20)) // few are very heavy
                });
            }
        }
    }
}
