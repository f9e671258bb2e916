//! The names in an object, one after the other: those that are expected by comparing, all others by reading.

use std::ops::Range;

use super::name::Left;
use super::scan::{plain_integer_end, plain_text_end, space_end, word_end};
use super::shape::{MemberIdx, Next, Use};
use super::skip::value_end;
use super::walk::Walk;

/// Goes from name to name, where the walk is in an object.
#[derive(Clone, Copy)]
pub(super) struct Names {
    shape: usize,
    /// The member whose name came last; none at the beginning, or if it is not learnt.
    pub(super) member: MemberIdx,
    pub(super) used: Use,
    next: Next,
    /// Where the object begins, behind its bracket.
    start: usize,
    /// Where the name is that came last, if it is not learnt.
    unlearnt: (usize, usize),
    n_expected: usize,
}

impl Names {
    #[inline]
    pub(super) fn new(walk: &Walk<'_, '_>, shape: usize) -> Self {
        Names {
            shape,
            member: MemberIdx::NONE,
            used: Use::Unknown,
            next: walk.shapes.shape(shape).first(),
            start: walk.at,
            unlearnt: (0, 0),
            n_expected: 0,
        }
    }

    /// Goes behind the next name that is not ignored, to its value; false at the end of the object, before its bracket.
    #[inline(always)]
    pub(super) fn next(&mut self, walk: &mut Walk<'_, '_>) -> Result<bool, Left> {
        loop {
            if self.next_expected(walk)? {
                return Ok(true);
            }
            if walk.byte() == b'}' {
                return Ok(false);
            }
            // Given away as a copy, it need not have a place in memory here.
            let Some(met) = self.unexpected(walk)? else {
                return Ok(false);
            };
            *self = met;
            if self.used != Use::Ignored {
                return Ok(true);
            }
            walk.skip()?;
        }
    }

    /// As [`next`](Self::next), as long as names are as expected; false where one is not, or before the bracket.
    #[inline(always)]
    fn next_expected(&mut self, walk: &mut Walk<'_, '_>) -> Result<bool, Left> {
        let bytes = walk.bytes();
        let shape = walk.shapes.shape(self.shape);
        let mut at = walk.at;
        while let Some((idx, member)) = shape.expected(self.next, bytes, at) {
            (self.member, self.used, self.next) = (idx, member.used, member.next);
            self.n_expected += 1;
            at += member.literal.len();
            if member.used != Use::Ignored {
                walk.at = at;
                return Ok(true);
            }
            match skip(bytes, at) {
                Some(end) => at = end,
                None => return walk.leave(),
            }
        }
        walk.at = at;
        Ok(false)
    }

    /// The name that came last, as long as the walk stands at its value.
    #[inline]
    pub(super) fn name<'de>(&self, walk: &Walk<'_, 'de>) -> &'de str {
        let (mut from, mut to) = self.unlearnt;
        if let Some(member) = walk.shapes.shape(self.shape).find(self.member) {
            let (name, literal) = (member.literal.name(), walk.at - member.literal.len());
            (from, to) = (literal + name.start, literal + name.end);
        }
        &walk.text[from..to]
    }

    #[cold]
    #[inline(never)]
    fn unexpected(mut self, walk: &mut Walk<'_, '_>) -> Result<Option<Self>, Left> {
        let from = walk.at;
        let is_first = from == self.start;
        let Some((name, value)) = read_name(walk, is_first)? else {
            return Ok(None);
        };
        let literal = &walk.bytes()[from..value];
        let name_in_literal = name.start - from..name.end - from;
        let after = (is_first || self.member != MemberIdx::NONE).then_some(self.member);
        let learnt = walk
            .shapes
            .member(self.shape, after, literal, name_in_literal);
        walk.at = value;
        match learnt {
            Some(idx) => {
                let member = walk.shapes.shape(self.shape).member(idx);
                (self.member, self.used, self.next) = (idx, member.used, member.next);
            }
            None => {
                (self.member, self.used, self.next) =
                    (MemberIdx::NONE, Use::Unknown, Next::UNKNOWN);
                self.unlearnt = (name.start, name.end);
            }
        }
        Ok(Some(self))
    }

    /// To be called when the object was read to its end: what was as expected pays for what will not be, and each object for a
    /// little, so that nothing is given up for good.
    #[inline]
    pub(super) fn end(self, walk: &mut Walk<'_, '_>) {
        walk.shapes.shape_mut(self.shape).earn(self.n_expected + 1);
    }
}

/// The place after the value at `at`; what is passed over most often, without a call.
#[inline(always)]
fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) == Some(&b'"')
        && let Some(end) = plain_text_end(bytes, at + 1)
    {
        return Some(end + 1);
    }
    plain_integer_end(bytes, at).or_else(|| value_end(bytes, at))
}

/// Where the next name is, and where its value begins; none at the end of the object, to which the walk then goes.
fn read_name(
    walk: &mut Walk<'_, '_>,
    is_first: bool,
) -> Result<Option<(Range<usize>, usize)>, Left> {
    let bytes = walk.bytes();
    let mut at = space_end(bytes, walk.at);
    if bytes.get(at) == Some(&b'}') {
        walk.at = at;
        return Ok(None);
    }
    if !is_first {
        let Some(comma) = word_end(bytes, at, b",") else {
            return walk.leave();
        };
        at = space_end(bytes, comma);
    }
    let name_and_value = || {
        let from = word_end(bytes, at, b"\"")?;
        let to = plain_text_end(bytes, from)?;
        let colon = space_end(bytes, to + 1);
        Some((from..to, space_end(bytes, word_end(bytes, colon, b":")?)))
    };
    match name_and_value() {
        Some(found) => Ok(Some(found)),
        None => walk.leave(),
    }
}
