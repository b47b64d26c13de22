//! How far long work at the start has come: a bar for whoever looks on, a line in the log now and
//! then for whoever does not.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// Lines in the log from begin to end.
const STEPS: u64 = 4;

/// Tells how much of `what` is done each time it is called with (done, of all). Work that takes
/// one step shows nothing.
pub(crate) fn telling(what: &'static str) -> impl FnMut(u64, u64) {
    let terminal = std::io::stderr().is_terminal();
    let mut bar: Option<ProgressBar> = None;
    let mut told = 0;
    move |done, all| {
        if done >= all {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            return;
        }
        if terminal {
            let bar = bar.get_or_insert_with(|| begin(what, all));
            bar.set_position(done);
            return;
        }
        let step = done.saturating_mul(STEPS) / all.max(1);
        if step > told {
            told = step;
            tracing::info!(what, done, all, "still at it");
        }
    }
}

fn begin(what: &'static str, all: u64) -> ProgressBar {
    let bar = ProgressBar::new(all).with_message(what);
    // A template that cannot be read would be a fault of this line; the plain bar does as well.
    if let Ok(style) =
        ProgressStyle::with_template("{msg} [{bar:30}] {human_pos}/{human_len} {eta}")
    {
        bar.set_style(style);
    }
    bar
}
