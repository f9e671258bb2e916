//! The server over real sockets: every path, every status, every format.

mod made_up;

mod reading_views;
mod bad_questions;
mod paging;
mod following_changes;
mod pushing_events;
mod watching_over;
mod dashboard_files;
mod listening;
mod exporting;
