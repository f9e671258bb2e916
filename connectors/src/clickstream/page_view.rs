//! The fact that a clickstream is made of.

use serde::{Deserialize, Serialize};

/// Somebody looked at a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageView {
    /// Who looked.
    pub user_id: String,
    /// The visit it was part of.
    pub session_id: String,
    /// The page.
    pub url: String,
    /// Where the visitor came from, if that is known.
    #[serde(default)]
    pub referrer: Option<String>,
    /// The visitor's country, in two letters.
    pub country: String,
    /// `mobile`, `desktop` or `tablet`.
    pub device: String,
    /// How long the page was looked at, in milliseconds.
    pub duration_ms: u32,
}
