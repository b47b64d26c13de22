//! An edge whose disk does what a test wants: see [`interlock_tests::held`].

use std::process::ExitCode;

use interlock_edge::cli::{Rim, main_with};
use interlock_tests::held;

fn main() -> ExitCode {
    main_with(
        std::env::args_os(),
        &Rim {
            storage: held::storage,
            ..Rim::default()
        },
    )
}
