//! Records of maintenance windows, watching and break-glass: one of every kind, and with any text in
//! them.

use interlock_protocols::record::{
    BreakGlassEnded, BreakGlassOpened, Event, HoldAnswered, Intent, PointValue, WatchEnded,
    WatchOpened, WindowApproved, WindowEnd, WindowEnded, WindowRefused, WindowRequested,
    WriterTaken,
};

const ADA: &str = "spiffe://waterworks/person/ada";
const VICTOR: &str = "spiffe://waterworks/vendor/acme/victor";
const NOW_MS: i64 = 1_795_000_060_000;
const WINDOW: u64 = 44;

fn setpoint() -> PointValue {
    PointValue {
        name: "speed_setpoint".into(),
        value: Some(650.0),
        unit: "rpm".into(),
        before: Some(600.0),
        before_age_ms: Some(1_500),
    }
}

fn asked() -> Vec<Event> {
    vec![
        Event::WindowRequested(WindowRequested {
            session: 1_002,
            by: VICTOR.into(),
            grant: vec![0x67; 200],
            points: vec!["speed_setpoint".into(), "ramp".into()],
            reason: "WO-1234".into(),
            waits_until_ms: NOW_MS + 86_400_000,
            extends: None,
            policies: vec!["vendors.cedar/request".into()],
        }),
        Event::WindowApproved(WindowApproved {
            window: WINDOW,
            session: 1_003,
            by: ADA.into(),
            key: [0x6B; 32],
            signature: [0x73; 64],
            comment: "as discussed".into(),
            policies: vec!["staff.cedar/approve".into()],
        }),
        Event::WindowRefused(WindowRefused {
            window: WINDOW + 1,
            session: 1_003,
            by: ADA.into(),
            comment: "not during the shift".into(),
        }),
        Event::WindowEnded(WindowEnded {
            window: WINDOW,
            end: WindowEnd::Withdrawn,
            session: Some(1_002),
            by: VICTOR.into(),
        }),
        Event::WindowEnded(WindowEnded {
            window: WINDOW + 2,
            end: WindowEnd::Over,
            session: None,
            by: String::new(),
        }),
    ]
}

/// One of every kind.
pub(super) fn every() -> Vec<Event> {
    let mut all = asked();
    all.extend([
        Event::WatchOpened(WatchOpened {
            session: 1_003,
            subject: ADA.into(),
            watch: 1,
            watched: Some(1_002),
            device: String::new(),
            supervises: true,
        }),
        Event::HoldAnswered(HoldAnswered {
            session: 1_003,
            by: ADA.into(),
            held: 1_002,
            window: WINDOW,
            device: "press-4".into(),
            unit: 255,
            pdu: vec![6, 0, 100, 0x19, 0x64],
            points: vec![setpoint()],
            asked: 2,
            yes: true,
        }),
        Event::WatchEnded(WatchEnded {
            session: 1_003,
            subject: ADA.into(),
            watch: 1,
            reason: "it was closed".into(),
        }),
        Event::WriterTaken(WriterTaken {
            session: 1_003,
            subject: ADA.into(),
            device: "press-4".into(),
            from: Some(1_002),
            from_subject: VICTOR.into(),
        }),
        Event::BreakGlassOpened(BreakGlassOpened {
            session: 1_003,
            by: ADA.into(),
            grant: vec![0x67; 200],
            points: vec!["speed_setpoint".into()],
            reason: "the identity provider is down".into(),
        }),
        Event::BreakGlassEnded(BreakGlassEnded {
            opened: 54,
            reason: "the key switch was released".into(),
            writes: 2,
        }),
        Event::Intent(Intent {
            session: 1_002,
            subject: VICTOR.into(),
            transaction: 9,
            device: "press-4".into(),
            unit: 255,
            pdu: vec![6, 0, 100, 0x19, 0x64],
            points: vec![setpoint()],
            policies: vec!["vendors.cedar/within-a-window".into()],
            policy: [0xAB; 32],
            window: Some(WINDOW),
        }),
    ]);
    all
}

/// Every text of them set to the same one, lists long.
pub(super) fn hostile(text: &str) -> Vec<Event> {
    let text = || text.to_owned();
    vec![
        Event::WindowRequested(WindowRequested {
            session: u64::MAX,
            by: text(),
            grant: vec![0; 8_192],
            points: vec![text(); 300],
            reason: text(),
            waits_until_ms: i64::MAX,
            extends: Some(u64::MAX),
            policies: vec![text(); 300],
        }),
        Event::WindowApproved(WindowApproved {
            window: u64::MAX,
            session: u64::MAX,
            by: text(),
            key: [0; 32],
            signature: [0; 64],
            comment: text(),
            policies: vec![text(); 300],
        }),
        Event::WindowRefused(WindowRefused {
            window: u64::MAX,
            session: u64::MAX,
            by: text(),
            comment: text(),
        }),
        Event::WindowEnded(WindowEnded {
            window: u64::MAX,
            end: WindowEnd::Lapsed,
            session: None,
            by: text(),
        }),
        Event::WatchOpened(WatchOpened {
            session: u64::MAX,
            subject: text(),
            watch: u64::MAX,
            watched: None,
            device: text(),
            supervises: false,
        }),
        Event::WatchEnded(WatchEnded {
            session: u64::MAX,
            subject: text(),
            watch: u64::MAX,
            reason: text(),
        }),
        Event::HoldAnswered(HoldAnswered {
            session: u64::MAX,
            by: text(),
            held: u64::MAX,
            window: u64::MAX,
            device: text(),
            unit: u8::MAX,
            pdu: vec![0; 64 * 1024],
            points: vec![],
            asked: u64::MAX,
            yes: false,
        }),
        Event::WriterTaken(WriterTaken {
            session: u64::MAX,
            subject: text(),
            device: text(),
            from: None,
            from_subject: text(),
        }),
        Event::BreakGlassOpened(BreakGlassOpened {
            session: u64::MAX,
            by: text(),
            grant: vec![0; 8_192],
            points: vec![text(); 300],
            reason: text(),
        }),
        Event::BreakGlassEnded(BreakGlassEnded {
            opened: u64::MAX,
            reason: text(),
            writes: u64::MAX,
        }),
    ]
}
