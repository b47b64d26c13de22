//! `interlock-edge`: see [`interlock_edge::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    interlock_edge::cli::main(std::env::args_os())
}
