//! What every sink promises the engine.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use millstream_connectors::{
    Console, Memory, MemoryStore, ParquetFiles, Topic, TopicSettings, TopicSink,
};
use millstream_engine::{EventTime, Sink, Value};

use crate::kit::{Run, columns, row, visible_files};

/// `seen` counts the rows (or files) that are visible outside.
fn check(sink: &dyn Sink, seen: impl Fn() -> usize) {
    let mut run = Run::start(sink, "r1", 2).unwrap();
    run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
    run.write(1, [row("2026-11-23T10:00:00Z", "/b", 2)]);
    let staged = [
        run.stage_last(0, EventTime::MAX),
        run.stage_last(1, EventTime::MAX),
    ];
    assert_eq!(seen(), 0, "staging is invisible");
    for (worker, staged) in staged.iter().enumerate() {
        let published = run.publish(worker, staged);
        assert_eq!(published.iter().map(|one| one.rows).sum::<u64>(), 1);
        assert_eq!(seen(), worker + 1, "publishing is visible");
    }
    for (worker, staged) in staged.iter().enumerate() {
        assert_eq!(
            run.publish(worker, staged),
            [],
            "publishing again does nothing"
        );
        assert_eq!(
            run.stage_last(worker, EventTime::MAX),
            [],
            "what was staged is staged once"
        );
        assert_eq!(run.publish(worker, &[]), []);
    }
    assert_eq!(seen(), 2);
}

#[test]
fn memory() {
    let sink = Memory::new();
    check(&sink, || sink.rows().len());
    let urls: Vec<_> = sink.rows().into_iter().map(|row| row[2].clone()).collect();
    assert_eq!(urls, [Value::Text("/a".into()), Value::Text("/b".into())]);
    assert_eq!(sink.columns(), columns());
}

#[test]
fn parquet_files() {
    let folder = tempfile::tempdir().unwrap();
    check(&ParquetFiles::new(folder.path()), || {
        visible_files(folder.path()).len()
    });
}

#[test]
fn topic() {
    let topic = Topic::open_in(Arc::new(MemoryStore::new()), TopicSettings::new()).unwrap();
    let n_records = || usize::try_from(topic.end(0)).unwrap();
    check(&TopicSink::new(&topic), n_records);
    let mut reader = topic.read(0, 0);
    let first = reader.next().unwrap().unwrap();
    assert_eq!(
        String::from_utf8_lossy(first.payload),
        "{\"window_start\":\"2026-11-23T10:00:00Z\",\"window_end\":\"2026-11-23T10:01:00Z\",\
         \"url\":\"/a\",\"views\":1,\"p95_duration_ms\":0.5}"
    );
    assert_eq!(first.id, b"r1-1.2-0-0/0");
}

#[test]
fn console() {
    #[derive(Clone, Default)]
    struct Printed(Arc<Mutex<Vec<u8>>>);
    impl Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let printed = Printed::default();
    let lines = || String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
    check(&Console::printing_to(printed.clone()), || {
        lines().lines().count()
    });
    assert_eq!(
        lines(),
        "{\"window_start\":\"2026-11-23T10:00:00Z\",\"window_end\":\"2026-11-23T10:01:00Z\",\
         \"url\":\"/a\",\"views\":1,\"p95_duration_ms\":0.5}\n\
         {\"window_start\":\"2026-11-23T10:00:00Z\",\"window_end\":\"2026-11-23T10:01:00Z\",\
         \"url\":\"/b\",\"views\":2,\"p95_duration_ms\":1.0}\n"
    );
}
