//! The same events in any shape of input give the same result: one file or many, plain or compressed, a pipe.

#[path = "support/files.rs"]
mod files;
#[path = "support/job.rs"]
mod job;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use files::rows_below;
use job::{clickstream, of_summary};
use millstream::prelude::*;

fn lines() -> anyhow::Result<Vec<String>> {
    let start: EventTime = "2026-01-15T10:30:00Z".parse()?;
    let generator = Clickstream::new().rate(Rate::PerSecond(100)).seed(3);
    (0..5_000)
        .map(|n| Ok(serde_json::to_string(&generator.event(n, start))? + "\n"))
        .collect()
}

fn run(input: &Path, out: &Path) -> anyhow::Result<Vec<Vec<String>>> {
    let mut command = clickstream();
    command
        .args(["--no-http", "--workers", "2", "--input"])
        .arg(input)
        .arg("--out")
        .arg(out);
    let ran = command.output()?;
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(of_summary(&ran.stdout, "events"), 5_000.0);
    Ok(rows_below(&out.join("pages_per_minute")))
}

#[test]
fn one_file_or_many_plain_or_compressed_or_a_pipe() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let lines = lines()?;
    let text = lines.concat();
    std::fs::write(path("all.ndjson"), &text)?;
    let expected = run(&path("all.ndjson"), &path("out_all"))?;
    assert!(expected.len() > 100);

    let mut gzip = flate2::write::GzEncoder::new(
        File::create(path("all.ndjson.gz"))?,
        flate2::Compression::fast(),
    );
    gzip.write_all(text.as_bytes())?;
    gzip.finish()?;
    assert_eq!(run(&path("all.ndjson.gz"), &path("out_gzip"))?, expected);

    std::fs::write(
        path("all.ndjson.zst"),
        zstd::encode_all(text.as_bytes(), 1)?,
    )?;
    assert_eq!(run(&path("all.ndjson.zst"), &path("out_zstd"))?, expected);

    for (n, part) in lines.chunks(1_700).enumerate() {
        std::fs::write(path(&format!("part-{n}.ndjson")), part.concat())?;
    }
    assert_eq!(run(&path("part-*.ndjson"), &path("out_parts"))?, expected);

    let out = path("out_pipe");
    let mut command = clickstream();
    command
        .args(["--no-http", "--workers", "3", "--input", "-", "--out"])
        .arg(&out);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(text.as_bytes())?;
    assert!(child.wait()?.success());
    assert_eq!(rows_below(&out.join("pages_per_minute")), expected);
    Ok(())
}
