//! The event log: what is appended, what is read, and what is left after a crash.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code too")]

#[path = "log/kit.rs"]
mod kit;

#[path = "log/append_and_read.rs"]
mod append_and_read;
#[path = "log/damage.rs"]
mod damage;
#[path = "log/faults.rs"]
mod faults;
#[path = "log/fuzz.rs"]
mod fuzz;
#[path = "log/ids.rs"]
mod ids;
#[path = "log/poison.rs"]
mod poison;
#[path = "log/readers.rs"]
mod readers;
#[path = "log/retention.rs"]
mod retention;
