//! The walk: through the text of one record from front to back.
//!
//! ```text
//!  {"at":17,"page":{"url":"/a"}}     T asks for a struct: Value ─▶ Members ─▶ name ─▶ T asks for the value: Value ─▶ …
//!        ▲ the walk stands here
//! ```
//!
//! What the type asks for is read where the walk stands, in one go with checking that it is valid. What is not as simple as
//! that (a number with a fraction, text with escapes, a map) is cut out of the record and read by the parser alone. What
//! does not even let itself be cut out is *left*: the walk is over, and the parser reads the whole record.
//!
//! *Invariants*: once anything was left, or a type has found fault with anything that passed through here, the walk gives no
//! value, even if some type makes light of that; nor if one has looked at what an error says. Nothing is accepted that the
//! parser would not accept.

use serde::Deserialize;
use serde::de::DeserializeSeed;

use super::name::{Left, n_shown};
use super::scan::{plain_text_end, short_integer, space_end};
use super::shapes::{Place, Shapes};
use super::skip::{self, value_end};
use super::value::Value;

/// How deep types may nest; what they pass over or have parsed comes on top.
const DEPTH_MAX: u32 = 32;

// The parser refuses what is nested deeper than 127.
const _: () = assert!(DEPTH_MAX + skip::DEPTH_MAX < 127);

/// The longest integer that cannot overflow.
const DIGITS_MAX: usize = 18;

const POWERS_OF_TEN: [i64; 9] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// Where the reading of a record stands.
pub(super) struct Walk<'s, 'de> {
    pub(super) text: &'de str,
    pub(super) at: usize,
    pub(super) shapes: &'s mut Shapes,
    depth: u32,
    has_left: bool,
    /// How often errors had been looked at before.
    n_shown: u32,
}

/// A `T` of the record that `text` is, unless that is left to the parser.
#[inline(always)] // Or large values are copied once more.
pub(super) fn read<'de, T: Deserialize<'de>>(
    text: &'de str,
    shapes: &mut Shapes,
) -> Result<T, Left> {
    let mut walk = Walk::new(text, shapes);
    let value = T::deserialize(Value {
        walk: &mut walk,
        place: Place::ROOT,
    });
    if let Ok(value) = value
        && walk.is_over()
    {
        return Ok(value);
    }
    Err(Left)
}

impl<'s, 'de> Walk<'s, 'de> {
    /// At the beginning of a record.
    #[inline]
    pub(super) fn new(text: &'de str, shapes: &'s mut Shapes) -> Self {
        shapes.begin();
        Walk {
            text,
            at: space_end(text.as_bytes(), 0),
            shapes,
            depth: 0,
            has_left: false,
            n_shown: n_shown(),
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &'de [u8] {
        self.text.as_bytes()
    }

    /// Whether it has come to the end of the record, and has left nothing.
    #[inline]
    fn is_over(&self) -> bool {
        let is_at_end = self.at == self.text.len();
        let has_left = self.has_left || self.n_shown != n_shown();
        !has_left && (is_at_end || space_end(self.bytes(), self.at) == self.text.len())
    }

    /// The byte that comes next; 0 at the end, which is none that JSON allows.
    #[inline]
    pub(super) fn byte(&self) -> u8 {
        self.bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Passes over white space.
    #[inline]
    pub(super) fn space(&mut self) {
        self.at = space_end(self.bytes(), self.at);
    }

    /// Passes over `byte`, if it comes next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.byte() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Leaves the record to the parser.
    #[cold]
    pub(super) fn leave<T>(&mut self) -> Result<T, Left> {
        self.has_left = true;
        Err(Left)
    }

    /// `result`, which is remembered if it is an error.
    #[inline]
    pub(super) fn noted<T>(&mut self, result: Result<T, Left>) -> Result<T, Left> {
        match result {
            Ok(value) => Ok(value),
            Err(Left) => self.leave(),
        }
    }

    /// Goes into an object or a list, past its opening bracket.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), Left> {
        if self.depth == DEPTH_MAX {
            return self.leave();
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Goes out again, past the closing bracket.
    #[inline]
    pub(super) fn exit(&mut self, closing: u8) -> Result<(), Left> {
        self.depth -= 1;
        if self.take(closing) {
            return Ok(());
        }
        self.space();
        if self.take(closing) {
            Ok(())
        } else {
            self.leave()
        }
    }

    /// The value that comes next, as `seed` makes one of it.
    #[inline(always)]
    pub(super) fn value<S: DeserializeSeed<'de>>(
        &mut self,
        place: Place,
        seed: S,
    ) -> Result<S::Value, Left> {
        let from = self.at;
        let read = seed.deserialize(Value { walk: self, place });
        let value = self.noted(read)?;
        // There are types that look at nothing. To go on behind a value that nobody has looked at would be wrong.
        if self.at == from {
            return self.leave();
        }
        Ok(value)
    }

    /// Passes over a value.
    #[inline]
    pub(super) fn skip(&mut self) -> Result<(), Left> {
        // What is passed over most often, without a call.
        if self.byte() == b'"'
            && let Some(end) = plain_text_end(self.bytes(), self.at + 1)
        {
            self.at = end + 1;
            return Ok(());
        }
        self.cut().map(drop)
    }

    /// Passes over a value and gives its text.
    pub(super) fn cut(&mut self) -> Result<&'de str, Left> {
        let from = self.at;
        match value_end(self.bytes(), from) {
            Some(end) => {
                self.at = end;
                Ok(&self.text[from..end])
            }
            None => self.leave(),
        }
    }

    /// The text that comes next, if it is text without escapes.
    #[inline(never)] // Small as a type's code is then, the compiler puts the rest of it in one place.
    pub(super) fn plain_text(&mut self) -> Option<&'de str> {
        if self.byte() != b'"' {
            return None;
        }
        let from = self.at + 1;
        let end = plain_text_end(self.bytes(), from)?;
        self.at = end + 1;
        Some(&self.text[from..end])
    }

    /// The integer that comes next, if it is neither long nor `-0`.
    #[inline(never)]
    pub(super) fn plain_integer(&mut self) -> Option<i64> {
        let is_negative = self.byte() == b'-';
        let text = self.bytes().get(self.at + usize::from(is_negative)..)?;
        let (number, n) = integer(text)?;
        if is_negative && number == 0 {
            return None;
        }
        self.at += n + usize::from(is_negative);
        Some(if is_negative { -number } else { number })
    }
}

/// The integer that `text` begins with and how many digits it has, if it is not too long, nor the beginning of another number.
#[inline]
fn integer(text: &[u8]) -> Option<(i64, usize)> {
    let (mut number, mut n) = short_integer(text).unwrap_or((0, 0));
    if n == 8 {
        let (low, n_low) = short_integer(&text[8..]).unwrap_or((0, 0));
        number = number * POWERS_OF_TEN[n_low] + low;
        n += n_low;
    }
    if n == 16 || text.len() < n + 8 {
        while let Some(digit @ b'0'..=b'9') = text.get(n)
            && n < DIGITS_MAX
        {
            number = number * 10 + i64::from(digit - b'0');
            n += 1;
        }
    }
    let has_more = matches!(text.get(n), Some(b'0'..=b'9' | b'.' | b'e' | b'E'));
    let has_zeros = n > 1 && text[0] == b'0';
    (n > 0 && !has_more && !has_zeros).then_some((number, n))
}
