//! The queries, by name: what each asks stands in its own file.
//!
//! A query is a function from the events to a stream of its rows. Their fields have the names, and the order, of the
//! columns that the benchmark asks for, so that JSON of them is a line of output.

mod per_bidder;
mod q0;
mod q1;
mod q10;
mod q11;
mod q12;
mod q13;
mod q14;
mod q15;
mod q16;
mod q17;
mod q18;
mod q19;
mod q2;
mod q20;
mod q21;
mod q22;
mod q3;
mod q4;
mod q5;
mod q6;
mod q7;
mod q8;
mod q9;
mod ranks;
mod winning_bids;

use millstream::engine::Data;
use millstream::prelude::*;

use super::event::{Auction, Bid, Event};
use super::output::Output;

/// A query.
pub(crate) struct Query {
    /// What it is called: `q5`.
    pub(crate) name: &'static str,
    /// When its events happen.
    pub(crate) timed: Timed,
    /// Builds it between the events and the output.
    pub(crate) build: Build,
}

type Build = for<'f> fn(&Stream<'f, Event>, &Output) -> Result<()>;

/// When events happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timed {
    /// When they say.
    ByThemselves,
    /// When they are taken in.
    ByTheClock,
}

/// All queries there are.
pub(crate) const QUERIES: &[Query] = &[
    query("q0", |events, output| output.take(&q0::q0(events))),
    query("q1", |events, output| output.take(&q1::q1(events))),
    query("q2", |events, output| output.take(&q2::q2(events))),
    query("q3", |events, output| output.take(&q3::q3(events))),
    query("q4", |events, output| {
        output.take_table(&q4::q4(events), q4::Row::from)
    }),
    query("q5", |events, output| output.take(&q5::q5(events))),
    query("q6", |events, output| output.take(&q6::q6(events))),
    query("q7", |events, output| output.take(&q7::q7(events))),
    query("q8", |events, output| output.take(&q8::q8(events))),
    query("q9", |events, output| output.take(&q9::q9(events))),
    query(WRITES_FILES, q10::q10),
    query("q11", |events, output| output.take(&q11::q11(events))),
    Query {
        timed: Timed::ByTheClock,
        ..query("q12", |events, output| output.take(&q12::q12(events)))
    },
    query("q13", |events, output| output.take(&q13::q13(events))),
    query("q14", |events, output| output.take(&q14::q14(events))),
    query("q15", |events, output| output.take(&q15::q15(events))),
    query("q16", |events, output| output.take(&q16::q16(events))),
    query("q17", |events, output| output.take(&q17::q17(events))),
    query("q18", |events, output| {
        output.take_table(&q18::q18(events), |(_, bid)| bid.0)
    }),
    query("q19", |events, output| {
        output.take_table(&q19::q19(events), q19::Row::from)
    }),
    query("q20", |events, output| output.take(&q20::q20(events))),
    query("q21", |events, output| output.take(&q21::q21(events))),
    query("q22", |events, output| output.take(&q22::q22(events))),
];

/// The query that writes files, whether or not its rows are asked for.
pub(crate) const WRITES_FILES: &str = "q10";

const fn query(name: &'static str, build: Build) -> Query {
    Query {
        name,
        timed: Timed::ByThemselves,
        build,
    }
}

/// The query called `name`.
pub(crate) fn by_name(name: &str) -> Option<&'static Query> {
    QUERIES.iter().find(|query| query.name == name)
}

/// Whether an auction is of the category that two queries ask for.
fn tenth_category(auction: &Auction) -> bool {
    auction.category == 10
}

/// The bids among the events.
fn bids<'f>(events: &Stream<'f, Event>) -> Stream<'f, Bid> {
    some_bids(events, Some)
}

/// What `f` makes of each bid.
fn each_bid<'f, R: Data>(
    events: &Stream<'f, Event>,
    f: impl Fn(Bid) -> R + 'static,
) -> Stream<'f, R> {
    some_bids(events, move |bid| Some(f(bid)))
}

/// What `f` makes of some bids: in one step with finding them, so that only what is wanted of a bid is moved.
fn some_bids<'f, R: Data>(
    events: &Stream<'f, Event>,
    f: impl Fn(Bid) -> Option<R> + 'static,
) -> Stream<'f, R> {
    events.filter_map(move |event| match event {
        Event::Bid(bid) => f(bid),
        Event::Person(_) | Event::Auction(_) => None,
    })
}
