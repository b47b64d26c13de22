use std::collections::VecDeque;

use embedded_hal::digital::{ErrorKind, ErrorType};

use super::*;

/// What each reading gives; an error where there is none.
struct Scripted(VecDeque<Option<bool>>);

impl ErrorType for Scripted {
    type Error = ErrorKind;
}

impl InputPin for Scripted {
    fn is_high(&mut self) -> Result<bool, ErrorKind> {
        let read = self.0.pop_front().expect("a reading is left");
        read.ok_or(ErrorKind::Other)
    }

    fn is_low(&mut self) -> Result<bool, ErrorKind> {
        self.is_high().map(|high| !high)
    }
}

fn readings(levels: &str, active: Active) -> String {
    let level = |level| match level {
        '1' => Some(true),
        '0' => Some(false),
        _ => None,
    };
    let pin = Scripted(levels.chars().map(level).collect());
    let mut switch = Steady::of(KeySwitch::on_pin(pin, active));
    let read = |_| if switch.read() { '1' } else { '0' };
    levels.chars().map(read).collect()
}

#[test]
fn it_is_on_once_it_was_read_so_three_times_in_a_row_and_off_at_once() {
    assert_eq!(readings("0111101110", Active::High), "0001100010");
    assert_eq!(readings("0101011", Active::High), "0000000");
    assert_eq!(readings("1000010001", Active::Low), "0001100010");
}

#[test]
fn what_cannot_be_read_is_off_whatever_is_active() {
    assert_eq!(readings("111x111", Active::High), "0010001");
    assert_eq!(readings("000x000", Active::Low), "0010001");
    assert_eq!(readings("xxxx", Active::Low), "0000");
}

#[cfg(target_os = "linux")]
#[test]
fn a_chip_that_is_not_there_is_off() {
    let config = SwitchConfig {
        chip: "/dev/gpiochip-none".into(),
        line: 17,
        active: Active::Low,
    };
    let mut switch = Steady::of(KeySwitch::configured(&config));
    assert!((0..5).all(|_| !switch.read()));
    let Some(Err(error)) = &switch.said else {
        panic!("it was read: {:?}", switch.said);
    };
    assert!(!error.is_empty());
}
