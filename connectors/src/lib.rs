//! Sources, sinks and formats for Millstream: bytes in, bytes out.
