//! The key switch of break-glass: a digital input beside the gateway, by the trait that
//! microcontrollers have too. A thread of its own reads it, some ten times a second: an input behind
//! another chip may take its time, and everything else of the edge shares one thread.
//!
//! Whatever cannot be read is off. On is what was read so several times in a row: a contact bounces,
//! and a sealed grant opens once. Off is off at once.

#[cfg(target_os = "linux")]
mod gpio;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread;

use embedded_hal::digital::InputPin;
use interlock_broker::clock::Clock;
use interlock_broker::mediation::Broker;

use crate::config::{Active, SwitchConfig};
use crate::limits::{KEY_SWITCH_EVERY, KEY_SWITCH_STEADY};

/// A key switch, before anybody reads it.
pub struct KeySwitch(Box<dyn FnMut() -> Result<bool, String> + Send>);

impl KeySwitch {
    /// One behind a pin, which is on while the pin is at this level.
    pub fn on_pin<P>(mut pin: P, active: Active) -> KeySwitch
    where
        P: InputPin + Send + 'static,
    {
        KeySwitch(Box::new(move || {
            let read = match active {
                Active::High => pin.is_high(),
                Active::Low => pin.is_low(),
            };
            read.map_err(|error| format!("{error:?}"))
        }))
    }

    /// The one that the configuration names. It may not be there yet: until it is, it is off.
    #[cfg(target_os = "linux")]
    pub fn configured(config: &SwitchConfig) -> KeySwitch {
        KeySwitch::on_pin(gpio::Line::of(config), config.active)
    }

    /// None can be read here, so it is off.
    #[cfg(not(target_os = "linux"))]
    pub fn configured(_config: &SwitchConfig) -> KeySwitch {
        KeySwitch(Box::new(|| Err("there is none on this system".to_owned())))
    }
}

/// What readings come to, one after the other.
struct Steady {
    switch: KeySwitch,
    /// How many readings in a row said that it is on.
    on: u32,
    /// What was said of it last, for the log.
    said: Option<Result<bool, String>>,
}

impl Steady {
    fn of(switch: KeySwitch) -> Steady {
        Steady {
            switch,
            on: 0,
            said: None,
        }
    }

    fn read(&mut self) -> bool {
        let read = (self.switch.0)();
        self.on = match read {
            Ok(true) => self.on.saturating_add(1),
            Ok(false) | Err(_) => 0,
        };
        let is_on = self.on >= KEY_SWITCH_STEADY;
        self.say(read.map(|_| is_on));
        is_on
    }

    /// A change is logged, and nothing else.
    fn say(&mut self, now: Result<bool, String>) {
        if self.said.as_ref() == Some(&now) {
            return;
        }
        match &now {
            Ok(true) => tracing::warn!("the key switch of break-glass is on"),
            Ok(false) => tracing::info!("the key switch of break-glass is off"),
            Err(error) => {
                tracing::error!(%error, "the key switch of break-glass cannot be read, and counts as off");
            }
        }
        self.said = Some(now);
    }
}

/// A key switch that is read, until this is dropped.
pub(crate) struct Reading {
    _stop: mpsc::Sender<()>,
}

/// Starts reading.
pub(crate) fn start(switch: KeySwitch, broker: &Arc<Broker>, clock: Clock) -> io::Result<Reading> {
    broker.fit_key_switch();
    let (stop, stopped) = mpsc::channel();
    let broker = Arc::downgrade(broker);
    thread::Builder::new()
        .name("key-switch".to_owned())
        .spawn(move || read(Steady::of(switch), &broker, clock, &stopped))?;
    Ok(Reading { _stop: stop })
}

fn read(mut switch: Steady, broker: &Weak<Broker>, clock: Clock, stopped: &mpsc::Receiver<()>) {
    while let Some(broker) = broker.upgrade() {
        let is_on = switch.read();
        broker.key_switch(is_on, clock.now());
        drop(broker);
        if stopped.recv_timeout(KEY_SWITCH_EVERY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
