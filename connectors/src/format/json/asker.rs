//! Askers: the types that ask for objects, told apart by their path and the names that they ask for.
//!
//! Two types are taken for one if they have the same path and the same names. There is no telling them apart: the same
//! type may have copies of its names at several addresses, and two types may share the names of one. It matters only to
//! a type written by hand that reads one place now as one and now as the other, both derived in the same function, where
//! what is an alias in one is a field of its own in the other.

/// Which type asks: what is learnt of its names is of no use to another.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    visitor: &'static str,
    names: &'static [&'static str],
}

impl Asker {
    #[inline]
    pub(super) fn of<V>(names: &'static [&'static str]) -> Self {
        Asker {
            visitor: std::any::type_name::<V>(),
            names,
        }
    }

    #[inline]
    pub(super) fn is(&self, other: &Asker) -> bool {
        let is_in_place =
            std::ptr::eq(self.names, other.names) && std::ptr::eq(self.visitor, other.visitor);
        is_in_place || self.is_elsewhere(other)
    }

    /// Whether it is the other, of which the compiler has made a copy.
    #[cold]
    fn is_elsewhere(&self, other: &Asker) -> bool {
        self.names == other.names && self.visitor == other.visitor
    }
}
