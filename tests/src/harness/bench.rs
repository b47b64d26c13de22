//! The sample site as a whole: two PLCs and the gateway in front of them, and what reply, PLC
//! and journal must agree on.

use std::collections::BTreeMap;

use interlock_broker::journal::verify;
use interlock_protocols::modbus::Request;
use interlock_protocols::record::{CommandResult, Denial, Event, Intent};

use super::{Gateway, Plc, Seen, Site};
use crate::plc::log::Hex;

/// Two simulated PLCs and a running gateway.
pub struct Bench {
    /// The device `press-4`: reached directly, unit 1.
    pub press: Plc,
    /// The device `pump-2`: behind a converter, unit 3.
    pub pump: Plc,
    /// The gateway in front of both.
    pub gateway: Gateway,
    _logs: Site,
}

impl Bench {
    /// Starts all three.
    pub fn start() -> Bench {
        Bench::start_with(|_| {})
    }

    /// As [`Bench::start`], with the site edited before its first start.
    pub fn start_with(edit: impl FnOnce(&mut Gateway)) -> Bench {
        let logs = Site::new();
        let press = Plc::start(&logs.join("press.log"), &[]);
        let pump = Plc::start(&logs.join("pump.log"), &[]);
        let mut gateway = Gateway::new(press.address(), pump.address());
        edit(&mut gateway);
        gateway.start();
        Bench {
            press,
            pump,
            gateway,
            _logs: logs,
        }
    }

    /// Stops the edge in order, then asserts what must hold of every run: the journal is sound,
    /// each INTENT has one outcome, and each PLC received exactly the commands with effect that
    /// the journal says were sent, and nothing malformed.
    #[track_caller]
    pub fn settle(&mut self) -> Records {
        let code = self.gateway.stop();
        assert_eq!(code, 0, "the edge stops in order");
        let found = verify(&self.gateway.site().join("journal")).expect("a journal");
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(found.open_intents, [0; 0], "intents without an outcome");
        let records = Records::of(&self.gateway);
        records.assert_agrees("press-4", &self.press.seen());
        records.assert_agrees("pump-2", &self.pump.seen());
        records
    }
}

/// Whether a PDU that reached a PLC is a command with effect. One that is no request is: nobody
/// can tell what a PLC makes of it.
pub fn has_effect(pdu: &[u8]) -> bool {
    Request::decode(pdu).map_or(true, |request| request.has_effect())
}

/// A journal, sorted by what its records are.
pub struct Records {
    /// Commands with effect and what became of them, in the order of their INTENTs.
    pub commands: Vec<(Intent, CommandResult)>,
    /// Denials that were recorded in full.
    pub denials: Vec<Denial>,
    /// All events in order.
    pub events: Vec<Event>,
}

impl Records {
    /// Reads the journal of a gateway that was stopped.
    pub fn of(gateway: &Gateway) -> Records {
        let mut intents = BTreeMap::new();
        let mut records = Records {
            commands: Vec::new(),
            denials: Vec::new(),
            events: Vec::new(),
        };
        let mut results = BTreeMap::new();
        for record in gateway.records() {
            match &record.event {
                Event::Intent(intent) => {
                    intents.insert(record.sequence, intent.clone());
                }
                Event::Outcome(outcome) => {
                    let again = results.insert(outcome.intent, outcome.result.clone());
                    assert_eq!(again, None, "two outcomes of {}", outcome.intent);
                }
                Event::Denial(denial) => records.denials.push(denial.clone()),
                _ => {}
            }
            records.events.push(record.event);
        }
        for (sequence, intent) in intents {
            let result = results.remove(&sequence);
            let result = result.unwrap_or_else(|| panic!("no outcome of {sequence}: {intent:?}"));
            records.commands.push((intent, result));
        }
        records
    }

    /// How often this denial was recorded or counted.
    pub fn denied(&self, reason: &str) -> u64 {
        let counted = |event: &Event| match event {
            Event::Denial(denial) if denial.reason == reason => 1,
            Event::DenialSummary(summary) if summary.reason == reason => summary.count,
            _ => 0,
        };
        self.events.iter().map(counted).sum()
    }

    #[track_caller]
    fn assert_agrees(&self, device: &str, seen: &Seen) {
        seen.assert_nothing_malformed();
        let mut arrived: Vec<String> = seen
            .commands()
            .iter()
            .filter(|(_, pdu)| has_effect(pdu))
            .map(|(_, pdu)| Hex(pdu).to_string())
            .collect();
        let mut sent: Vec<String> = self
            .commands
            .iter()
            .filter(|(intent, _)| intent.device == device)
            .filter(|(_, result)| !matches!(result, CommandResult::Withheld { .. }))
            .map(|(intent, _)| Hex(&intent.pdu).to_string())
            .collect();
        // Sessions take turns at the device, so the order of INTENTs need not be that of sending.
        arrived.sort();
        sent.sort();
        assert_eq!(
            arrived, sent,
            "{device}: what arrived, what the journal says was sent"
        );
    }
}
