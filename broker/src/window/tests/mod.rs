//! What the modules of windows do by themselves; how people use them is tried in `tests/pair`.

mod judging;
mod resolving;
