//! Lines that are typed.

use std::io::{BufRead as _, Read as _};
use std::thread;

use tokio::sync::mpsc;

use crate::limits::{ANSWER_LINE_MAX_BYTES, ANSWERS_AHEAD_MAX};

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// What it says.
    Text(String),
    /// It is no answer, however it ends.
    TooLong,
}

/// The lines of the input, as they come. The thread is left behind at the end: a read from a
/// terminal cannot be taken back, and the runtime would wait for it.
pub(super) fn typed() -> mpsc::Receiver<Line> {
    let (tell, told) = mpsc::channel(ANSWERS_AHEAD_MAX);
    let reading = thread::Builder::new().name("answers".to_owned());
    let spawned = reading.spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Ok(Some(line)) = read(&mut input) {
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no answers can be typed");
    }
    told
}

/// One line, of bounded length; `None` at the end.
fn read(input: &mut impl std::io::BufRead) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    let most = ANSWER_LINE_MAX_BYTES.saturating_add(1);
    let taken = input.by_ref().take(most).read_until(b'\n', &mut line)?;
    if taken == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') || u64::try_from(taken).is_ok_and(|taken| taken < most) {
        return Ok(Some(Line::Text(
            String::from_utf8_lossy(&line).into_owned(),
        )));
    }
    // The rest of it belongs to it as well.
    loop {
        let held = input.fill_buf()?;
        let end = held.iter().position(|byte| *byte == b'\n');
        let (used, over) = match end {
            Some(at) => (at.saturating_add(1), true),
            None => (held.len(), held.is_empty()),
        };
        input.consume(used);
        if over {
            return Ok(Some(Line::TooLong));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_a_long_one_is_none() {
        let long = "y".repeat(5_000);
        let input = format!("y\n{long}\nn 3\nlast");
        let mut input = std::io::BufReader::with_capacity(16, input.as_bytes());
        let mut next = || read(&mut input).unwrap();
        assert_eq!(next(), Some(Line::Text("y\n".into())));
        assert_eq!(next(), Some(Line::TooLong));
        assert_eq!(next(), Some(Line::Text("n 3\n".into())));
        assert_eq!(next(), Some(Line::Text("last".into())));
        assert_eq!(next(), None);
    }
}
