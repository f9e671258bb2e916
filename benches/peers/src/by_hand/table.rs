//! A table that changes with all that comes, where its keys belong; its rows are given once all has come.

use timely::ExchangeData;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Operator;

use super::spread;

/// What of `stream` has one `key` comes together; `add` puts it into the table, of which `rows` makes rows in the end.
pub(super) fn table<'s, D, T, R, I>(
    stream: StreamVec<'s, u64, D>,
    key: impl Fn(&D) -> u64 + 'static,
    add: impl Fn(&mut T, D) + 'static,
    rows: impl Fn(T) -> I + 'static,
) -> StreamVec<'s, u64, R>
where
    D: ExchangeData,
    T: Default + 'static,
    R: 'static,
    I: Iterator<Item = R>,
{
    let by_key = Exchange::new(move |some: &D| spread(key(some)));
    stream.unary_frontier::<CapacityContainerBuilder<Vec<R>>, _, _, _>(
        by_key,
        "table",
        |capability, _| {
            let mut open = Some((capability, T::default()));
            move |(input, frontier), output| {
                input.for_each(|_, batch| {
                    let (_, table) = open.as_mut().expect("nothing comes after the end");
                    batch.drain(..).for_each(|some| add(table, some));
                });
                if frontier.frontier().is_empty()
                    && let Some((capability, table)) = open.take()
                {
                    let mut session = output.session(&capability);
                    rows(table).for_each(|row| session.give(row));
                }
            }
        },
    )
}
