//! The handle through which aggregates are made.
//!
//! `aggregate` passes an [`Of`] to its closure. It holds nothing; it knows the type of the records, so that the closures
//! given to its methods need not say it, and it is the list of all aggregates there are.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use super::optional::{always, where_it_holds};
use super::{
    ApproxCountDistinct, Count, CountDistinct, CountDistinctEach, CountIf, Extreme, Mean, Measure,
    Number, Optional, Quantile, Ranked, Sum,
};

/// Makes aggregates of records of type `T`.
///
/// Each takes the name of its column first. A closure that returns `Option` makes the column nullable: `None` is skipped,
/// and the column is null where nothing else came. `NaN` is skipped too; a closure that returns a plain float gives `NaN`
/// where nothing else came.
///
/// # Examples
/// ```
/// use millstream_operators::{Aggregate, Of};
///
/// struct View { user: String, millis: u32 }
/// let of = Of::<View>::new();
/// let aggregate = (
///     of.count("views"),
///     of.count_distinct("visitors", |view| &view.user),
///     of.quantile("p95_millis", 0.95, |view| f64::from(view.millis)),
/// );
/// let mut state = Default::default();
/// for (user, millis) in [("ada", 20), ("bob", 30), ("ada", 10)] {
///     aggregate.add(&mut state, &View { user: user.into(), millis });
/// }
/// assert_eq!(aggregate.names(), ["views", "visitors", "p95_millis"]);
/// assert_eq!(aggregate.output(&state), (3, 2, 30.0));
/// ```
pub struct Of<T>(PhantomData<fn(&T)>);

impl<T> Of<T> {
    /// A handle; pipelines get theirs from `aggregate`.
    #[must_use]
    pub fn new() -> Self {
        Of(PhantomData)
    }

    /// Counts records.
    ///
    /// Gives a `u64`. State: 8 bytes.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let views = Of::<&str>::new().count("views");
    /// let mut state = 0;
    /// for page in ["/", "/about", "/"] {
    ///     views.add(&mut state, &page);
    /// }
    /// assert_eq!(Aggregate::<&str>::output(&views, &state), 3);
    /// ```
    #[must_use]
    pub fn count(&self, name: &str) -> Count {
        Count::new(name)
    }

    /// Counts the records for which `holds` gives true.
    ///
    /// Gives a `u64`. State: 8 bytes.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let cheap = Of::<u32>::new().count_if("cheap", |price| *price < 10);
    /// let mut state = 0;
    /// for price in [7, 12, 9] {
    ///     cheap.add(&mut state, &price);
    /// }
    /// assert_eq!(cheap.output(&state), 2);
    /// ```
    #[must_use]
    pub fn count_if<F>(&self, name: &str, holds: F) -> CountIf<F>
    where
        F: Fn(&T) -> bool + 'static,
    {
        CountIf::new(name, holds)
    }

    /// Sums the numbers that `number` picks.
    ///
    /// Integers give an `i64`, decimals a [`Decimal`](rust_decimal::Decimal), floats an `f64`; the sum is exact and
    /// rounded once, when it is read, so the order of the records never shows. A sum beyond what the column holds is shown
    /// as the largest or smallest it does hold (for floats, infinite). State: 32 bytes for integers; 64 for decimals; for
    /// floats 40 and then 32 for each 2³² of range, two or three in practice.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let total = Of::<f64>::new().sum("total", |number| *number);
    /// let mut state = Default::default();
    /// for number in [1e300, 1.0, -1e300] {
    ///     total.add(&mut state, &number);
    /// }
    /// assert_eq!(total.output(&state), 1.0);
    /// ```
    #[must_use]
    pub fn sum<V, F>(&self, name: &str, number: F) -> Sum<V, F>
    where
        V: Optional,
        V::Value: Number,
        F: Fn(&T) -> V + 'static,
    {
        Sum::new(name, number)
    }

    /// Averages the numbers that `number` picks: their sum divided by how many there are.
    ///
    /// Integers and floats give an `f64`, decimals a [`Decimal`](rust_decimal::Decimal). The sum is exact and so is the
    /// count; what is rounded is the division and its two operands. State: that of [`sum`](Self::sum).
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let mean = Of::<Option<i32>>::new().mean("mean", |number| *number);
    /// let mut state = Default::default();
    /// assert_eq!(mean.output(&state), None);
    /// for number in [Some(1), None, Some(2)] {
    ///     mean.add(&mut state, &number);
    /// }
    /// assert_eq!(mean.output(&state), Some(1.5));
    /// ```
    #[must_use]
    pub fn mean<V, F>(&self, name: &str, number: F) -> Mean<V, F>
    where
        V: Optional,
        V::Value: Number,
        F: Fn(&T) -> V + 'static,
    {
        Mean::new(name, number)
    }

    /// Keeps the least of the values that `value` picks.
    ///
    /// Gives what `value` returns: a number, bool, text, time or decimal. Floats are ordered by
    /// [`f64::total_cmp`], `NaN` skipped; decimals of equal value by their digits, fewer first. State: one value. Text is
    /// cloned for each record.
    ///
    /// # Panics
    /// When it is read before any record was added, unless `value` returns a float or an `Option`.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let first = Of::<String>::new().min("first", |name| name.clone());
    /// let mut state = Default::default();
    /// for name in ["bob", "ada"] {
    ///     first.add(&mut state, &name.to_owned());
    /// }
    /// assert_eq!(first.output(&state), "ada");
    /// ```
    #[must_use]
    pub fn min<V, F>(&self, name: &str, value: F) -> Extreme<V, F>
    where
        V: Optional,
        V::Value: Ranked,
        F: Fn(&T) -> V + 'static,
    {
        Extreme::least(name, value)
    }

    /// Keeps the greatest of the values that `value` picks.
    ///
    /// As [`min`](Self::min), from the other end.
    ///
    /// # Panics
    /// When it is read before any record was added, unless `value` returns a float or an `Option`.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let hottest = Of::<f64>::new().max("hottest", |degrees| *degrees);
    /// let mut state = Default::default();
    /// for degrees in [-3.5, f64::NAN, 21.0] {
    ///     hottest.add(&mut state, &degrees);
    /// }
    /// assert_eq!(hottest.output(&state), 21.0);
    /// ```
    #[must_use]
    pub fn max<V, F>(&self, name: &str, value: F) -> Extreme<V, F>
    where
        V: Optional,
        V::Value: Ranked,
        F: Fn(&T) -> V + 'static,
    {
        Extreme::greatest(name, value)
    }

    /// Counts the different values that `value` points at, exactly.
    ///
    /// Gives a `u64`. A value is looked up by reference and cloned only when it is new. State: every different value and
    /// about 17 bytes more for each, and until the next snapshot 8 for each that came since the last; where that is too
    /// much, see [`approx_count_distinct`](Self::approx_count_distinct). The `None` of an optional field is one more value here;
    /// [`count_distinct_some`](Self::count_distinct_some) skips it.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let visitors = Of::<(String, u32)>::new().count_distinct("visitors", |visit| visit.0.as_str());
    /// let mut state = Default::default();
    /// for (who, at) in [("ada", 1), ("bob", 2), ("ada", 3)] {
    ///     visitors.add(&mut state, &(who.to_owned(), at));
    /// }
    /// assert_eq!(visitors.output(&state), 2);
    /// ```
    #[must_use]
    pub fn count_distinct<Q, F>(
        &self,
        name: &str,
        value: F,
    ) -> CountDistinct<Q, impl for<'a> Fn(&'a T) -> Option<&'a Q> + use<T, Q, F>>
    where
        Q: ?Sized + Hash + Eq + ToOwned,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static,
    {
        CountDistinct::new(name, always(value))
    }

    /// Counts the different values that `value` points at, exactly, and skips `None`.
    ///
    /// As [`count_distinct`](Self::count_distinct) otherwise.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let users = Of::<Option<String>>::new().count_distinct_some("users", |user| user.as_deref());
    /// let mut state = Default::default();
    /// for user in [Some("ada"), None, Some("ada")] {
    ///     users.add(&mut state, &user.map(str::to_owned));
    /// }
    /// assert_eq!(users.output(&state), 1);
    /// ```
    #[must_use]
    pub fn count_distinct_some<Q, F>(&self, name: &str, value: F) -> CountDistinct<Q, F>
    where
        Q: ?Sized + Hash + Eq + ToOwned,
        F: for<'a> Fn(&'a T) -> Option<&'a Q> + 'static,
    {
        CountDistinct::new(name, value)
    }

    /// Counts the different values that `value` points at, exactly, of the records for which `holds` gives true.
    ///
    /// As [`count_distinct`](Self::count_distinct) otherwise. Several of these over one value are better counted by
    /// [`count_distinct_each`](Self::count_distinct_each).
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let of = Of::<(&str, u32)>::new();
    /// let bargain_hunters = of.count_distinct_if("bargain_hunters", |bid| bid.0, |bid| bid.1 < 10);
    /// let mut state = Default::default();
    /// for bid in [("ada", 7), ("bob", 12), ("ada", 9)] {
    ///     bargain_hunters.add(&mut state, &bid);
    /// }
    /// assert_eq!(bargain_hunters.output(&state), 1);
    /// ```
    #[must_use]
    pub fn count_distinct_if<Q, F, P>(
        &self,
        name: &str,
        value: F,
        holds: P,
    ) -> CountDistinct<Q, impl for<'a> Fn(&'a T) -> Option<&'a Q> + use<T, Q, F, P>>
    where
        Q: ?Sized + Hash + Eq + ToOwned,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static,
        P: Fn(&T) -> bool + 'static,
    {
        CountDistinct::new(name, where_it_holds(value, holds))
    }

    /// Counts the different values that `value` points at in each of several classes, exactly.
    ///
    /// `classes` says for each class, in the order of `names`, whether the record is in it. Gives a `[u64; N]`, which is a
    /// column for each name: the same as one [`count_distinct_if`](Self::count_distinct_if) for each, with one look-up for
    /// all of them. State: every different value that is in a class, and about 9 bytes more for each; until the next
    /// snapshot a copy of those that came since the last, and one for each time that one came to a new class.
    ///
    /// There are 1 to 32 classes; more than that do not compile:
    ///
    /// ```compile_fail
    /// # use millstream_operators::Of;
    /// let _ = Of::<u8>::new().count_distinct_each(["class"; 33], |n| n, |_| [true; 33]);
    /// ```
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let bidders = Of::<(&str, u32)>::new().count_distinct_each(
    ///     ["bidders", "cheap_bidders"],
    ///     |bid| bid.0,
    ///     |bid| [true, bid.1 < 10],
    /// );
    /// let mut state = Default::default();
    /// for bid in [("ada", 7), ("bob", 12), ("ada", 9)] {
    ///     bidders.add(&mut state, &bid);
    /// }
    /// assert_eq!(bidders.output(&state), [2, 1]);
    /// ```
    #[must_use]
    pub fn count_distinct_each<Q, F, C, const N: usize>(
        &self,
        names: [&str; N],
        value: F,
        classes: C,
    ) -> CountDistinctEach<Q, F, C, N>
    where
        Q: ?Sized + Hash + Eq + ToOwned,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static,
        C: Fn(&T) -> [bool; N] + 'static,
    {
        CountDistinctEach::new(names, value, classes)
    }

    /// Counts the different values that `value` points at, to within 3 %.
    ///
    /// Gives a `u64`: as good as exact up to about 1,500, and beyond that with a standard error of 0.8 %, whatever the
    /// number. State: 32 bytes at first, 16 KiB at most. Values are told apart by their `Hash`, so `usize` and types that
    /// hash by address or at random must not be counted where state moves between machines.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let users = Of::<u32>::new().approx_count_distinct("users", |user| user);
    /// let mut state = Default::default();
    /// for user in 0..100_000 {
    ///     users.add(&mut state, &user);
    /// }
    /// assert!((97_000..103_000).contains(&users.output(&state)));
    /// ```
    #[must_use]
    pub fn approx_count_distinct<Q, F>(
        &self,
        name: &str,
        value: F,
    ) -> ApproxCountDistinct<Q, impl for<'a> Fn(&'a T) -> Option<&'a Q> + use<T, Q, F>>
    where
        Q: ?Sized + Hash,
        F: for<'a> Fn(&'a T) -> &'a Q + 'static,
    {
        ApproxCountDistinct::new(name, always(value))
    }

    /// Counts the different values that `value` points at, to within 3 %, and skips `None`.
    ///
    /// As [`approx_count_distinct`](Self::approx_count_distinct) otherwise.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let users = Of::<Option<u32>>::new().approx_count_distinct_some("users", |user| user.as_ref());
    /// let mut state = Default::default();
    /// for user in [Some(7), None, Some(7), Some(8)] {
    ///     users.add(&mut state, &user);
    /// }
    /// assert_eq!(users.output(&state), 2);
    /// ```
    #[must_use]
    pub fn approx_count_distinct_some<Q, F>(
        &self,
        name: &str,
        value: F,
    ) -> ApproxCountDistinct<Q, F>
    where
        Q: ?Sized + Hash,
        F: for<'a> Fn(&'a T) -> Option<&'a Q> + 'static,
    {
        ApproxCountDistinct::new(name, value)
    }

    /// Finds the value below or at which a share `q` of the values lie that `value` picks, to within 0.5 % of it.
    ///
    /// Gives an `f64`. Among `n` values in order it is the one at place `q · n`, rounded up (at least the first): 0 is the
    /// least, 0.5 the median, 1 the greatest; both ends are exact. Negative values, zero and infinities are as good as
    /// others; only those nearer to zero than 2.2e-308 have no bound but that. State: 16 bytes for each of the buckets
    /// that values fell into, 128 to a power of two, so 1 to 1,000,000 is at most 40 KiB; adding searches them.
    ///
    /// # Panics
    /// When `q` is not between 0 and 1.
    ///
    /// # Examples
    /// ```
    /// # use millstream_operators::{Aggregate, Of};
    /// let p95 = Of::<u32>::new().quantile("p95_millis", 0.95, |millis| f64::from(*millis));
    /// let mut state = Default::default();
    /// for millis in 1..=1000 {
    ///     p95.add(&mut state, &millis);
    /// }
    /// assert!((p95.output(&state) - 950.0).abs() <= 950.0 * 0.005);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn quantile<V, F>(&self, name: &str, q: f64, value: F) -> Quantile<V, F>
    where
        V: Optional,
        V::Value: Measure,
        F: Fn(&T) -> V + 'static,
    {
        Quantile::new(name, q, value)
    }
}

impl<T> Default for Of<T> {
    fn default() -> Self {
        Of::new()
    }
}

impl<T> Clone for Of<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Of<T> {}

impl<T> fmt::Debug for Of<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Of")
    }
}
