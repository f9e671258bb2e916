//! Everything that is made of the three tables: by a pipeline, into views, and by a naive recomputation.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::cmp::Reverse;
use std::collections::BTreeMap;

use millstream::engine::{Snapshot, Value};
use millstream::prelude::*;
use millstream::testing::Script;

use crate::changed_tables::{Said, Tables};

/// How many are ranked.
const K: usize = 3;

pub(crate) type Items<'f> = Table<'f, i64, Kept<(i64, i64)>>;
pub(crate) type Places<'f> = Table<'f, i64, Kept<i64>>;
pub(crate) type Links<'f> = Table<'f, (i64, i64), Kept<()>>;
/// An aggregate of a stream, which tells only what a row is from now on.
pub(crate) type Counts<'f> = Table<'f, i64, u64>;
pub(crate) type All<'f> = (Items<'f>, Places<'f>, Links<'f>, Counts<'f>);

/// The three tables.
pub(crate) fn tables<'f>(flow: &mut Flow<'f>, [items, places]: &[Script<Said>; 2]) -> All<'f> {
    let policy = Watermarks::bounded(hours(1));
    let others = flow.source("others", items.clone());
    let others = others.event_time(|(time, _)| *time, policy);
    let places = flow.source("places", places.clone());
    let places = places.event_time(|(time, _)| *time, policy);
    let items = others
        .filter_map(|(_, said)| match said {
            Said::Item(key, row) => Some((key, row)),
            _ => None,
        })
        .key_with("item", |(key, _)| *key);
    let said = items.aggregate("said", |of| of.count("said"));
    let items = items.upsert("items", |(_, row)| *row);
    let links = others
        .filter_map(|(_, said)| match said {
            Said::Link(from, to, is_there) => Some((from, to, is_there)),
            _ => None,
        })
        .key_with(("from", "to"), |(from, to, _)| (*from, *to))
        .changelog("links", |(_, _, is_there)| match is_there {
            true => RowChange::Insert(()),
            false => RowChange::Delete,
        });
    let places = places
        .filter_map(|(_, said)| match said {
            Said::Place(key, n) => Some((key, n)),
            _ => None,
        })
        .key_with("place", |(key, _)| *key)
        .upsert("places", |(_, n)| *n);
    ((*items).clone(), (*places).clone(), (*links).clone(), said)
}

/// All that is made of them, each with a view.
pub(crate) fn pipeline(flow: &mut Flow<'_>, scripts: &[Script<Said>; 2]) -> Result<()> {
    let tables = tables(flow, scripts);
    let joined = joined(&tables)?;
    all_of(&tables, &joined)
}

pub(crate) type Joined<'f> = Table<'f, i64, (Kept<(i64, i64)>, Kept<i64>)>;

/// The least of it: the three tables, and items with their places.
pub(crate) fn joined<'f>((items, places, links, said): &All<'f>) -> Result<Joined<'f>> {
    let items_named = items.map_values(("group", "n"), |item| **item);
    items_named.view("items")?;
    places.map_values("m", |n| **n).view("places")?;
    links.view("links")?;
    said.view("said")?;
    let by_group = items.group_by("group", |_, Kept(item)| item.0);
    let joined = by_group.join("joined", places);
    joined
        .map_values(("n", "m"), |(Kept(item), place)| (item.1, **place))
        .view("joined")?;
    Ok(joined)
}

/// The rest of it.
pub(crate) fn all_of<'f>(
    (items, places, links, said): &All<'f>,
    joined: &Joined<'f>,
) -> Result<()> {
    let items_named = items.map_values(("group", "n"), |item| **item);
    let by_group = items.group_by("group", |_, Kept(item)| item.0);
    let same_key = items_named.join("same_key", &places.map_values("m", |n| **n));
    same_key.view("same_key")?;
    let said_of = said.join("said_of", &items_named);
    said_of.view("said_of")?;
    let left = by_group.left_join("left", places);
    left.map_values(("n", "m"), |(item, place)| {
        (item.0.1, place.as_ref().map(|m| **m))
    })
    .view("left")?;
    by_group
        .semi_join("semi", places)
        .map_values("n", |Kept(item)| item.1)
        .view("semi")?;
    by_group
        .anti_join("anti", places)
        .map_values("n", |Kept(item)| item.1)
        .view("anti")?;
    by_group
        .aggregate("per_group", |of| {
            (
                of.count("n"),
                of.min("least", |Kept(item)| item.1),
                of.max("most", |Kept(item)| item.1),
                of.count_distinct("groups", |Kept(item)| &item.0),
                of.mean("mean", |Kept(item)| item.1),
            )
        })
        .view("per_group")?;
    by_group.distinct("groups").view("groups")?;
    let top = by_group.top_k("top", K, |_, Kept(item)| Reverse(item.1));
    top.map_values(("item", "n"), |(item, Kept(row))| (*item, row.1))
        .view("top")?;
    // In this order a row stays where it is when its number changes.
    let lowest = by_group.top_k("lowest", K, |key, _| *key);
    lowest
        .map_values(("item", "n"), |(item, Kept(row))| (*item, row.1))
        .view("lowest")?;
    let all = items_named.group_by((), |_, _| ());
    all.top_k("top_of_all", 2 * K, |_, item| item.1)
        .view("top_of_all")?;
    items_named
        .filter(|key, item| key % 2 == 0 && item.1 % 3 != 0)
        .view("filtered")?;
    // A table of a table of tables.
    let of_joined = joined.group_by("place", |_, (Kept(item), _)| item.0);
    of_joined
        .aggregate("chained", |of| {
            of.max("most", |(Kept(item), place)| item.1 + **place)
        })
        .filter(|place, _| place % 2 == 1)
        .view("chained")?;
    loops(items, links)
}

/// What loops make.
fn loops(items: &Items<'_>, links: &Links<'_>) -> Result<()> {
    let reached = links.iterate("reached", |inside, reached| {
        let links = inside.enter(links).map(|((from, to), _)| (from, to));
        let ends = reached.map(|((from, to), kept)| (to, (from, kept)));
        let further = ends.join(&links);
        let further = further.map(|(_, ((from, kept), to))| ((from, to), kept));
        further.concat(&reached)
    });
    reached.view("reached")?;
    // The least item that hangs together with each, where an item is a number of a link.
    let labels = items.map_values("label", |_| i64::MAX);
    let labels = labels.iterate("labels", |inside, labels| {
        let own = inside.enter(items).map(|(key, _)| (key, key));
        let links = inside.enter(links);
        let links = links.flat_map(|((from, to), _)| [(from, to), (to, from)]);
        let told = labels.join(&links.distinct());
        let told = told.map(|(_, (label, to))| (to, label)).join(&own);
        let told = told.map(|(to, (label, _))| (to, label));
        told.concat(&own).least()
    });
    labels.view("labels")
}

/// The rows of a view, each as what it shows.
fn rows_of(snapshot: &Snapshot, view: &str) -> Vec<Vec<Value>> {
    let rows = snapshot.views.get(view).into_iter();
    rows.flat_map(|view| view.rows().map(|(_, row)| row.to_vec()))
        .collect()
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        _ => panic!("{value:?} is no integer"),
    }
}

/// The three tables as a snapshot of the views has them.
pub(crate) fn shown(snapshot: &Snapshot) -> Tables {
    let items = rows_of(snapshot, "items").into_iter();
    let places = rows_of(snapshot, "places").into_iter();
    let links = rows_of(snapshot, "links").into_iter();
    let said = rows_of(snapshot, "said").into_iter();
    Tables {
        items: items
            .map(|row| (int(&row[0]), (int(&row[1]), int(&row[2]))))
            .collect(),
        places: places.map(|row| (int(&row[0]), int(&row[1]))).collect(),
        links: links.map(|row| (int(&row[0]), int(&row[1]))).collect(),
        said: said.map(|row| (int(&row[0]), int(&row[1]))).collect(),
    }
}

/// Compares each view that there is with what is made of the tables naively; gives which is wrong.
pub(crate) fn check(snapshot: &Snapshot) -> std::result::Result<(), String> {
    for (view, expected) in naive(&shown(snapshot)) {
        if !snapshot.views.contains_key(view) {
            continue;
        }
        let found = rows_of(snapshot, view);
        if found != expected {
            return Err(format!(
                "view {view} at {}: {found:?}, and should be {expected:?}",
                snapshot.epoch
            ));
        }
    }
    Ok(())
}

type Rows = Vec<Vec<Value>>;

fn ints(rows: impl IntoIterator<Item = Vec<i64>>) -> Rows {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort();
    let values = rows.into_iter();
    values
        .map(|row| row.into_iter().map(Value::Int).collect())
        .collect()
}

/// What each view is to show, by its columns.
fn naive(tables: &Tables) -> BTreeMap<&'static str, Rows> {
    let Tables { items, places, .. } = tables;
    let place_of = |group: &i64| places.get(group);
    let mut groups: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for (key, (group, n)) in items {
        groups.entry(*group).or_default().push((*n, *key));
    }
    let joined = items.iter().filter_map(|(key, (group, n))| {
        let place = place_of(group)?;
        Some((*key, *group, *n, *place))
    });
    let joined: Vec<_> = joined.collect();
    let known = |is: bool| {
        let known = items
            .iter()
            .filter(move |(_, row)| places.contains_key(&row.0) == is);
        ints(known.map(|(key, row)| vec![*key, row.1]))
    };
    let same_key = items.iter().filter_map(|(key, (group, n))| {
        let place = places.get(key)?;
        Some(vec![*key, *group, *n, *place])
    });
    let said_of = items.iter().filter_map(|(key, (group, n))| {
        let said = tables.said.get(key)?;
        Some(vec![*key, *said, *group, *n])
    });
    let filtered = items
        .iter()
        .filter(|(key, row)| *key % 2 == 0 && row.1 % 3 != 0);
    let mut chained: BTreeMap<i64, i64> = BTreeMap::new();
    for (_, group, n, place) in joined.iter().filter(|joined| joined.1 % 2 == 1) {
        let most = chained.entry(*group).or_insert(i64::MIN);
        *most = (*most).max(n + place);
    }
    BTreeMap::from([
        (
            "joined",
            ints(joined.iter().map(|(key, _, n, m)| vec![*key, *n, *m])),
        ),
        ("same_key", ints(same_key)),
        ("said_of", ints(said_of)),
        ("left", left(tables)),
        ("semi", known(true)),
        ("anti", known(false)),
        ("per_group", groups.iter().map(aggregated).collect()),
        ("groups", ints(groups.keys().map(|group| vec![*group]))),
        ("top", top(&groups, |(n, _)| Reverse(*n))),
        ("lowest", top(&groups, |(_, key)| *key)),
        ("top_of_all", top_of_all(tables)),
        (
            "filtered",
            ints(filtered.map(|(key, row)| vec![*key, row.0, row.1])),
        ),
        (
            "chained",
            ints(chained.into_iter().map(|(group, most)| vec![group, most])),
        ),
        ("reached", reached(tables)),
        ("labels", labels(tables)),
    ])
}

fn left(tables: &Tables) -> Rows {
    let row = |(key, (group, n)): (&i64, &(i64, i64))| {
        let place = tables.places.get(group);
        let place = place.map_or(Value::Null, |place| Value::Int(*place));
        vec![Value::Int(*key), Value::Int(*n), place]
    };
    tables.items.iter().map(row).collect()
}

fn aggregated((group, rows): (&i64, &Vec<(i64, i64)>)) -> Vec<Value> {
    let ns = || rows.iter().map(|(n, _)| *n);
    let mean = ns().sum::<i64>() as f64 / rows.len() as f64;
    let numbers = [
        *group,
        rows.len() as i64,
        ns().min().expect("a row"),
        ns().max().expect("a row"),
        1,
    ];
    let numbers = numbers.map(Value::Int).into_iter();
    numbers.chain([Value::Float(mean)]).collect()
}

/// The first rows of each group by what `order` makes of number and key.
fn top<O: Ord>(groups: &BTreeMap<i64, Vec<(i64, i64)>>, order: impl Fn(&(i64, i64)) -> O) -> Rows {
    let ranked = groups.iter().flat_map(|(group, rows)| {
        let mut rows = rows.clone();
        rows.sort_by_key(&order);
        let ranked = (1..).zip(rows).take(K);
        let row = |(rank, (n, key))| vec![*group, rank, key, n];
        ranked.map(row).collect::<Vec<_>>()
    });
    ints(ranked)
}

fn top_of_all(tables: &Tables) -> Rows {
    let mut rows: Vec<_> = tables.items.iter().collect();
    rows.sort_by_key(|(_, (_, n))| *n);
    let ranked = (1..).zip(rows).take(2 * K);
    ints(ranked.map(|(rank, (key, (group, n)))| vec![rank, *key, *group, *n]))
}

fn reached(tables: &Tables) -> Rows {
    let mut reached = tables.links.clone();
    loop {
        let further: Vec<_> = reached
            .iter()
            .flat_map(|(from, via)| {
                let links = tables.links.iter().filter(move |link| link.0 == *via);
                links.map(|(_, to)| (*from, *to))
            })
            .collect();
        let n_before = reached.len();
        reached.extend(further);
        if reached.len() == n_before {
            return ints(reached.into_iter().map(|(from, to)| vec![from, to]));
        }
    }
}

fn labels(tables: &Tables) -> Rows {
    let mut labels: BTreeMap<i64, i64> = tables.items.keys().map(|key| (*key, *key)).collect();
    loop {
        let before = labels.clone();
        for (from, to) in &tables.links {
            for (from, to) in [(from, to), (to, from)] {
                if let (Some(told), Some(label)) = (before.get(from), labels.get_mut(to)) {
                    *label = (*label).min(*told);
                }
            }
        }
        if labels == before {
            return ints(labels.into_iter().map(|(key, label)| vec![key, label]));
        }
    }
}
