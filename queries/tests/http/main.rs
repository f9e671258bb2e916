//! The server over real sockets: every path, every status, every format.

mod made_up;

mod bad_questions;
mod dashboard_files;
mod exporting;
mod following_changes;
mod listening;
mod other_origins;
mod paging;
mod pushing_events;
mod reading_views;
mod watching_over;
