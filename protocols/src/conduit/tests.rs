use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::identity::{EnrolRequest, IdentityReply, LoginRequest};
use crate::limits::CONDUIT_FRAME_MAX_BYTES;

mod identity;
mod window;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn point(name: &str) -> PointOffer {
    PointOffer {
        name: name.into(),
        unit_id: 1,
        table: 3,
        first: 100,
        registers: 2,
        data_type: "f32".into(),
        order: "cdab".into(),
        scale: 1.0,
        offset: -0.5,
        unit: "bar".into(),
        min: Some(0.0),
        max: None,
        writable: true,
        may_read: true,
        may_write: false,
    }
}

fn device(points: Vec<PointOffer>) -> DeviceOffer {
    DeviceOffer {
        name: "mixer".into(),
        zone: "hall".into(),
        description: "d".into(),
        local_address: "127.77.0.11:1502".into(),
        unit: 1,
        points,
        may: vec!["read".into()],
    }
}

fn notice() -> Notice {
    Notice {
        conversation: 5,
        transaction: 258,
        device: "mixer".into(),
        asked: "a".into(),
        reason: "policy".into(),
        what: "w".into(),
        rule: vec!["a.cedar/x".into()],
        next: "n".into(),
        record: Some(300),
    }
}

fn query() -> JournalQuery {
    JournalQuery {
        from: 1,
        device: Some("mixer".into()),
        decision: Some(Decided::Deny),
        limit: Some(50),
        newest_first: true,
        ..JournalQuery::default()
    }
}

fn status() -> Status {
    Status {
        version: "0.2.0".into(),
        started_ms: 1_700_000_000_000,
        now_ms: 1_700_000_060_000,
        sessions: 2,
        journal: JournalStatus {
            failure: Some("no space".into()),
            failed_ms: Some(1_700_000_000_000),
            next_sequence: 300,
            days_left: Some(1.5),
            warnings: vec!["w".into()],
            ..JournalStatus::default()
        },
        sinks: vec![SinkStatus {
            name: "siem".into(),
            kind: "syslog".into(),
            required: true,
            acknowledged: 290,
            lag_records: 9,
            acknowledged_ms: Some(1_700_000_000_000),
            error: None,
            error_ms: None,
            missed_records: 3,
        }],
        witness: Some(WitnessStatus {
            url: "http://w".into(),
            cosigned_size: 200,
            cosigned_ms: None,
            exposed_records: 99,
            error: Some("e".into()),
            error_ms: Some(1_700_000_000_000),
        }),
        clock_doubt: None,
        plant_serial: None,
        approvers_serial: None,
        trust: vec![TrustStatus {
            name: "spire".into(),
            paths: vec!["workload/".into()],
            as_of_ms: Some(1_700_000_000_000),
            stale_ms: Some(1_700_090_000_000),
            stale: false,
            error: Some("e".into()),
            error_ms: None,
        }],
    }
}

/// Every message in a fixed form.
fn golden() -> Vec<Vec<u8>> {
    let text = || String::from("t");
    let from_client = [
        FromClient::Hello {
            version: 1,
            program: text(),
        },
        FromClient::ActivatePolicy { call: 9 },
        FromClient::Bye,
        FromClient::ReadStatus { call: 9 },
        FromClient::AcceptJournal {
            call: 9,
            reason: text(),
        },
    ];
    let to_client = [
        ToClient::Hello {
            version: 1,
            gateway: text(),
            site: text(),
            session: 7,
            subject: text(),
            groups: vec![text()],
            certificate_ends_ms: 1_700_000_000_000,
            devices: 2,
        },
        ToClient::Device(device(vec![point("p")])),
        ToClient::Points {
            device: text(),
            points: vec![point("q")],
        },
        ToClient::Ready,
        ToClient::Notice(notice()),
        ToClient::Reply {
            call: 9,
            end: CallEnd::Denied,
            text: text(),
        },
        ToClient::Ending { reason: text() },
        ToClient::Refused {
            reason: text(),
            next: text(),
        },
        ToClient::Status {
            call: 9,
            status: status(),
        },
    ];
    let opening = [
        Opening::Conversation {
            device: text(),
            arm_writes: true,
        },
        Opening::ReadJournal(query()),
    ];
    let told = [
        Told::Match(vec![1, 2]),
        Told::Outcome(vec![3]),
        Told::Session(vec![]),
    ];
    let opened = [
        Opened::Conversation { conversation: 5 },
        Opened::Journal,
        Opened::Refused {
            code: Some(10),
            reason: text(),
            next: text(),
        },
    ];
    let mut all: Vec<Vec<u8>> = from_client.iter().map(Message::encode).collect();
    all.extend(to_client.iter().map(Message::encode));
    all.extend(opening.iter().map(Message::encode));
    all.extend(opened.iter().map(Message::encode));
    all.extend(told.iter().map(Message::encode));
    all.extend(identity::golden());
    all.extend(window::golden());
    all
}

/// What peers of this version send: if this fails, it is another version.
#[test]
fn golden_bytes() {
    let got: Vec<String> = golden().iter().map(|bytes| hex(bytes)).collect();
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(got, golden);
}

#[test]
fn an_unknown_message_a_later_field_and_a_tail_are_refused() {
    let bye = FromClient::Bye.encode();
    assert_eq!(bye, [0x82, 2, 0x80]);
    assert!(matches!(
        FromClient::decode(&[0x82, 9, 0x80]),
        Err(Malformed::Shape(_))
    ));
    assert_eq!(
        FromClient::decode(&[0x82, 2, 0x81, 0]),
        Err(Malformed::Spelling)
    );
    assert_eq!(
        FromClient::decode(&[0x82, 2, 0x80, 0]),
        Err(Malformed::Spelling)
    );
    assert_eq!(
        FromClient::decode(&[0x82, 0x18, 2, 0x80]),
        Err(Malformed::Spelling)
    );
}

#[test]
fn a_frame_is_judged_by_its_first_four_bytes() {
    let limit = u32::try_from(CONDUIT_FRAME_MAX_BYTES).unwrap();
    assert_eq!(next_frame(&limit.to_be_bytes()), Ok(None));
    assert_eq!(
        next_frame(&(limit + 1).to_be_bytes()),
        Err(FrameError::TooLong(CONDUIT_FRAME_MAX_BYTES + 1))
    );
    assert_eq!(
        next_frame(&[0xFF; 4]),
        Err(FrameError::TooLong(0xFFFF_FFFF))
    );
    assert_eq!(next_frame(&[0; 4]), Err(FrameError::Empty));
    assert_eq!(frame(&[]), Err(FrameError::Empty));
    assert!(frame(&vec![0; CONDUIT_FRAME_MAX_BYTES]).is_ok());
    assert!(frame(&vec![0; CONDUIT_FRAME_MAX_BYTES + 1]).is_err());
}

#[test]
fn a_device_with_thousands_of_points_is_offered_in_bounded_frames_and_in_order() {
    let names: Vec<String> = (0..4000)
        .map(|number| {
            let mut name = String::new();
            write!(name, "point-{number}").unwrap();
            name
        })
        .collect();
    let frames = offer_frames(device(names.iter().map(|name| point(name)).collect())).unwrap();
    assert!(frames.len() > 4);
    let mut seen = Vec::new();
    for (at, framed) in frames.iter().enumerate() {
        let (body, used) = next_frame(framed).unwrap().unwrap();
        assert_eq!(used, framed.len());
        match (at, ToClient::decode(body).unwrap()) {
            (0, ToClient::Device(device)) => seen.extend(device.points),
            (1.., ToClient::Points { device, points }) => {
                assert_eq!(device, "mixer");
                seen.extend(points);
            }
            (_, other) => panic!("{other:?}"),
        }
    }
    assert!(seen.iter().map(|point| &point.name).eq(names.iter()));
    assert_eq!(offer_frames(device(Vec::new())).unwrap().len(), 1);
}

fn number() -> impl Strategy<Value = f64> {
    proptest::num::f64::NORMAL | proptest::num::f64::INFINITE | proptest::num::f64::ZERO
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(any::<String>(), 0..3)
}

fn point_offer() -> impl Strategy<Value = PointOffer> {
    (
        any::<(String, u8, u8, u16, u16, String, String, String)>(),
        (
            number(),
            number(),
            proptest::option::of(number()),
            proptest::option::of(number()),
        ),
        any::<(bool, bool, bool)>(),
    )
        .prop_map(|(plain, numbers, flags)| PointOffer {
            name: plain.0,
            unit_id: plain.1,
            table: plain.2,
            first: plain.3,
            registers: plain.4,
            data_type: plain.5,
            order: plain.6,
            scale: numbers.0,
            offset: numbers.1,
            unit: plain.7,
            min: numbers.2,
            max: numbers.3,
            writable: flags.0,
            may_read: flags.1,
            may_write: flags.2,
        })
}

fn points() -> impl Strategy<Value = Vec<PointOffer>> {
    proptest::collection::vec(point_offer(), 0..3)
}

fn device_offer() -> impl Strategy<Value = DeviceOffer> {
    (any::<[String; 4]>(), any::<u8>(), points(), texts()).prop_map(
        |([name, zone, description, local_address], unit, points, may)| DeviceOffer {
            name,
            zone,
            description,
            local_address,
            unit,
            points,
            may,
        },
    )
}

fn any_notice() -> impl Strategy<Value = Notice> {
    (
        any::<[String; 5]>(),
        any::<(u64, u16, Option<u64>)>(),
        texts(),
    )
        .prop_map(
            |([device, asked, reason, what, next], (conversation, transaction, record), rule)| {
                Notice {
                    conversation,
                    transaction,
                    device,
                    asked,
                    reason,
                    what,
                    rule,
                    next,
                    record,
                }
            },
        )
}

fn to_client() -> impl Strategy<Value = ToClient> {
    let hello = (any::<[String; 3]>(), any::<(u16, u64, i64, u32)>(), texts()).prop_map(
        |([gateway, site, subject], (version, session, ends, devices), groups)| ToClient::Hello {
            version,
            gateway,
            site,
            session,
            subject,
            groups,
            certificate_ends_ms: ends,
            devices,
        },
    );
    prop_oneof![
        hello,
        device_offer().prop_map(ToClient::Device),
        (any::<String>(), points())
            .prop_map(|(device, points)| ToClient::Points { device, points }),
        Just(ToClient::Ready),
        any_notice().prop_map(ToClient::Notice),
        (any::<u32>(), call_end(), any::<String>()).prop_map(|(call, end, text)| ToClient::Reply {
            call,
            end,
            text
        }),
        any::<String>().prop_map(|reason| ToClient::Ending { reason }),
        any::<[String; 2]>().prop_map(|[reason, next]| ToClient::Refused { reason, next }),
        any::<String>().prop_map(|text| ToClient::Announcement { text }),
        proptest::sample::select(window::to_client()),
        (any::<Option<u32>>(), any::<[String; 2]>()).prop_map(|(holds_s, [reason, next])| {
            ToClient::Posture {
                holds_s,
                reason,
                next,
            }
        }),
    ]
}

fn call_end() -> impl Strategy<Value = CallEnd> {
    prop_oneof![
        Just(CallEnd::Done),
        Just(CallEnd::Failed),
        Just(CallEnd::Denied)
    ]
}

fn from_client() -> impl Strategy<Value = FromClient> {
    prop_oneof![
        any::<(u16, String)>()
            .prop_map(|(version, program)| FromClient::Hello { version, program }),
        any::<u32>().prop_map(|call| FromClient::ActivatePolicy { call }),
        Just(FromClient::Bye),
        any::<u32>().prop_map(|call| FromClient::ReadStatus { call }),
        any::<(u32, String)>()
            .prop_map(|(call, reason)| FromClient::AcceptJournal { call, reason }),
        proptest::sample::select(window::from_client()),
    ]
}

fn opening() -> impl Strategy<Value = Opening> {
    prop_oneof![
        any::<(String, bool)>()
            .prop_map(|(device, arm_writes)| Opening::Conversation { device, arm_writes }),
        any::<u64>().prop_map(|session| Opening::Watch(Watched::Session(session))),
        any::<String>().prop_map(|device| Opening::Watch(Watched::Device(device))),
        any::<(u64, Option<String>, Option<i64>, bool)>().prop_map(
            |(from, subject, since_ms, follow)| {
                Opening::ReadJournal(JournalQuery {
                    from,
                    subject,
                    since_ms,
                    follow,
                    ..JournalQuery::default()
                })
            }
        ),
    ]
}

fn opened() -> impl Strategy<Value = Opened> {
    prop_oneof![
        any::<u64>().prop_map(|conversation| Opened::Conversation { conversation }),
        Just(Opened::Journal),
        any::<bool>().prop_map(|supervises| Opened::Watch { supervises }),
        any::<(Option<u8>, [String; 2])>().prop_map(|(code, [reason, next])| Opened::Refused {
            code,
            reason,
            next
        }),
    ]
}

/// If `bytes` are such a message at all, they are its one spelling.
fn one_spelling<M: Message>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        assert_eq!(message.encode(), bytes);
    }
}

proptest! {
    #[test]
    fn every_message_comes_back(
        a in to_client(), b in from_client(), c in opening(), d in opened(),
    ) {
        prop_assert_eq!(ToClient::decode(&a.encode()), Ok(a));
        prop_assert_eq!(FromClient::decode(&b.encode()), Ok(b));
        prop_assert_eq!(Opening::decode(&c.encode()), Ok(c));
        prop_assert_eq!(Opened::decode(&d.encode()), Ok(d));
    }

    #[test]
    fn bytes_near_a_message_have_one_spelling(
        which in 0..golden().len(), at in any::<usize>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = golden().swap_remove(which);
        let at = at % bytes.len();
        bytes[at] = byte;
        if cut { bytes.truncate(at + 1); }
        one_spelling::<FromClient>(&bytes);
        one_spelling::<ToClient>(&bytes);
        one_spelling::<Opening>(&bytes);
        one_spelling::<Opened>(&bytes);
        one_spelling::<EnrolRequest>(&bytes);
        one_spelling::<LoginRequest>(&bytes);
        one_spelling::<IdentityReply>(&bytes);
        one_spelling::<FromWatcher>(&bytes);
        one_spelling::<ToWatcher>(&bytes);
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..6),
        cuts in proptest::collection::vec(1_usize..300, 0..20),
    ) {
        let stream: Vec<u8> = bodies.iter().flat_map(|body| frame(body).unwrap()).collect();
        let (mut held, mut fed, mut got) = (Vec::new(), 0, Vec::new());
        for cut in cuts.into_iter().chain([stream.len()]) {
            let end = (fed + cut).min(stream.len());
            held.extend_from_slice(&stream[fed..end]);
            fed = end;
            while let Some((body, used)) = next_frame(&held).unwrap() {
                got.push(body.to_vec());
                held.drain(..used);
            }
        }
        prop_assert_eq!(got, bodies);
        prop_assert!(held.is_empty());
    }
}
