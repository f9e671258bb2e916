//! Sinks, driven as the engine drives them: write an epoch, stage, publish.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code too")]

#[path = "sinks/kit.rs"]
mod kit;

#[path = "sinks/console_prints.rs"]
mod console_prints;
#[path = "sinks/contract.rs"]
mod contract;
#[path = "sinks/parquet_crash.rs"]
mod parquet_crash;
#[path = "sinks/parquet_manifest.rs"]
mod parquet_manifest;
#[path = "sinks/parquet_read_back.rs"]
mod parquet_read_back;
#[path = "sinks/parquet_roll.rs"]
mod parquet_roll;
