//! `[break_glass]`: the key switch, without which no sealed grant opens anything.

use std::path::{Path, PathBuf};

use interlock_broker::document::Section;

use crate::limits::GPIO_LINE_MAX;

/// Which level of the input means that the key is turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Active {
    /// High.
    High,
    /// Low.
    Low,
}

/// Where the key switch is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SwitchConfig {
    /// The GPIO character device.
    pub chip: PathBuf,
    /// The line of it, counted from 0.
    pub line: u32,
    /// When it is on.
    pub active: Active,
}

impl SwitchConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Option<SwitchConfig> {
        let chip = section.required("chip").text_as(|text| {
            if Path::new(text).is_absolute() {
                return Ok(PathBuf::from(text));
            }
            let hint =
                "name the GPIO character device, like \"/dev/gpiochip0\"; `gpiodetect` lists them";
            Err(("that is no device".to_owned(), hint.to_owned()))
        });
        let line = section.required("line").integer(0..=GPIO_LINE_MAX);
        let words = [("high", Active::High), ("low", Active::Low)];
        let active = section.required("active").word(&words);
        if !cfg!(target_os = "linux") {
            section.fault(
                "chip",
                "a key switch can be read on Linux alone",
                "take [break_glass] out, or run this gateway on Linux",
            );
            return None;
        }
        Some(SwitchConfig {
            chip: chip?,
            line: line?,
            active: active?,
        })
    }
}
