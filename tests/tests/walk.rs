//! The walk of a command through real processes: reply, PLC and journal agree.

use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Gateway, Plc, Site};

#[test]
fn a_write_changes_the_plc_and_is_recorded_before_and_after() {
    let plcs = Site::new();
    let mut press = Plc::start(&plcs.join("press.log"), &[]);
    let pump = Plc::start(&plcs.join("pump.log"), &[]);
    let mut gateway = Gateway::before(&press, &pump);
    let written = gateway.client("person/olga", &["write", "press-4", "speed_setpoint=900"]);
    assert_eq!(written.code, 0, "{written}");
    assert_eq!(press.holding(100), 9000);
    let connected = gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    assert_eq!(tool.write_holding(1, 100, 7000), [6, 0, 100, 0x1B, 0x58]);
    assert_eq!(press.holding(100), 7000);
    assert_eq!(connected.end(), 0);
    assert_eq!(gateway.stop(), 0);
    gateway.assert_journal_is_whole();
    let outcomes = gateway.records().into_iter().filter(|record| {
        matches!(&record.event, Event::Outcome(outcome)
            if matches!(outcome.result, CommandResult::Answered { .. }))
    });
    assert_eq!(outcomes.count(), 2);
}
