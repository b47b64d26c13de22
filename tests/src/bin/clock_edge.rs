//! An edge whose clocks a test moves: the file `CLOCK_SHIFT` holds two numbers, by how many
//! milliseconds the system's clock and the monotonic one are ahead of the machine's. Time that
//! passes moves both; a clock that is set moves the first alone.
#![allow(clippy::expect_used, reason = "a program of a test fails by panicking")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use interlock_broker::clock::{Clock, Machine, Reading, Source};
use interlock_edge::cli::{Rim, main_with};

fn main() -> ExitCode {
    main_with(
        std::env::args_os(),
        &Rim {
            clock,
            ..Rim::default()
        },
    )
}

fn clock() -> Clock {
    let file = std::env::var_os("CLOCK_SHIFT").map(PathBuf::from);
    Clock::over(Box::new(Shifted {
        machine: Machine::start(),
        file: file.expect("CLOCK_SHIFT names a file"),
    }))
}

struct Shifted {
    machine: Machine,
    file: PathBuf,
}

impl Source for Shifted {
    fn read(&self) -> Reading {
        let text = std::fs::read_to_string(&self.file).expect("the shift");
        let mut shifts = text.split_whitespace().map(|word| word.parse::<i64>());
        let mut shift = || shifts.next().expect("two numbers").expect("a number");
        let (system, mono) = (shift(), shift());
        let real = self.machine.read();
        Reading {
            system_ms: real.system_ms + system,
            mono: real.mono.after(Duration::from_millis(
                mono.try_into().expect("time goes on"),
            )),
        }
    }
}
