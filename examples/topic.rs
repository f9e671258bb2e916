//! Prints what is in a log, a record a line, with the offset and the time of its append: to look into one by hand.
//!
//! `cargo run --example topic -- DIRECTORY [FROM]`, where `FROM` is an offset or a time such as 2026-01-15T10:30:00Z. A log
//! beside the state of a pipeline is in `source-NAME` or `sink-NAME`; nobody may have it open.

use std::io::{BufWriter, Write};

use millstream::connectors::LogRecord;
use millstream::prelude::*;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(directory) = args.next() else {
        anyhow::bail!("usage: topic DIRECTORY [OFFSET|TIME]");
    };
    let topic = Topic::open_existing(&directory)?;
    let from = args.next();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for partition in 0..topic.partitions() {
        let first = match &from {
            None => topic.start(partition),
            Some(text) => match text.parse() {
                Ok(offset) => offset,
                Err(_) => topic.offset_at(partition, text.parse::<EventTime>()?)?,
            },
        };
        let mut reader = topic.read(partition, first);
        while let Some(record) = reader.next()? {
            print(partition, &record, &mut out)?;
        }
    }
    Ok(out.flush()?)
}

fn print(partition: u32, record: &LogRecord<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let LogRecord { offset, time, .. } = record;
    let [id, headers, payload] =
        [record.id, record.headers, record.payload].map(String::from_utf8_lossy);
    writeln!(
        out,
        "{partition}\t{offset}\t{time}\t{id}\t{headers}\t{payload}"
    )
}
