//! A child process whose output is collected and whose every wait has an end.

use super::PATIENCE;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What a process has said and whether it is over.
#[derive(Default)]
struct Heard {
    out: Vec<String>,
    err: Vec<String>,
    /// Output streams that are still open.
    open: usize,
    exited: bool,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Heard>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn change(&self, how: impl FnOnce(&mut Heard)) {
        how(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `ready` gives something; `None` when the time is over.
    fn wait<T>(&self, within: Duration, mut ready: impl FnMut(&Heard) -> Option<T>) -> Option<T> {
        let end = Instant::now() + within;
        let mut heard = self.lock();
        loop {
            if let Some(found) = ready(&heard) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            let (next, _) = self
                .changed
                .wait_timeout(heard, left)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            heard = next;
        }
    }
}

/// A child process. Dropping it kills it; if the test is failing, its output is shown.
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    shared: Arc<Shared>,
    /// Lines of standard output that [`Process::next_line`] has gone past.
    passed: usize,
}

impl Process {
    /// Starts it with its standard input open and its output collected.
    pub fn start(name: &str, command: &mut Command) -> Process {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("{name} does not start: {why}: {command:?}"));
        let shared = Arc::new(Shared::default());
        shared.lock().open = 2;
        collect(&shared, child.stdout.take().expect("piped"), |heard| {
            &mut heard.out
        });
        collect(&shared, child.stderr.take().expect("piped"), |heard| {
            &mut heard.err
        });
        let pid = Pid::from_child(&child);
        let watching = Arc::clone(&shared);
        std::thread::spawn(move || {
            // Looks without reaping, so the process id stays ours until the owner reaps it.
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), look) {}
            watching.change(|heard| heard.exited = true);
        });
        let stdin = child.stdin.take();
        Process {
            name: name.to_owned(),
            child,
            stdin,
            shared,
            passed: 0,
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the next line of standard output that `wanted` makes something of. Lines before
    /// it are gone past; the search for the next one starts after it.
    pub fn next_line<T>(&mut self, what: &str, wanted: impl FnMut(&str) -> Option<T>) -> T {
        self.next_line_within(PATIENCE, what, wanted)
    }

    /// As [`Process::next_line`], with a time of its own.
    pub fn next_line_within<T>(
        &mut self,
        within: Duration,
        what: &str,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> T {
        let mut at = self.passed;
        let found = self.shared.wait(within, |heard| {
            while let Some(line) = heard.out.get(at) {
                at += 1;
                if let Some(found) = wanted(line) {
                    return Some(Ok(found));
                }
            }
            // Its last lines may still be on their way when it has exited.
            (heard.exited && heard.open == 0).then_some(Err(()))
        });
        self.passed = at;
        match found {
            Some(Ok(found)) => found,
            Some(Err(())) => panic!("{} ended before {what}\n{}", self.name, self.output()),
            None => panic!(
                "{} had {within:?} but no {what}\n{}",
                self.name,
                self.output()
            ),
        }
    }

    /// As [`Process::next_line`], on standard error and always from its beginning.
    pub fn complaint<T>(&self, what: &str, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let found = self.shared.wait(PATIENCE, |heard| {
            let found = heard.err.iter().find_map(|line| wanted(line));
            let over = heard.exited && heard.open == 0;
            found.map(Some).or_else(|| over.then_some(None))
        });
        found.flatten().unwrap_or_else(|| {
            panic!(
                "{} did not say {what} within {PATIENCE:?} or ended\n{}",
                self.name,
                self.output()
            )
        })
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        let said = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        said.unwrap_or_else(|why| {
            panic!(
                "{} does not hear {line:?}: {why}\n{}",
                self.name,
                self.output()
            )
        });
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal. It is never sent to another process: ours is reaped only by this value.
    pub fn signal(&self, signal: Signal) {
        // Nobody is left to be told when it has exited already.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Waits for its end.
    pub fn exit(&mut self, what: &str) -> ExitStatus {
        self.exit_within(PATIENCE, what)
    }

    /// Waits for its end and that of its output.
    pub fn exit_within(&mut self, within: Duration, what: &str) -> ExitStatus {
        let over = self.shared.wait(within, |heard| {
            (heard.exited && heard.open == 0).then_some(())
        });
        if over.is_none() {
            panic!(
                "{} had {within:?} to end: {what}\n{}",
                self.name,
                self.output()
            );
        }
        self.child.wait().expect("an exited child is waited for")
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.exit("it was killed")
    }

    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        !self.shared.lock().exited
    }

    /// Lines of standard output up to now.
    pub fn stdout(&self) -> Vec<String> {
        self.shared.lock().out.clone()
    }

    /// Lines of standard error up to now.
    pub fn stderr(&self) -> Vec<String> {
        self.shared.lock().err.clone()
    }

    /// The end of both, for the text of a failure.
    pub fn output(&self) -> String {
        let heard = self.shared.lock();
        let state = if heard.exited {
            "has ended"
        } else {
            "is running"
        };
        format!(
            "--- {} {state}, standard output:\n{}--- standard error:\n{}---",
            self.name,
            tail(&heard.out),
            tail(&heard.err)
        )
    }
}

/// The last lines of a long output: the start of a write storm explains nothing.
fn tail(lines: &[String]) -> String {
    const SHOWN: usize = 60;
    let left_out = lines.len().saturating_sub(SHOWN);
    let mut text = String::new();
    if left_out > 0 {
        text.push_str(&format!("({left_out} lines before)\n"));
    }
    for line in lines.iter().skip(left_out) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn collect(
    shared: &Arc<Shared>,
    stream: impl Read + Send + 'static,
    into: fn(&mut Heard) -> &mut Vec<String>,
) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        // By bytes: a program under test may print what is no text.
        while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches('\n')
                .to_owned();
            shared.change(|heard| into(heard).push(text));
            line.clear();
        }
        shared.change(|heard| heard.open -= 1);
    });
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.output());
        }
    }
}

/// A program of this crate, built beside the test that runs.
pub fn binary(name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(format!("CARGO_BIN_EXE_{name}")) {
        return PathBuf::from(path);
    }
    // The test stands in `deps`, the program one folder higher.
    let mut path = std::env::current_exe().expect("a test knows its own path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
