//! How much a value keeps on the heap, about: what serde has to say of it, counted and not written.
//!
//! Rust does not tell how much a value of any type keeps on the heap. What it holds in texts and lists is what makes it
//! large, and that is also what it is written as; so the length of that is an estimate that is good to a factor of two.

use std::io::{self, Write};

use serde::Serialize;

/// Counts bytes.
#[derive(Default)]
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// About how many bytes `value` keeps on the heap.
///
/// # Examples
/// ```
/// use millstream_engine::raw::content_bytes;
/// let text = "x".repeat(1_000);
/// assert!((1_000..1_100).contains(&content_bytes(&text)));
/// assert!(content_bytes(&7_u64) < 16);
/// ```
#[must_use]
pub fn content_bytes<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut counter = Counter::default();
    // What cannot be written is told when it is to be written.
    let _ = value.serialize(&mut rmp_serde::Serializer::new(&mut counter));
    counter.0
}

/// A value as it is written down; `None` if it cannot be.
#[must_use]
pub fn bytes_of<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    rmp_serde::to_vec(value).ok()
}
