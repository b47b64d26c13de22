//! The program; all of it is in the library, so that other programs can wrap it.

use std::process::ExitCode;

fn main() -> ExitCode {
    interlock::main_with(std::env::args_os())
}
