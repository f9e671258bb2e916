//! Live inputs whose other end a test holds.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::file::packing::Packing;

/// Gives what a test sends it, and blocks until then.
struct Scripted(Receiver<Vec<u8>>);

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let chunk = self.0.recv().unwrap_or_default();
        buffer[..chunk.len()].copy_from_slice(&chunk);
        Ok(chunk.len())
    }
}

/// Reads `stream` in a thread; the other channel tells of every call of the waker.
fn live(stream: impl Read + Send + 'static) -> (Live, Receiver<()>) {
    let (woken, wakes) = channel();
    let waker = Waker::new(move || {
        let _ = woken.send(());
    });
    let open = || -> io::Result<Box<dyn Read + Send>> { Ok(Box::new(stream)) };
    (Live::read(open, waker).unwrap(), wakes)
}

#[test]
fn it_never_waits_and_wakes_its_worker_when_there_is_more() {
    let (script, chunks) = channel();
    let (live, wakes) = live(Scripted(chunks));
    assert_eq!(live.next().unwrap(), None);
    for chunk in [b"one\ntw".to_vec(), b"o\n".to_vec()] {
        script.send(chunk.clone()).unwrap();
        wakes.recv().unwrap();
        assert_eq!(live.next().unwrap(), Some(chunk));
        assert_eq!(live.next().unwrap(), None);
    }
    drop(script);
    wakes.recv().unwrap();
    assert_eq!(live.next().unwrap(), Some(Vec::new()), "the end");
}

#[test]
fn an_error_comes_after_what_was_read() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let (live, wakes) = live(io::Cursor::new("1\n").chain(Broken));
    // Woken for the chunk and at the end.
    wakes.recv().unwrap();
    wakes.recv().unwrap();
    assert_eq!(live.next().unwrap(), Some(b"1\n".to_vec()));
    assert_eq!(live.next().unwrap_err().to_string(), "unplugged");
}

#[test]
fn a_thread_ends_when_nobody_wants_more() {
    struct Endless {
        _dropped: Sender<()>,
    }
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'\n');
            Ok(buffer.len())
        }
    }
    let (dropped, ended) = channel();
    let (live, wakes) = live(Endless { _dropped: dropped });
    wakes.recv().unwrap();
    drop(live);
    assert!(
        ended.recv().is_err(),
        "the stream is dropped with the thread"
    );
}

#[test]
fn a_compressed_stream_is_recognised_without_waiting_for_more_than_that_needs() {
    let packed = zstd::encode_all(&b"1\n"[..], 1).unwrap();
    let (packing, mut stream) = recognise(Box::new(io::Cursor::new(packed.clone()))).unwrap();
    assert_eq!(packing, Packing::Zstd);
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert_eq!(all, packed);
    let (script, chunks) = channel();
    script.send(b"1".to_vec()).unwrap();
    let (packing, _) = recognise(Box::new(Scripted(chunks))).unwrap();
    assert_eq!(packing, Packing::Plain);
}
