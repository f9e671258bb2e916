//! The elements of a list, one after the other. All of them are one place: what is learnt of one is expected of the next.

use serde::de::{DeserializeSeed, SeqAccess};

use super::name::Left;
use super::shapes::Place;
use super::walk::Walk;

/// What stands in a list.
pub(super) struct Elements<'w, 's, 'de> {
    walk: &'w mut Walk<'s, 'de>,
    place: Place,
    is_first: bool,
}

impl<'w, 's, 'de> Elements<'w, 's, 'de> {
    #[inline]
    pub(super) fn enter(walk: &'w mut Walk<'s, 'de>, place: Place) -> Result<Self, Left> {
        walk.enter()?;
        Ok(Elements {
            walk,
            place,
            is_first: true,
        })
    }

    /// Goes out of the list, of which the type has made `read`.
    #[inline]
    pub(super) fn exit<T>(self, read: Result<T, Left>) -> Result<T, Left> {
        let value = self.walk.noted(read)?;
        self.walk.exit(b']')?;
        Ok(value)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_, 'de> {
    type Error = Left;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Left> {
        self.walk.space();
        if self.walk.byte() == b']' {
            return Ok(None);
        }
        if !std::mem::replace(&mut self.is_first, false) {
            if !self.walk.take(b',') {
                return self.walk.leave();
            }
            self.walk.space();
        }
        self.walk.value(self.place, seed).map(Some)
    }
}
