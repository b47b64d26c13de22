//! The simulated plant: a sludge press and a river pump, as the sample site describes them, whose
//! values live a little.

use std::io;
use std::time::Duration;

use interlock_protocols::modbus::Table;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::memory::{Memory, Shared};
use super::plc::Plc;

const COIL: Table = Table::Coils;
const DISCRETE: Table = Table::DiscreteInputs;
const HOLDING: Table = Table::HoldingRegisters;
const INPUT: Table = Table::InputRegisters;

/// The unit ids that the gateway's inventory sends to them.
const PRESS_UNIT: u8 = 255;
const PUMP_UNIT: u8 = 3;

/// How often the plant moves on.
const STEP: Duration = Duration::from_millis(100);
const STEPS_A_SECOND: f64 = 10.0;

/// Two PLCs and what goes on behind them.
#[derive(Debug)]
pub(super) struct Plant {
    press: Plc,
    pump: Plc,
    going_on: JoinHandle<()>,
}

impl Plant {
    /// Puts both PLCs on the network and starts what goes on behind them.
    pub(super) async fn start() -> io::Result<Plant> {
        let (press, pump) = (Shared::default(), Shared::default());
        at_first(&mut press.lock(), &mut pump.lock());
        let (mut behind_press, mut behind_pump) = (Press::running(), Pump::running());
        let (of_press, of_pump) = (press.clone(), pump.clone());
        let going_on = tokio::spawn(async move {
            let mut step = interval(STEP);
            // A machine that was busy makes the plant slower, never jumpy.
            step.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                step.tick().await;
                behind_press.step(&mut of_press.lock());
                behind_pump.step(&mut of_pump.lock());
            }
        });
        Ok(Plant {
            press: Plc::start(PRESS_UNIT, press).await?,
            pump: Plc::start(PUMP_UNIT, pump).await?,
            going_on,
        })
    }

    /// The press.
    pub(super) fn press(&self) -> &Plc {
        &self.press
    }

    /// The pump.
    pub(super) fn pump(&self) -> &Plc {
        &self.pump
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.going_on.abort();
    }
}

/// What the PLCs hold when they are switched on. The addresses are those of the sample site.
fn at_first(press: &mut Memory, pump: &mut Memory) {
    press.put(HOLDING, 100, 8_000); // 800 rpm
    press.put(HOLDING, 101, 80); // 80 rpm a second
    press.put_float(HOLDING, 110, 6.5); // bar
    press.put(HOLDING, 120, 0); // 41,873 h, high word first
    press.put(HOLDING, 121, 41_873);
    press.put(INPUT, 10, 0);
    press.put(COIL, 0, 1);
    press.put(COIL, 1, 0);
    press.put(DISCRETE, 0, 1);
    pump.put(HOLDING, 20, 240); // 120 m³/h
    pump.put(COIL, 0, 1);
    pump.put(DISCRETE, 0, 0);
    Press::running().show(press);
    Pump::running().show(pump);
}

/// The drive and the gearbox of the press.
struct Press {
    speed_rpm: f64,
    oil_celsius: f64,
}

impl Press {
    fn running() -> Press {
        Press {
            speed_rpm: 800.0,
            oil_celsius: 56.0,
        }
    }

    /// The speed follows the setpoint as fast as the ramp lets it, the oil follows the speed.
    fn step(&mut self, memory: &mut Memory) {
        let holding = |address| f64::from(memory.word(HOLDING, address).unwrap_or_default());
        let on = memory.word(COIL, 0) == Some(1);
        let wanted_rpm = if on { holding(100) / 10.0 } else { 0.0 };
        let most_rpm = holding(101) / STEPS_A_SECOND;
        self.speed_rpm += (wanted_rpm - self.speed_rpm).clamp(-most_rpm, most_rpm);
        let settled_celsius = 40.0 + self.speed_rpm / 50.0;
        self.oil_celsius += (settled_celsius - self.oil_celsius) / (60.0 * STEPS_A_SECOND);
        self.show(memory);
    }

    fn show(&self, memory: &mut Memory) {
        memory.put(INPUT, 0, raw(self.speed_rpm * 10.0));
        memory.put_float(INPUT, 2, single(self.oil_celsius));
    }
}

/// The pump and the river it stands in.
struct Pump {
    flow_m3_h: f64,
    /// Where in its swing the river is, in radians.
    swing: f64,
}

impl Pump {
    fn running() -> Pump {
        Pump {
            flow_m3_h: 120.0,
            swing: 0.0,
        }
    }

    /// The flow follows the setpoint within seconds, the river swings within a minute.
    fn step(&mut self, memory: &mut Memory) {
        let setpoint = memory.word(HOLDING, 20).unwrap_or_default();
        let on = memory.word(COIL, 0) == Some(1);
        let wanted_m3_h = if on {
            f64::from(setpoint.cast_signed()) / 2.0
        } else {
            0.0
        };
        self.flow_m3_h += (wanted_m3_h - self.flow_m3_h) / (2.0 * STEPS_A_SECOND);
        self.swing += std::f64::consts::TAU / (60.0 * STEPS_A_SECOND);
        self.show(memory);
    }

    fn show(&self, memory: &mut Memory) {
        let level_m = 1.84 + 0.12 * self.swing.sin();
        memory.put(INPUT, 0, raw((level_m + 2.0) * 100.0));
        memory.put(INPUT, 1, raw(self.flow_m3_h * 2.0));
    }
}

/// The register of a signed or unsigned number, at the end of its range where it does not fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to what 17 bits hold, then to the register"
)]
fn raw(value: f64) -> u16 {
    let whole = value.round().clamp(-32_768.0, 65_535.0) as i32;
    u16::try_from(whole).unwrap_or_else(|_| (whole as i16).cast_unsigned())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a simulated sensor is no more exact than that"
)]
fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_follows_the_setpoint_by_the_ramp_and_stops_there() {
        let (mut memory, mut pump) = (Memory::default(), Memory::default());
        at_first(&mut memory, &mut pump);
        let mut press = Press::running();
        memory.put(HOLDING, 100, 9_000);
        press.step(&mut memory);
        assert_eq!(memory.word(INPUT, 0), Some(8_080));
        for _ in 0..20 {
            press.step(&mut memory);
        }
        assert_eq!(memory.word(INPUT, 0), Some(9_000));
        memory.put(COIL, 0, 0);
        press.step(&mut memory);
        assert_eq!(memory.word(INPUT, 0), Some(8_920));
    }

    #[test]
    fn numbers_below_zero_go_into_registers() {
        assert_eq!(raw(-1.0), 0xFFFF);
        assert_eq!(raw(-40_000.0), 0x8000);
        assert_eq!(raw(70_000.0), 0xFFFF);
        assert_eq!(raw(384.4), 384);
    }
}
