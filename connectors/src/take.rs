//! What takes a partition's records in: the engine's intake, or a plain list in a test.
//!
//! The engine alone can make an [`Intake`]. The partitions of this crate are therefore written against this small trait,
//! so that everything they do can be checked beside them.

use millstream_engine::Intake;

/// Takes records in while there is room.
pub(crate) trait Take<T> {
    /// How many more records fit.
    fn room(&self) -> usize;
    /// Takes one in, or says why not; it is to be rejected then.
    fn accept(&mut self, value: T) -> Result<(), String>;
    /// Makes a dead letter of one.
    fn reject(&mut self, offset: u64, reason: String, raw: &[u8]);
}

impl<T> Take<T> for Intake<'_, T> {
    fn room(&self) -> usize {
        Intake::room(self)
    }

    #[inline]
    fn accept(&mut self, value: T) -> Result<(), String> {
        Intake::accept(self, value).map_err(|too_far_ahead| too_far_ahead.to_string())
    }

    fn reject(&mut self, offset: u64, reason: String, raw: &[u8]) {
        Intake::reject(self, offset, reason, raw);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Take;

    /// Takes everything in that `refuses` does not object to, as long as there is room.
    pub(crate) struct Taken<T> {
        pub(crate) room: usize,
        pub(crate) values: Vec<T>,
        pub(crate) letters: Vec<(u64, String, Vec<u8>)>,
        pub(crate) refuses: fn(&T) -> bool,
    }

    impl<T> Taken<T> {
        pub(crate) fn with_room(room: usize) -> Self {
            Taken {
                room,
                values: Vec::new(),
                letters: Vec::new(),
                refuses: |_| false,
            }
        }
    }

    impl<T> Take<T> for Taken<T> {
        fn room(&self) -> usize {
            self.room
        }
        fn accept(&mut self, value: T) -> Result<(), String> {
            if (self.refuses)(&value) {
                return Err("refused".into());
            }
            assert!(self.room > 0, "nothing is handed over without room");
            self.room -= 1;
            self.values.push(value);
            Ok(())
        }
        fn reject(&mut self, offset: u64, reason: String, raw: &[u8]) {
            assert!(self.room > 0, "nothing is handed over without room");
            self.room -= 1;
            self.letters.push((offset, reason, raw.to_vec()));
        }
    }
}
