//! The buffer that lines are cut from: bytes, known to be text where they all are.
//!
//! To see that bytes are UTF-8 is quick if they are many at a time, and slow if it is done line by line. So a buffer is
//! looked at as a whole when it was filled. If it is no text, because a line in it is broken or its last character is not
//! there yet, each line is looked at by itself.

/// What was read.
pub(super) enum Buffer {
    Bytes(Vec<u8>),
    Text(String),
}

impl Buffer {
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Buffer::Bytes(bytes) => bytes,
            Buffer::Text(text) => text.as_bytes(),
        }
    }

    /// The buffer as text, if it is known to be text.
    #[inline]
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Buffer::Bytes(_) => None,
            Buffer::Text(text) => Some(text),
        }
    }

    /// The bytes, to be changed: of what is text then nothing is known.
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        if let Buffer::Text(text) = self {
            *self = Buffer::Bytes(std::mem::take(text).into_bytes());
        }
        match self {
            Buffer::Bytes(bytes) => bytes,
            Buffer::Text(_) => unreachable!("it was made bytes above"),
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        match self {
            Buffer::Bytes(bytes) => bytes.capacity(),
            Buffer::Text(text) => text.capacity(),
        }
    }

    /// Sees if all of it is text.
    pub(super) fn look(&mut self) {
        if let Buffer::Bytes(bytes) = self {
            *self = match String::from_utf8(std::mem::take(bytes)) {
                Ok(text) => Buffer::Text(text),
                Err(error) => Buffer::Bytes(error.into_bytes()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_text_if_all_of_it_is() {
        let mut buffer = Buffer::Bytes("é".into());
        assert_eq!(buffer.text(), None);
        buffer.look();
        assert_eq!(buffer.text(), Some("é"));
        buffer.bytes_mut().pop();
        assert_eq!((buffer.text(), buffer.bytes()), (None, &b"\xc3"[..]));
        buffer.look();
        assert_eq!((buffer.text(), buffer.bytes()), (None, &b"\xc3"[..]));
        buffer.bytes_mut().push(b'\xa9');
        buffer.look();
        assert_eq!(buffer.text(), Some("é"));
    }
}
