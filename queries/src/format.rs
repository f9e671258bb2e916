//! The formats that rows can be had in, and how one is asked for: by media type or by file extension.

use std::path::Path;

use millstream_engine::{BoxError, Column, Value};

use crate::encode;

/// A format for rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Json,
    Csv,
    Ndjson,
    Parquet,
}

impl Format {
    /// In order of preference where the asker has none.
    pub(crate) const ALL: [Format; 4] =
        [Format::Json, Format::Csv, Format::Ndjson, Format::Parquet];

    /// The name it has as an extension and in entity tags.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
            Format::Parquet => "parquet",
        }
    }

    /// Its media type, as an `Accept` header names it.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv",
            Format::Ndjson => "application/x-ndjson",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// What to put into `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            other => other.media_type(),
        }
    }

    /// The format a path asks for by its extension.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL
            .into_iter()
            .find(|format| format.extension().eq_ignore_ascii_case(extension))
    }

    /// The format that an `Accept` header likes best; without one, JSON. `None` if it likes none of ours.
    pub(crate) fn of_accept(accept: Option<&str>) -> Option<Self> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
            return Some(Format::Json);
        };
        let ranges: Vec<_> = accept.split(',').map(MediaRange::parse).collect();
        let liked = |format: Format| {
            // RFC 9110 §12.5.1: the most specific range that matches decides.
            let of_format = ranges.iter().filter(|range| range.covers(format));
            of_format
                .max_by_key(|range| range.specificity())
                .map_or(0, |range| range.quality)
        };
        let (quality, format) = Self::ALL
            .into_iter()
            .map(|format| (liked(format), format))
            // The first of several equals, and `max_by_key` would give the last.
            .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (quality > 0).then_some(format)
    }

    /// Appends `rows` in this format.
    pub(crate) fn write(
        self,
        columns: &[Column],
        rows: &[&[Value]],
        out: &mut Vec<u8>,
    ) -> Result<(), BoxError> {
        match self {
            Format::Json => encode::write_json(columns, rows, out),
            Format::Csv => encode::write_csv(columns, rows, out),
            Format::Ndjson => encode::write_ndjson(columns, rows, out),
            Format::Parquet => encode::write_parquet(columns, rows, out),
        }
    }
}

/// One part of an `Accept` header.
struct MediaRange<'a> {
    kind: &'a str,
    subkind: &'a str,
    /// In thousandths, since quality has three digits at most.
    quality: u32,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subkind) = parts
            .next()
            .unwrap_or("")
            .split_once('/')
            .unwrap_or(("", ""));
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 1000"
        )]
        let quality = (quality * 1000.0) as u32;
        MediaRange {
            kind,
            subkind,
            quality,
        }
    }

    fn covers(&self, format: Format) -> bool {
        let (kind, subkind) = format
            .media_type()
            .split_once('/')
            .expect("a media type has a slash");
        (self.kind == "*" || self.kind.eq_ignore_ascii_case(kind))
            && (self.subkind == "*" || self.subkind.eq_ignore_ascii_case(subkind))
    }

    fn specificity(&self) -> u8 {
        u8::from(self.kind != "*") + u8::from(self.subkind != "*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_accept_asks_for() {
        let check = |accept: &str, expected: Option<Format>| {
            assert_eq!(Format::of_accept(Some(accept)), expected, "{accept}");
        };
        assert_eq!(Format::of_accept(None), Some(Format::Json));
        check("", Some(Format::Json));
        check("*/*", Some(Format::Json));
        check("text/csv", Some(Format::Csv));
        check("TEXT/CSV;q=0.5", Some(Format::Csv));
        check("text/*", Some(Format::Csv));
        check("application/json;q=0.5, text/csv;q=0.9", Some(Format::Csv));
        check(
            "text/html, application/xhtml+xml, */*;q=0.8",
            Some(Format::Json),
        );
        check(
            "*/*, application/json;q=0, text/csv;q=0.2",
            Some(Format::Ndjson),
        );
        check("application/vnd.apache.parquet", Some(Format::Parquet));
        check("application/xml", None);
        check("text/csv;q=0", None);
        check("nonsense", None);
    }

    #[test]
    fn what_an_extension_asks_for() {
        assert_eq!(Format::of_path(Path::new("a/b.CSV")), Some(Format::Csv));
        assert_eq!(Format::of_path(Path::new("a/b.txt")), None);
        assert_eq!(Format::of_path(Path::new("parquet")), None);
    }
}
