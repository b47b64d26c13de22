//! Records for the tests of the payloads: one of every kind, and what strangers would write.

use interlock_protocols::record::{
    Ahead, Checkpointed, CommandResult, Denial, DenialSummary, EdgeStarted, EdgeStopped,
    EpochStarted, Event, Intent, JournalAccepted, JournalRead, JournalRecovered, Outcome,
    PointValue, PolicyActivated, ReadSummary, Record, RecordsRemoved, SessionEnded, SessionOpened,
    SinkProgress,
};

use super::context::{Context, Origin};

mod identity;
mod window;

const EMIL: &str = "spiffe://waterworks/person/emil";

pub(super) fn origin() -> Origin {
    let devices = [
        ("press-4", "192.0.2.14:502"),
        ("pump-2", "pump-2.plant.example:1502"),
    ];
    let devices = devices.map(|(name, address)| (name.to_owned(), address.to_owned()));
    Origin::new("gate-1", "waterworks", devices)
}

/// The records numbered from 1, and the context once all have been noted.
pub(super) fn numbered(events: Vec<Event>) -> (Context, Vec<Record>) {
    let mut context = Context::default();
    let mut records = Vec::new();
    for (sequence, event) in (1..).zip(events) {
        let record = Record {
            sequence,
            time_ms: 1_795_000_000_000 + i64::try_from(sequence).unwrap() * 1_007,
            event,
        };
        context.note(&record);
        records.push(record);
    }
    (context, records)
}

/// One of every kind, and every end that a command can have.
pub(super) fn every() -> (Context, Vec<Record>) {
    let outcome = |result| {
        Event::Outcome(Outcome {
            intent: 4,
            result,
            latency_us: 2_345,
        })
    };
    let mut all = vec![
        Event::EdgeStarted(EdgeStarted {
            gateway: "gate-1".into(),
            version: "0.1.0".into(),
        }),
        Event::PolicyActivated(PolicyActivated {
            digest: [0xAB; 32],
            by: "edge".into(),
            session: None,
            cases: 12,
        }),
        Event::SessionOpened(SessionOpened {
            session: 1_000,
            subject: EMIL.into(),
            groups: vec!["engineers".into()],
            peer: "198.51.100.7:50123".into(),
            certificate: [0xCD; 32],
            certificate_ends_ms: 1_795_003_600_000,
            device_key: None,
            device_protection: None,
            auth: None,
            auth_ms: None,
            authority: None,
        }),
        // 4: the intent of all outcomes here.
        intent(1_000, "press-4", vec![16, 0, 100, 0, 2, 4, 0, 7, 1, 0]),
        outcome(CommandResult::Answered {
            pdu: vec![16, 0, 100, 0, 2],
        }),
        outcome(CommandResult::Exception { code: 2 }),
        outcome(CommandResult::Withheld {
            reason: "link-down".into(),
        }),
        outcome(CommandResult::Unknown {
            why: "the device did not answer in time".into(),
        }),
        denial(1_000, vec![6, 0, 107, 3, 232], Some(1)),
        // A function that nobody knows, in a session that nobody remembers.
        denial(77, vec![90, 0, 1], None),
        Event::DenialSummary(DenialSummary {
            session: 1_000,
            subject: EMIL.into(),
            device: "press-4".into(),
            function: 6,
            table: Some(4),
            first: 107,
            last: 107,
            reason: "limit".into(),
            count: 41,
            first_ms: 1_795_000_001_000,
            last_ms: 1_795_000_001_900,
        }),
        Event::ReadSummary(ReadSummary {
            session: 1_000,
            subject: EMIL.into(),
            device: "pump-2".into(),
            unit: 3,
            function: 3,
            table: Some(4),
            first: 0,
            last: 9,
            count: 600,
            failed: 2,
            first_ms: 1_795_000_000_000,
            last_ms: 1_795_000_059_000,
        }),
        intent(1_000, "pump-2", vec![22, 0, 4, 0, 0xF2, 0, 0x25]),
        intent(1_000, "press-4", vec![8, 0, 4, 0, 0]),
        Event::SessionEnded(SessionEnded {
            session: 1_000,
            subject: EMIL.into(),
            reason: "the client went".into(),
        }),
        Event::JournalRead(JournalRead {
            session: 1_000,
            subject: EMIL.into(),
            from: 1,
            filter: Some("device press-4".into()),
        }),
        Event::EpochStarted(EpochStarted {
            epoch: 3,
            key: [1; 32],
            next_key: [2; 32],
            by_key: [3; 64],
            by_gateway: [4; 64],
        }),
        Event::Checkpointed(Checkpointed {
            note:
                "waterworks/gateway/gate-1\n17\nAAAA\n\n\u{2014} waterworks/gateway/gate-1 BBBB\n"
                    .into(),
        }),
        Event::RecordsRemoved(RecordsRemoved {
            first: 1,
            last: 400,
            why: "overwrite".into(),
        }),
        Event::JournalRecovered(JournalRecovered {
            why: "No space left on device".into(),
            since_ms: 1_795_000_010_000,
            refused: 7,
        }),
        Event::JournalAccepted(JournalAccepted {
            session: 1_000,
            subject: EMIL.into(),
            reason: "restored from the backup of Friday".into(),
            ahead: vec![Ahead {
                what: "witness".into(),
                through: 9_000,
            }],
            lineage: [9; 8],
        }),
        Event::SinkProgress(SinkProgress {
            sink: "siem".into(),
            through: 20,
        }),
        Event::EdgeStopped(EdgeStopped {
            gateway: "gate-1".into(),
        }),
    ];
    all.extend(identity::every());
    all.extend(window::every());
    numbered(all)
}

pub(super) fn intent(session: u64, device: &str, pdu: Vec<u8>) -> Event {
    Event::Intent(Intent {
        session,
        subject: EMIL.into(),
        transaction: 513,
        device: device.into(),
        unit: 1,
        pdu,
        points: vec![PointValue {
            name: "setpoint".into(),
            value: Some(61.5),
            unit: "bar".into(),
            before: Some(60.0),
            before_age_ms: Some(1_500),
        }],
        policies: vec!["maintenance.cedar/engineers-write".into()],
        policy: [0xAB; 32],
        window: None,
    })
}

pub(super) fn denial(session: u64, pdu: Vec<u8>, exception: Option<u8>) -> Event {
    Event::Denial(Denial {
        session,
        subject: EMIL.into(),
        transaction: 514,
        device: "press-4".into(),
        unit: 1,
        pdu,
        points: vec![PointValue {
            name: "ram_pressure".into(),
            value: Some(1_000.0),
            unit: "bar".into(),
            before: None,
            before_age_ms: None,
        }],
        reason: "limit".into(),
        detail: "1000 bar is above the limit of 250 bar".into(),
        policies: vec![],
        exception,
    })
}

/// Texts that break parsers, terminals or bounds.
pub(super) fn hostile_texts() -> Vec<String> {
    vec![
        "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m".into(),
        "a\"b\\c]d\ne\rf\tg\0h\u{7f}".into(),
        "<13>1 - - - - - - forged".into(),
        "17 <13>1 another frame".into(),
        "\u{feff}Zo\u{eb} \u{202e}gnp.exe \u{2028}\u{1f525}".into(),
        "\u{0}".repeat(64 * 1024),
        "\u{10ffff}".repeat(16 * 1024),
        String::new(),
    ]
}

/// Every text of a record set to the same one, lists long.
pub(super) fn hostile(text: &str) -> (Context, Vec<Record>) {
    let text = || text.to_owned();
    let points = |count| {
        let point = PointValue {
            name: text(),
            value: Some(f64::NAN),
            unit: text(),
            before: Some(f64::INFINITY),
            before_age_ms: Some(u64::MAX),
        };
        vec![point; count]
    };
    let mut all = vec![
        Event::SessionOpened(SessionOpened {
            session: u64::MAX,
            subject: text(),
            groups: vec![text(); 300],
            peer: text(),
            certificate: [0; 32],
            certificate_ends_ms: i64::MIN,
            device_key: None,
            device_protection: None,
            auth: None,
            auth_ms: None,
            authority: None,
        }),
        Event::Intent(Intent {
            session: u64::MAX,
            subject: text(),
            transaction: u16::MAX,
            device: text(),
            unit: u8::MAX,
            pdu: vec![0xFF; 64 * 1024],
            points: points(300),
            policies: vec![text(); 300],
            policy: [0; 32],
            window: None,
        }),
        Event::Outcome(Outcome {
            intent: 2,
            result: CommandResult::Unknown { why: text() },
            latency_us: u64::MAX,
        }),
        Event::Outcome(Outcome {
            intent: u64::MAX,
            result: CommandResult::Answered {
                pdu: vec![0; 64 * 1024],
            },
            latency_us: 0,
        }),
        Event::Denial(Denial {
            session: 0,
            subject: text(),
            transaction: 0,
            device: text(),
            unit: 0,
            pdu: vec![],
            points: points(300),
            reason: text(),
            detail: text(),
            policies: vec![text(); 300],
            exception: Some(u8::MAX),
        }),
        Event::Checkpointed(Checkpointed { note: text() }),
        Event::JournalAccepted(JournalAccepted {
            session: 1,
            subject: text(),
            reason: text(),
            ahead: vec![
                Ahead {
                    what: text(),
                    through: 1
                };
                300
            ],
            lineage: [0; 8],
        }),
        Event::PolicyActivated(PolicyActivated {
            digest: [0; 32],
            by: text(),
            session: Some(1),
            cases: u32::MAX,
        }),
        Event::JournalRead(JournalRead {
            session: 1,
            subject: text(),
            from: 1,
            filter: Some(text()),
        }),
        Event::SinkProgress(SinkProgress {
            sink: text(),
            through: 1,
        }),
    ];
    all.extend(identity::hostile(&text()));
    all.extend(window::hostile(&text()));
    numbered(all)
}
