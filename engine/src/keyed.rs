//! Keyed streams: records with what they are to be grouped by.

use std::rc::Rc;

use crate::stream::Stream;

/// A stream and the key of its records; nothing is moved or copied until a step needs it.
pub struct KeyedStream<'f, T: 'static, K> {
    stream: Stream<'f, T>,
    names: Vec<String>,
    key: Rc<K>,
}

impl<'f, T, K> KeyedStream<'f, T, K> {
    /// A keyed stream; for operators.
    #[doc(hidden)]
    pub fn new(stream: Stream<'f, T>, names: Vec<String>, key: K) -> Self {
        KeyedStream {
            stream,
            names,
            key: Rc::new(key),
        }
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &Stream<'f, T> {
        &self.stream
    }

    /// The names of the key's columns.
    #[doc(hidden)]
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What takes the key of a record.
    #[doc(hidden)]
    #[must_use]
    pub fn key(&self) -> Rc<K> {
        Rc::clone(&self.key)
    }
}
