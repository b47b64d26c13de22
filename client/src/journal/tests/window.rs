//! What a listing tells of maintenance windows, watching and break-glass: a line of each kind.

use interlock_protocols::record::{
    BreakGlassEnded, BreakGlassOpened, HoldAnswered, WatchEnded, WatchOpened, WindowApproved,
    WindowEnd, WindowEnded, WindowRefused, WindowRequested, WriterTaken,
};

use super::*;

const ADA: &str = "spiffe://waterworks/person/ada";
const VICTOR: &str = "spiffe://waterworks/vendor/acme/victor";
const WINDOW: u64 = 1;

fn asked() -> Vec<Event> {
    let ended = |end| {
        let withdrawn = end == WindowEnd::Withdrawn;
        Event::WindowEnded(WindowEnded {
            window: WINDOW,
            end,
            session: withdrawn.then_some(2),
            by: if withdrawn {
                VICTOR.into()
            } else {
                String::new()
            },
        })
    };
    vec![
        Event::WindowRequested(WindowRequested {
            session: 2,
            by: VICTOR.into(),
            grant: vec![0x67; 200],
            points: vec!["speed_setpoint".into()],
            reason: "WO-1234".into(),
            waits_until_ms: START_MS + 86_400_000,
            extends: None,
            policies: vec!["vendors.cedar/request".into()],
        }),
        Event::WindowApproved(WindowApproved {
            window: WINDOW,
            session: 3,
            by: ADA.into(),
            key: [0x6B; 32],
            signature: [0x73; 64],
            comment: "as discussed".into(),
            policies: vec!["staff.cedar/approve".into()],
        }),
        Event::WindowRefused(WindowRefused {
            window: WINDOW,
            session: 3,
            by: ADA.into(),
            comment: "not during the shift".into(),
        }),
        ended(WindowEnd::Withdrawn),
        ended(WindowEnd::Over),
        ended(WindowEnd::Lapsed),
    ]
}

fn events() -> Vec<Event> {
    let watched = |watched: Option<u64>, device: &str| {
        Event::WatchOpened(WatchOpened {
            session: 3,
            subject: ADA.into(),
            watch: 1,
            watched,
            device: device.to_owned(),
            supervises: watched.is_some(),
        })
    };
    let taken = |from: Option<u64>| {
        Event::WriterTaken(WriterTaken {
            session: 3,
            subject: ADA.into(),
            device: "mixer".into(),
            from,
            from_subject: from.map_or(String::new(), |_| VICTOR.to_owned()),
        })
    };
    let mut all = asked();
    all.extend([
        watched(Some(2), ""),
        watched(None, "mixer"),
        Event::HoldAnswered(HoldAnswered {
            session: 3,
            by: ADA.into(),
            held: 2,
            window: WINDOW,
            device: "mixer".into(),
            unit: 1,
            pdu: vec![6, 0, 100, 0x19, 0x64],
            points: setpoint(650.0),
            asked: 2,
            yes: true,
        }),
        Event::WatchEnded(WatchEnded {
            session: 3,
            subject: ADA.into(),
            watch: 1,
            reason: "it was closed".into(),
        }),
        taken(None),
        taken(Some(2)),
        Event::BreakGlassOpened(BreakGlassOpened {
            session: 3,
            by: ADA.into(),
            grant: vec![0x67; 200],
            points: vec!["speed_setpoint".into()],
            reason: "the identity provider is down".into(),
        }),
        Event::BreakGlassEnded(BreakGlassEnded {
            opened: 13,
            reason: "the key switch was released".into(),
            writes: 2,
        }),
    ]);
    all
}

#[test]
fn windows_are_told_a_line_for_each_kind() {
    let kinds: std::collections::BTreeSet<u64> = events().iter().map(Event::kind).collect();
    assert_eq!(kinds, (kind::WINDOW_REQUESTED..=kind::LAST).collect());
    let lines = told(events());
    let table = render(Format::Table, &lines, Some(100)).unwrap();
    assert_eq!(table, include_str!("../golden-window.txt"), "{table}");
    let text = render(Format::Jsonl, &lines, None).unwrap();
    assert_eq!(text, include_str!("../golden-window.jsonl"), "{text}");
}
