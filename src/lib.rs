//! Millstream.
