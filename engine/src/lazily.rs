//! What is put into the graph only if somebody asks for it, and then once.

use std::cell::LazyCell;
use std::rc::Rc;

/// How it is made.
type Making<'f, T> = Box<dyn FnOnce() -> T + 'f>;

/// Something that is made when it is first asked for. Copies share it.
pub(crate) struct Lazily<'f, T>(Rc<LazyCell<T, Making<'f, T>>>);

impl<T> Clone for Lazily<'_, T> {
    fn clone(&self) -> Self {
        Lazily(Rc::clone(&self.0))
    }
}

impl<'f, T: Clone + 'f> Lazily<'f, T> {
    /// Something that is there already.
    pub(crate) fn there(it: T) -> Self {
        Lazily::made_by(move || it)
    }

    /// Something that `make` will make.
    pub(crate) fn made_by(make: impl FnOnce() -> T + 'f) -> Self {
        Lazily(Rc::new(LazyCell::new(Box::new(make))))
    }

    /// It, made now if it was not.
    pub(crate) fn get(&self) -> T {
        T::clone(&self.0)
    }
}
