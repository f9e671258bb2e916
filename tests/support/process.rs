//! A process whose standard error is read as it comes, and which can be signalled or killed at any moment.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A process that runs; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// Lines of standard error; closed when it ends.
    lines: Receiver<String>,
    told: String,
}

/// A process that has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || {
            let mut lines = stderr.lines().map_while(Result::ok);
            // A test that is over listens to no more.
            lines.all(|line| send.send(line).is_ok())
        });
        Ok(Process {
            child,
            lines,
            told: String::new(),
        })
    }

    /// What the system calls it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it run for `time`; gives whether it still does.
    pub(crate) fn runs_for(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            match self.next_line(until) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// The next line of standard error that has `part` in it.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.next_line(until) {
                Ok(line) if line.contains(part) => return line,
                Ok(_) => {}
                Err(error) => panic!("{error}: no {part:?} in {:?}", self.told),
            }
        }
    }

    /// Waits until `is_so`, which is asked again and again, or the process has ended; gives whether it is so.
    pub(crate) fn runs_until(&mut self, mut is_so: impl FnMut() -> bool) -> bool {
        let until = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < until, "it takes too long: {}", self.told);
            if !self.runs_for(Duration::from_millis(5)) {
                return is_so();
            }
        }
        true
    }

    fn next_line(&mut self, until: Instant) -> Result<String, RecvTimeoutError> {
        let left = until.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left)?;
        self.told.push_str(&line);
        self.told.push('\n');
        Ok(line)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is ours to kill");
    }

    /// Sends a signal such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("there is a kill");
        assert!(sent.success(), "{sent}");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        assert!(
            !self.runs_for(PATIENCE),
            "it does not end; it said {:?}",
            self.told
        );
        let mut stdout = String::new();
        let piped = self.child.stdout.as_mut().expect("piped");
        piped.read_to_string(&mut stdout).expect("it is text");
        Ended {
            status: self.child.wait().expect("it was started"),
            stdout,
            stderr: std::mem::take(&mut self.told),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Whether it was killed by `kill -9`.
    #[cfg(unix)]
    pub(crate) fn was_killed(&self) -> bool {
        std::os::unix::process::ExitStatusExt::signal(&self.status) == Some(9)
    }
}
