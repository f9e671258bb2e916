//! Live inputs: standard input and pipes, which may keep a reader waiting for hours.
//!
//! A thread of its own reads one into a short channel and wakes the worker for each chunk. The channel is the
//! back-pressure: while it is full nothing is read, and the writer at the pipe's other end waits.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use millstream_engine::Waker;

use super::packing::recognise;
use super::plan::STANDARD_INPUT;

/// How much is read at a time at most.
const CHUNK_BYTES: usize = 256 * 1024;

/// How many chunks wait for the worker at most.
const CHUNKS_WAITING_MAX: usize = 16;

/// The worker's end of an input that is read by a thread.
pub(super) struct Live {
    chunks: Receiver<io::Result<Vec<u8>>>,
}

impl Live {
    /// Reads standard input, or the pipe at `path`.
    pub(super) fn open(path: &Path, waker: Waker) -> io::Result<Self> {
        let path = path.to_owned();
        Self::read(move || open(&path), waker)
    }

    /// Reads what `open` gives in a thread, which ends with its input or when nobody wants more.
    fn read(
        open: impl FnOnce() -> io::Result<Box<dyn Read + Send>> + Send + 'static,
        waker: Waker,
    ) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(CHUNKS_WAITING_MAX);
        thread::Builder::new().name("input".into()).spawn(move || {
            if let Err(error) = send_chunks(open, &sender, &waker) {
                // If nobody listens any more, nobody wants to know.
                let _ = sender.send(Err(error));
            }
            // The worker learns of the end by looking: hang up before it is woken.
            drop(sender);
            waker.wake();
        })?;
        Ok(Live { chunks })
    }

    /// The next chunk, empty at the end; `None` if there is none yet: the waker will be called.
    pub(super) fn next(&self) -> io::Result<Option<Vec<u8>>> {
        match self.chunks.try_recv() {
            Ok(chunk) => chunk.map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Ok(Some(Vec::new())),
        }
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let stream: Box<dyn Read + Send> = if path == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    let (packing, stream) = recognise(stream)?;
    packing.unpack(stream)
}

fn send_chunks(
    open: impl FnOnce() -> io::Result<Box<dyn Read + Send>>,
    sender: &SyncSender<io::Result<Vec<u8>>>,
    waker: &Waker,
) -> io::Result<()> {
    let mut stream = open()?;
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                if sender.send(Ok(buffer[..n].to_vec())).is_err() {
                    return Ok(());
                }
                waker.wake();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
