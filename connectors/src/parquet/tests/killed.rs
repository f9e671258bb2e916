//! A pipeline that is killed at any moment and goes on leaves the folder that one without a break leaves.

use super::*;

/// Rows of eight hours, some of them hours behind; the numbers in the order they come.
///
/// No hour has late rows only: which of those come after its first manifest depends on when they are published.
fn rows(random: &mut Random) -> Vec<SinkRow> {
    let times = (0..960).map(|n| {
        let delay = match random.below(20) {
            0 => minutes(random.below(180) as u64),
            _ => seconds(random.below(300) as u64),
        };
        let time = noon().plus(seconds(30 * n)).minus(delay);
        time.max(noon())
    });
    numbered(times)
}

/// The manifests by folder, but for what depends on when late rows were published: the names of files, which tell where
/// and when they were made, and the watermark at the last of them.
fn manifests(root: &Path) -> BTreeMap<String, Json> {
    let folders = visible(root).into_iter();
    let folders = folders.map(|path| path.parent().unwrap().to_owned());
    let shown = |folder: PathBuf| {
        let mut manifest = manifest(&folder).expect("each folder is final");
        let fields = manifest.as_object_mut().unwrap();
        assert!(fields.remove("watermark").is_some());
        let listed = fields.remove("files").unwrap();
        let there: Vec<_> = visible(&folder)
            .iter()
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                json!({ "name": name, "rows": numbers(path).len() })
            })
            .collect();
        assert_eq!(listed, Json::Array(there), "{}", folder.display());
        let name = folder.strip_prefix(root).unwrap().display().to_string();
        (name, manifest)
    };
    folders.map(shown).collect()
}

fn check(seed: u64, roll: impl Fn(ParquetFiles) -> ParquetFiles) {
    let rows = rows(&mut Random::new(seed));
    let folder_of = |n_kills, n_workers_max| {
        let folder = tempfile::tempdir().unwrap();
        let sink = roll(ParquetFiles::new(folder.path()).partition_by_hour());
        Killed {
            sink: &sink,
            open: &|cx| Box::new(sink.part(cx).unwrap()),
            stopped: &|| assert!(!folder.path().join(".staging").exists()),
            rows: &rows,
            n_kills,
            n_workers_max,
            loses_commits: true,
            random: Random::new(seed),
        }
        .run();
        folder
    };
    let (straight, killed) = (folder_of(0, 1), folder_of(12, 3));
    for folder in [&straight, &killed] {
        let mut all: Vec<_> = visible(folder.path())
            .iter()
            .flat_map(|path| numbers(path))
            .collect();
        all.sort_unstable();
        assert!(
            all.into_iter().eq(0..960),
            "seed {seed}: each row is there once"
        );
    }
    let (straight, killed) = (manifests(straight.path()), manifests(killed.path()));
    assert_eq!(killed, straight, "seed {seed}");
    let late = |manifest: &Json| manifest["late_corrections"].as_u64().unwrap();
    assert!(
        straight.values().map(late).sum::<u64>() > 0,
        "seed {seed}: some are late"
    );
}

#[test]
fn rows_wait_until_the_watermark_leaves() {
    (0..3).for_each(|seed| check(seed, |sink| sink.roll_after(hours(1000))));
}

#[test]
fn rows_wait_until_there_are_some() {
    (100..103).for_each(|seed| check(seed, |sink| sink.roll_rows(17)));
}

#[test]
fn rows_wait_for_a_while() {
    (200..203).for_each(|seed| check(seed, |sink| sink.roll_after(seconds(100))));
}
