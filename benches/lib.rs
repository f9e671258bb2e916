//! What Millstream's speed is measured with. `NOTES.md` beside this file has the figures.
//!
//! Here is what the measurements that print a table of their own have in common.

/// How many rounds there are: what `MILLSTREAM_ROUNDS` says, or five.
#[must_use]
pub fn rounds() -> usize {
    let rounds = std::env::var("MILLSTREAM_ROUNDS").ok();
    rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(5)
}

/// Whether the measurement called `name` is wanted: it was named on the command line, or none was.
#[must_use]
pub fn is_asked(name: &str) -> bool {
    let mut asked = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let first = asked.next();
    first.is_none_or(|first| first == name || asked.any(|asked| asked == name))
}

/// The middle of `figures`, with the least and the greatest, in words, with so many digits after the point.
///
/// # Panics
/// If there are no figures.
#[must_use]
pub fn median(mut figures: Vec<f64>, digits: usize, unit: &str) -> String {
    figures.sort_by(f64::total_cmp);
    let (least, greatest) = (figures[0], figures[figures.len() - 1]);
    let middle = figures[figures.len() / 2];
    format!("{middle:.digits$} {unit} ({least:.digits$}–{greatest:.digits$})")
}
