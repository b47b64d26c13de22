//! A bar on stderr while something long goes on; nothing where stderr is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts bytes.
pub(super) fn bytes(what: &'static str) -> ProgressBar {
    // Hides itself where stderr is no terminal.
    let bar = ProgressBar::new(0);
    let template = "{msg} [{bar:30}] {binary_bytes}/{binary_total_bytes} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}

/// So much is done, of all.
pub(super) fn show(bar: &ProgressBar, done: u64, all: u64) {
    bar.set_length(all);
    bar.set_position(done);
}
