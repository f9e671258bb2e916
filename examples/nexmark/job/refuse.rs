//! What is asked for and cannot go together: it is refused before anything starts.

use std::path::Path;

use super::super::queries::{Timed, WRITES_FILES};
use super::Job;

/// How many events fit into the memory of most machines: some 400 bytes each.
const MADE_BEFOREHAND_MAX: u64 = 50_000_000;

impl Job {
    /// Refuses what cannot go together.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.state.is_some() && self.input.as_deref() == Some("-") {
            anyhow::bail!(
                "standard input cannot be read again: --state needs --input to name a file"
            );
        }
        if self.state.is_some() && self.files.is_none() && self.query.name == WRITES_FILES {
            anyhow::bail!("a temporary folder does not outlive the run: --state needs --files");
        }
        if self.files.is_some() && self.query.name != WRITES_FILES {
            anyhow::bail!(
                "{} writes no files: --files is for {WRITES_FILES}",
                self.query.name
            );
        }
        if self.out_of_orderness_ms.is_some() && self.query.timed == Timed::ByTheClock {
            anyhow::bail!(
                "{} does not look at the times of the lines: leave out --out-of-orderness-ms",
                self.query.name
            );
        }
        if self.made_beforehand && self.events > MADE_BEFOREHAND_MAX {
            anyhow::bail!(
                "{} events made beforehand do not fit into memory: at most {MADE_BEFOREHAND_MAX} do",
                self.events
            );
        }
        if let (Some(input), Some(output)) = (&self.input, &self.output)
            && let (Ok(input), Ok(output)) =
                (Path::new(input).canonicalize(), output.canonicalize())
            && input == output
        {
            anyhow::bail!(
                "{} would be replaced by the rows of itself",
                input.display()
            );
        }
        Ok(())
    }
}
