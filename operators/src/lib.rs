//! The vocabulary of Millstream: one verb a file.
