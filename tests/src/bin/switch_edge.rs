//! An edge whose key switch a test turns: it is on while the file `KEY_SWITCH` says `on`, off while it
//! says `off`, and cannot be read otherwise. Its disk does what a test wants as well: see
//! [`interlock_tests::held`].
#![allow(clippy::expect_used, reason = "a program of a test fails by panicking")]

use std::path::PathBuf;
use std::process::ExitCode;

use embedded_hal::digital::{ErrorKind, ErrorType, InputPin};
use interlock_edge::cli::{Rim, main_with};
use interlock_edge::config::SwitchConfig;
use interlock_edge::key_switch::KeySwitch;
use interlock_tests::held;

fn main() -> ExitCode {
    main_with(
        std::env::args_os(),
        &Rim {
            key_switch,
            storage: held::storage,
            ..Rim::default()
        },
    )
}

fn key_switch(config: &SwitchConfig) -> KeySwitch {
    let file = std::env::var_os("KEY_SWITCH").map(PathBuf::from);
    let simulated = Simulated(file.expect("KEY_SWITCH names a file"));
    KeySwitch::on_pin(simulated, config.active)
}

struct Simulated(PathBuf);

impl ErrorType for Simulated {
    type Error = ErrorKind;
}

impl InputPin for Simulated {
    fn is_high(&mut self) -> Result<bool, ErrorKind> {
        match std::fs::read_to_string(&self.0).as_deref() {
            Ok("on") => Ok(true),
            Ok("off") => Ok(false),
            _ => Err(ErrorKind::Other),
        }
    }

    fn is_low(&mut self) -> Result<bool, ErrorKind> {
        self.is_high().map(|high| !high)
    }
}
