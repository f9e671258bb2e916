//! What Millstream's speed is measured with. `NOTES.md` beside this file has the figures.
