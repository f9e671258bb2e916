//! The console sink prints a batch in one go, and says so when nobody reads.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc;

use millstream_connectors::{Console, SinkError};
use millstream_engine::EventTime;

use crate::kit::{Run, row};

#[test]
fn one_write_for_all_rows_of_a_commit() {
    struct Writes(mpsc::Sender<usize>);
    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .send(bytes.iter().filter(|byte| **byte == b'\n').count())
                .unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (writes, seen) = mpsc::channel();
    let mut run = Run::start(&Console::printing_to(Writes(writes)), "r1", 1).unwrap();
    for n in 0..100 {
        run.write(0, [row("2026-11-23T10:00:00Z", "/a", n)]);
    }
    run.finish(0, EventTime::MAX);
    drop(run);
    assert_eq!(seen.iter().collect::<Vec<_>>(), [100]);
}

#[test]
fn errors_of_the_output_are_typed() {
    struct Broken(ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error_of = |kind| {
        let mut run = Run::start(&Console::printing_to(Broken(kind)), "r1", 1).unwrap();
        run.write(0, [row("2026-11-23T10:00:00Z", "/a", 1)]);
        let staged = run.stage_last(0, EventTime::MAX);
        *run.parts[0]
            .publish(&staged)
            .unwrap_err()
            .downcast::<SinkError>()
            .unwrap()
    };
    assert!(matches!(
        error_of(ErrorKind::BrokenPipe),
        SinkError::ReaderGone { .. }
    ));
    assert!(matches!(
        error_of(ErrorKind::StorageFull),
        SinkError::Print { .. }
    ));
}
