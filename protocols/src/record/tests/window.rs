//! One of each type that speaks of maintenance windows, optional fields in both forms.

use super::*;

fn subject() -> String {
    "spiffe://a/vendor/b/c".into()
}

fn requested(extends: Option<u64>) -> WindowRequested {
    WindowRequested {
        session: 7,
        by: subject(),
        grant: vec![1, 2],
        points: vec!["setpoint".into()],
        reason: "WO-1".into(),
        waits_until_ms: 1_700_000_000_000,
        extends,
        policies: vec!["a.cedar/x".into()],
    }
}

fn approved() -> WindowApproved {
    WindowApproved {
        window: 300,
        session: 8,
        by: "spiffe://a/person/b".into(),
        key: [1; 32],
        signature: [2; 64],
        comment: "fine".into(),
        policies: vec!["a.cedar/y".into()],
    }
}

fn refused() -> WindowRefused {
    WindowRefused {
        window: 300,
        session: 8,
        by: "spiffe://a/person/b".into(),
        comment: "not today".into(),
    }
}

fn ended(end: WindowEnd) -> WindowEnded {
    let withdrawn = end == WindowEnd::Withdrawn;
    WindowEnded {
        window: 300,
        end,
        session: withdrawn.then_some(7),
        by: if withdrawn { subject() } else { String::new() },
    }
}

fn watched() -> Vec<Event> {
    let opened = |watched: Option<u64>, device: &str| {
        Event::WatchOpened(WatchOpened {
            session: 8,
            subject: "spiffe://a/person/b".into(),
            watch: 2,
            watched,
            device: device.into(),
            supervises: watched.is_some(),
        })
    };
    let held = |yes| {
        Event::HoldAnswered(HoldAnswered {
            session: 8,
            by: "spiffe://a/person/b".into(),
            held: 7,
            window: 300,
            device: "mixer".into(),
            unit: 1,
            pdu: vec![6, 0, 1, 0, 2],
            points: points(),
            asked: 3,
            yes,
        })
    };
    let taken = |from: Option<u64>| {
        Event::WriterTaken(WriterTaken {
            session: 8,
            subject: "spiffe://a/person/b".into(),
            device: "mixer".into(),
            from,
            from_subject: from.map_or(String::new(), |_| subject()),
        })
    };
    vec![
        opened(Some(7), ""),
        opened(None, "mixer"),
        Event::WatchEnded(WatchEnded {
            session: 8,
            subject: "spiffe://a/person/b".into(),
            watch: 2,
            reason: "bye".into(),
        }),
        held(true),
        held(false),
        taken(None),
        taken(Some(7)),
    ]
}

pub(super) fn samples() -> Vec<Event> {
    let mut all = vec![
        Event::WindowRequested(requested(None)),
        Event::WindowRequested(requested(Some(200))),
        Event::WindowApproved(approved()),
        Event::WindowRefused(refused()),
        Event::WindowEnded(ended(WindowEnd::Over)),
        Event::WindowEnded(ended(WindowEnd::Lapsed)),
        Event::WindowEnded(ended(WindowEnd::Withdrawn)),
    ];
    all.extend(watched());
    all.extend([
        Event::BreakGlassOpened(BreakGlassOpened {
            session: 8,
            by: "spiffe://a/person/b".into(),
            grant: vec![3, 4],
            points: vec!["setpoint".into()],
            reason: "fire".into(),
        }),
        Event::BreakGlassEnded(BreakGlassEnded {
            opened: 300,
            reason: "the key switch was released".into(),
            writes: 2,
        }),
        Event::Intent(Intent {
            session: 7,
            subject: subject(),
            transaction: 513,
            device: "mixer".into(),
            unit: 1,
            pdu: vec![6, 0, 1, 0, 2],
            points: points(),
            policies: vec!["a.cedar/x".into()],
            policy: [2; 32],
            window: Some(300),
        }),
    ]);
    all
}

/// One of each entry that the register keeps of windows, and their bytes.
#[test]
fn entries_of_the_register_are_these_bytes() {
    let window = KeptWindow {
        number: 300,
        time_ms: 5,
        requested: WindowRequested {
            points: vec![],
            policies: vec![],
            ..requested(None)
        },
        approvals: vec![],
        refused: Some(refused()),
        ended: Some(ended(WindowEnd::Lapsed)),
        writes: vec![KeptWrites { span: 1, writes: 2 }],
        open: vec![301],
    };
    let approval = KeptApproval {
        number: 302,
        time_ms: 6,
        approved: approved(),
    };
    let full = KeptWindow {
        approvals: vec![approval],
        refused: None,
        ended: None,
        ..window.clone()
    };
    let glass = KeptBreakGlass {
        number: 303,
        time_ms: 7,
        id: [9; 16],
        ended: true,
        writes: 2,
        open: vec![305],
    };
    let requested = "8807757370696666653a2f2f612f76656e646f722f622f6342010280\
         64574f2d311b0000018bcfe56800f680";
    let approved = [
        "87",
        "19012c08",
        "737370696666653a2f2f612f706572736f6e2f62",
        "5820",
        &"01".repeat(32),
        "5840",
        &"02".repeat(64),
        "6466696e65",
        "8169612e63656461722f79",
    ]
    .concat();
    let expected = [
        // Refused and lapsed.
        "8205818819012c05",
        requested,
        "80",
        "8419012c08737370696666653a2f2f612f706572736f6e2f62696e6f7420746f646179",
        "8419012c01f660",
        "8182010281",
        "19012d",
        // Approved.
        "8205818819012c05",
        requested,
        "818319012e06",
        &approved,
        "f6f6818201028119012d",
        // Broken glass.
        "8206818619012f0750",
        &"09".repeat(16),
        "f5028119",
        "0131",
    ]
    .concat();
    let entries = vec![
        RegisterEntry::Window(window),
        RegisterEntry::Window(full),
        RegisterEntry::BreakGlass(glass),
    ];
    let parts = RegisterEntry::parts(entries.clone(), usize::MAX);
    assert_eq!(parts.len(), 1);
    assert_eq!(hex(&parts[0]), expected);
    assert_eq!(RegisterEntry::read(&parts[0]), Ok(entries));
}

#[test]
fn the_window_of_an_intent_is_read_without_the_rest() {
    for event in super::samples() {
        let expected = match &event {
            Event::Intent(intent) => intent.window,
            _ => None,
        };
        let bytes = record(event).encode();
        assert_eq!(Heading::window(&bytes), expected);
        for end in 0..bytes.len() {
            let cut = Heading::window(&bytes[..end]);
            assert!(cut.is_none() || cut == expected, "cut at {end}");
        }
    }
}
