//! What passes only while somebody of another organisation watches.

use interlock_protocols::conduit::Watched;
use interlock_protocols::record::Event;
use interlock_tests::harness::{
    ADAM, Modbus, OLGA, OTTO, PATIENCE, PRESS, Process, Relay, VICTOR, VITO, Works,
};
use rustix::process::Signal;
use serde_json::Value;

use crate::watcher::{Watcher, session};
use crate::{assert_refused, speed, told, tool};

pub(crate) const BUSY: u8 = 6;

/// `interlock watch`, whose lines are JSON and who answers on its standard input.
pub(crate) struct Watch(pub(crate) Process);

impl Watch {
    /// It watches, and the gateway has said what that counts for.
    pub(crate) fn of(works: &Works, who: &str, what: &str) -> Watch {
        Watch::begun(works.going_on(who, &["-o", "jsonl", "watch", what]))
    }

    pub(crate) fn begun(process: Process) -> Watch {
        process.complaint("what its watching counts for", |line| {
            (line.contains("SUPERVISING") || line.contains("watching only")).then_some(())
        });
        Watch(process)
    }

    /// The next line of a kind that `wanted` makes something of.
    pub(crate) fn next<T>(&mut self, kind: &str, mut wanted: impl FnMut(&Value) -> Option<T>) -> T {
        self.0
            .next_line(&format!("line of the kind {kind}"), |line| {
                let row: Value = serde_json::from_str(line).ok()?;
                (row["kind"] == kind).then(|| wanted(&row)).flatten()
            })
    }

    /// The next command that waits, as it is shown.
    pub(crate) fn held(&mut self) -> Value {
        self.next("held", |row| Some(row.clone()))
    }

    /// Says yes or no, and waits until that stands.
    pub(crate) fn answer(&mut self, hold: &Value, word: &str) -> String {
        let number = hold["hold"].as_u64().unwrap();
        self.0.say(&format!("{word} {number}"));
        self.next("settled", |row| {
            (row["hold"] == number).then(|| row["what"].as_str().unwrap().to_owned())
        })
    }

    /// Ctrl-C, and its end.
    pub(crate) fn end(mut self) {
        self.0.signal(Signal::INT);
        self.0.exit("it was interrupted");
    }
}

/// A window of victor's that needs somebody who watches.
pub(crate) fn supervised(works: &Works, more: &[&str]) -> u64 {
    works.open(&[&["--supervised"], more].concat())
}

pub(crate) fn held(works: &Works) -> u64 {
    supervised(works, &["--hold"])
}

/// Asks until it is answered so; each time the PLC gets nothing unless that was a write that passed.
#[track_caller]
pub(crate) fn until(modbus: &mut Modbus, pdu: &[u8], answer: &[u8]) {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        let now = modbus.ask(1, pdu);
        if now == answer {
            return;
        }
        assert!(
            std::time::Instant::now() < end,
            "{now:02x?} and not {answer:02x?}"
        );
    }
}

#[test]
fn nothing_passes_unless_somebody_of_another_organisation_watches() {
    let mut works = Works::start();
    let window = supervised(&works, &[]);
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    let read = [3, 0, 100, 0, 1];
    let nobody = |works: &Works, modbus: &mut Modbus| {
        assert_refused(works, modbus, &speed(5_000), BUSY);
        assert_eq!(modbus.ask(1, &read), [0x83, BUSY], "reading");
    };
    nobody(&works, &mut modbus);
    told(&mut victor, &[&format!("window {window}"), "supervised"]);
    // Of victor's own firm, whatever policy calls him.
    let vito = Watch::of(&works, VITO, PRESS);
    nobody(&works, &mut modbus);
    // Of the site, but another device, or another session.
    let pump = Watch::of(&works, OLGA, "pump-2");
    let other = Watch::of(&works, OTTO, &session(&works, VITO).to_string());
    nobody(&works, &mut modbus);
    // Whom policy does not let watch.
    let adam = works.gateway.client(ADAM, &["watch", PRESS]);
    assert_ne!(adam.code, 0, "{adam}");
    assert!(Watcher::begin(&works, ADAM, Watched::Device(PRESS.to_owned())).is_err());
    for watch in [vito, pump, other] {
        watch.end();
    }

    // The device, then the session alone.
    for what in [PRESS.to_owned(), session(&works, VICTOR).to_string()] {
        let mut olga = Watch::of(&works, OLGA, &what);
        until(&mut modbus, &speed(5_000), &speed(5_000));
        modbus.read_holding(1, 100, 1);
        let seen = olga.next("command", |row| {
            (row["decision"] == "allowed").then(|| row.clone())
        });
        assert!(
            seen["asked"].as_str().unwrap().contains("500 rpm"),
            "{seen}"
        );
        assert_eq!(seen["window"], window, "{seen}");
        olga.end();
        until(&mut modbus, &speed(5_000), &[0x86, BUSY]);
        nobody(&works, &mut modbus);
    }
    drop((victor, modbus));
    assert_eq!(works.gateway.stop(), 0);
    let records = works.gateway.records();
    let opened = records.iter().filter_map(|record| match &record.event {
        Event::WatchOpened(it) => Some((it.subject.rsplit('/').next()?.to_owned(), it.supervises)),
        _ => None,
    });
    let opened: Vec<_> = opened.collect();
    assert!(opened.contains(&("olga".to_owned(), true)), "{opened:?}");
    let ended = records
        .iter()
        .filter(|record| matches!(record.event, Event::WatchEnded(_)));
    assert_eq!(ended.count(), opened.len(), "each watch has its end");
}

#[test]
fn the_site_supervises_no_window_of_its_own_people() {
    let works = Works::start_with(|works| {
        // Without this an engineer needs no window for it, and nothing is supervised.
        let rule =
            "@id(\"engineers-write\")\npermit (\n    principal in Interlock::Group::\"engineers\",";
        let none = rule.replace("engineers\",", "historians\",");
        works.change_policy("staff.cedar", rule, &none);
        let rule = "@id(\"vendors-use-their-windows\")\npermit (\n    principal in Interlock::Group::\"vendors\",";
        let all = rule.replace("principal in Interlock::Group::\"vendors\"", "principal");
        works.gateway.edit("policy/windows.cedar", rule, &all);
    });
    let window = works.requested("person/emil", &["--supervised"]);
    works.approved(window, &["person/arno"]);
    let emil = works.gateway.connect("person/emil", &[PRESS]);
    let mut modbus = tool(&emil);
    let olga = Watch::of(&works, OLGA, PRESS);
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    drop(olga);
    let _vito = Watch::of(&works, VITO, PRESS);
    until(&mut modbus, &speed(5_000), &speed(5_000));
}

/// The last write that was decided, by the gateway's clock.
fn last_intent_ms(works: &Works) -> i64 {
    let records = works.gateway.records();
    let intents = records
        .iter()
        .filter(|record| matches!(record.event, Event::Intent(_)));
    intents.map(|record| record.time_ms).max().unwrap()
}

/// Writes until nothing passes any more; nothing passed later than three seconds behind that moment.
#[track_caller]
fn assert_held_within_three_seconds(works: &Works, modbus: &mut Modbus, cut_ms: i64) {
    until(modbus, &speed(5_000), &[0x86, BUSY]);
    assert_refused(works, modbus, &speed(5_010), BUSY);
    let late_ms = last_intent_ms(works) - cut_ms;
    assert!(
        late_ms <= 3_000,
        "a write was decided {late_ms} ms behind the cut"
    );
}

#[test]
fn a_supervisor_whose_program_stands_still_holds_everything_within_three_seconds() {
    let works = Works::start();
    let window = supervised(&works, &["--max-writes", "100000"]);
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    let olga = Watch::of(&works, OLGA, PRESS);
    until(&mut modbus, &speed(5_000), &speed(5_000));
    olga.0.signal(Signal::STOP);
    assert_held_within_three_seconds(&works, &mut modbus, works.gateway.now().wall_ms());
    told(&mut victor, &[&format!("window {window}"), "supervised"]);
    // It goes on as they do.
    olga.0.signal(Signal::CONT);
    until(&mut modbus, &speed(5_020), &speed(5_020));
}

#[test]
fn a_supervisor_whose_network_is_cut_holds_everything_within_three_seconds() {
    let works = Works::start();
    supervised(&works, &["--max-writes", "100000"]);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    let relay = Relay::before(works.gateway.address());
    let olga = works.through(&relay, OLGA, &["-o", "jsonl", "watch", PRESS]);
    let _olga = Watch::begun(olga);
    until(&mut modbus, &speed(5_000), &speed(5_000));
    relay.cut();
    assert_held_within_three_seconds(&works, &mut modbus, works.gateway.now().wall_ms());
}

#[test]
fn a_supervisor_who_is_five_behind_or_silent_or_ahead_holds_everything() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    works.open(&[
        "--supervised",
        "--from",
        &works.at(0),
        "--max-writes",
        "1000",
    ]);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    let olga = Watcher::of(&works, OLGA, PRESS);
    assert!(olga.supervises);
    until(&mut modbus, &speed(5_000), &speed(5_000));
    // So far behind, though they speak each second.
    olga.lag(5);
    until(&mut modbus, &speed(5_000), &[0x86, BUSY]);
    assert_refused(&works, &mut modbus, &speed(5_010), BUSY);
    olga.keep_up();
    until(&mut modbus, &speed(5_000), &speed(5_000));
    // Silent for three seconds, which pass at once.
    olga.fall_silent();
    works.gateway.pass(3_001);
    assert_refused(&works, &mut modbus, &speed(5_020), BUSY);
    olga.keep_up();
    until(&mut modbus, &speed(5_000), &speed(5_000));
    olga.leave();
    until(&mut modbus, &speed(5_000), &[0x86, BUSY]);
}

#[test]
fn a_supervisor_who_is_revoked_supervises_no_longer() {
    let works = Works::start();
    supervised(&works, &[]);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    let _olga = Watch::of(&works, OLGA, PRESS);
    until(&mut modbus, &speed(5_000), &speed(5_000));
    let revoke = ["revoke", "subject", OLGA, "--reason", "left"];
    let revoked = works.gateway.client(ADAM, &revoke);
    assert_eq!(revoked.code, 0, "{revoked}");
    assert_refused(&works, &mut modbus, &speed(5_010), BUSY);
}
