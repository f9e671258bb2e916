//! Reading Millstream: views over HTTP, the dashboard, export.
