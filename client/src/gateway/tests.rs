use interlock_broker::proof::sha256;
use interlock_protocols::conduit::{
    DeviceOffer, FromClient, JournalQuery, JournalStatus, Message as _, Opened, Opening, ToClient,
    Told,
};
use interlock_protocols::identity::{Posture, PostureSource};
use interlock_protocols::modbus::{Address, ExceptionCode, Request, UnitId};
use interlock_protocols::record::{EdgeStopped, Event, Record};
use quinn::VarInt;
use tokio::join;

use super::scripted::{ENDS_MS, Scripted, hello, notice};
use super::*;
use crate::modbus::{Answer, Client, explain};
use crate::point::tests::{offer, point};

async fn connected(scripted: &Scripted) -> (Gateway, scripted::Side) {
    let profile = scripted.profile();
    let (gateway, side) = join!(Gateway::connect(&profile), scripted.welcome(vec![offer()]));
    (gateway.unwrap(), side)
}

#[tokio::test]
async fn a_session_begins_with_hello_and_all_offers() {
    let scripted = Scripted::new();
    let points = (0..2_000).map(|n| point(&format!("point-{n}"), 4, n, "u16"));
    let large = DeviceOffer {
        name: "large".into(),
        points: points.collect(),
        ..offer()
    };
    let devices = vec![offer(), large];
    let profile = scripted.profile();
    let (gateway, mut side) = join!(
        Gateway::connect(&profile),
        scripted.welcome(devices.clone())
    );
    let gateway = gateway.unwrap();
    assert_eq!(gateway.offers(), devices);
    assert_eq!(gateway.welcome().session, 7);
    assert_eq!(gateway.welcome().certificate_ends_ms, ENDS_MS);
    let missing = gateway.offer("pump").unwrap_err();
    assert_eq!(missing.kind(), Kind::Denied);
    assert!(missing.next().contains("mixer, large"), "{missing}");
    let (heard, ()) = join!(side.heard(), gateway.goodbye());
    assert_eq!(heard, FromClient::Bye);
}

#[tokio::test]
async fn whoever_is_refused_learns_why_and_is_not_connected() {
    let scripted = Scripted::new();
    let profile = scripted.profile();
    let refusal = ToClient::Refused {
        reason: "your certificate has ended".into(),
        next: "ask for a new one".into(),
    };
    let play = async {
        let mut side = scripted.accept().await;
        side.tell(&refusal).await;
        side
    };
    let (gateway, _side) = join!(Gateway::connect(&profile), play);
    let failure = gateway.unwrap_err();
    assert_eq!(failure.kind(), Kind::NotAuthenticated);
    assert_eq!(failure.next(), "ask for a new one");
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_not_authenticated() {
    let scripted = Scripted::new();
    let profile = scripted.stranger();
    let (gateway, ()) = join!(Gateway::connect(&profile), scripted.refuse());
    let failure = gateway.unwrap_err();
    assert_eq!(failure.kind(), Kind::NotAuthenticated, "{failure}");
    assert!(failure.what().contains("your certificate"), "{failure}");
}

#[tokio::test]
async fn a_gateway_of_another_authority_is_not_believed() {
    let scripted = Scripted::new();
    let profile = scripted.distrustful();
    let (gateway, ()) = join!(Gateway::connect(&profile), scripted.refuse());
    let failure = gateway.unwrap_err();
    assert_eq!(failure.kind(), Kind::NotAuthenticated, "{failure}");
    assert!(failure.next().starts_with("do not go on"), "{failure}");
}

#[tokio::test]
async fn offers_that_do_not_add_up_are_no_session() {
    let scripted = Scripted::new();
    let profile = scripted.profile();
    for wrong in [
        vec![hello(1), ToClient::Ready],
        vec![hello(0), ToClient::Device(offer())],
        vec![
            hello(1),
            ToClient::Points {
                device: "mixer".into(),
                points: Vec::new(),
            },
        ],
        vec![hello(DEVICES_MAX_AND_ONE)],
        vec![ToClient::Ready],
    ] {
        let play = async {
            let mut side = scripted.accept().await;
            for message in &wrong {
                side.tell(message).await;
            }
            side
        };
        let (gateway, _side) = join!(Gateway::connect(&profile), play);
        assert_eq!(gateway.unwrap_err().kind(), Kind::Failed, "{wrong:?}");
    }
}

const DEVICES_MAX_AND_ONE: usize = crate::limits::DEVICES_MAX + 1;

#[tokio::test]
async fn status_and_acceptance_are_calls_with_answers_of_their_own() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let status = Status {
        version: "0.1.0".into(),
        started_ms: 1,
        now_ms: 2,
        sessions: 3,
        journal: JournalStatus::default(),
        sinks: Vec::new(),
        witness: None,
        clock_doubt: None,
        plant_serial: None,
        approvers_serial: None,
        trust: Vec::new(),
    };
    let answer = status.clone();
    let play = async {
        let FromClient::ReadStatus { call } = side.heard().await else {
            panic!("no call");
        };
        // An answer to somebody else's call is none of ours.
        let (end, text) = (CallEnd::Done, "late".to_owned());
        let stray = ToClient::Reply {
            call: call + 7,
            end,
            text,
        };
        side.tell(&stray).await;
        let status = answer;
        side.tell(&ToClient::Status { call, status }).await;
        let FromClient::AcceptJournal { call, reason } = side.heard().await else {
            panic!("no call");
        };
        assert_eq!(reason, "restored");
        let (end, text) = (CallEnd::Denied, "no rule permits it".to_owned());
        side.tell(&ToClient::Reply { call, end, text }).await;
        let FromClient::ReadStatus { call } = side.heard().await else {
            panic!("no call");
        };
        let (end, text) = (CallEnd::Done, "well".to_owned());
        side.tell(&ToClient::Reply { call, end, text }).await;
    };
    let ask = async {
        assert_eq!(gateway.read_status().await.unwrap(), status);
        let denied = gateway.accept_journal("restored").await.unwrap_err();
        assert_eq!(denied.kind(), Kind::Denied);
        assert!(denied.what().contains("no rule"), "{denied}");
        // An edge that says it is done and gives no status is at fault.
        assert!(gateway.read_status().await.is_err());
    };
    join!(ask, play);
}

#[tokio::test]
async fn a_notice_during_a_call_is_kept_for_later() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let play = async {
        let FromClient::ActivatePolicy { call } = side.heard().await else {
            panic!("no call");
        };
        side.tell(&ToClient::Notice(notice(1, 2))).await;
        let text = "in force".to_owned();
        let end = CallEnd::Done;
        side.tell(&ToClient::Reply { call, end, text }).await;
    };
    let (activated, ()) = join!(gateway.activate_policy(), play);
    assert_eq!(activated.unwrap(), "in force");
    assert_eq!(gateway.next_notice().await.unwrap(), notice(1, 2));
    side.tell(&ToClient::Ending {
        reason: "the gateway stops".into(),
    })
    .await;
    let ended = gateway.next_notice().await.unwrap_err();
    assert_eq!(ended.kind(), Kind::Unreachable);
    assert!(ended.what().contains("the gateway stops"), "{ended}");
}

#[tokio::test]
async fn steps_and_announcements_disturb_no_call_and_no_step_is_lost() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let step = |window| WindowStep {
        window,
        text: "ann approved".into(),
    };
    let play = async {
        let FromClient::ActivatePolicy { call } = side.heard().await else {
            panic!("no call");
        };
        side.tell(&ToClient::Window(step(12))).await;
        let text = "break-glass was opened at press-4".to_owned();
        side.tell(&ToClient::Announcement { text }).await;
        let (end, text) = (CallEnd::Done, "in force".to_owned());
        side.tell(&ToClient::Reply { call, end, text }).await;
        side.tell(&ToClient::Notice(notice(1, 2))).await;
        side.tell(&ToClient::Window(step(13))).await;
    };
    let (activated, ()) = join!(gateway.activate_policy(), play);
    assert_eq!(activated.unwrap(), "in force");
    assert_eq!(gateway.next_step().await.unwrap(), step(12));
    assert_eq!(gateway.next_step().await.unwrap(), step(13));
    assert_eq!(gateway.next_notice().await.unwrap(), notice(1, 2));
}

/// A lease of a second is told again within it, each time with a proof and a look of its own, while
/// the session waits for something else.
#[tokio::test]
async fn how_the_machine_is_is_told_again_before_it_runs_out() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let play = async {
        let mut taken_ms = Vec::new();
        for _ in 0..3 {
            side.tell(&ToClient::Posture {
                holds_s: Some(1),
                reason: String::new(),
                next: String::new(),
            })
            .await;
            let FromClient::Posture { device, posture } = side.heard().await else {
                panic!("no report");
            };
            let statement = Posture::decode(&posture.statement).unwrap();
            assert_eq!(posture.source, PostureSource::Own);
            assert_eq!(statement.device_key, sha256(&device.key));
            taken_ms.push(statement.taken_ms);
        }
        assert!(
            taken_ms.is_sorted_by(|one, next| one < next),
            "{taken_ms:?}"
        );
        side.tell(&ToClient::Notice(notice(1, 2))).await;
    };
    let (told, ()) = join!(gateway.next_notice(), play);
    assert_eq!(told.unwrap(), notice(1, 2));
}

#[tokio::test]
async fn a_lost_connection_is_unreachable() {
    let scripted = Scripted::new();
    let (mut gateway, side) = connected(&scripted).await;
    side.connection.close(VarInt::from_u32(1), b"restart");
    let lost = gateway.next_notice().await.unwrap_err();
    assert_eq!(lost.kind(), Kind::Unreachable);
    assert!(lost.what().contains("restart"), "{lost}");
}

#[tokio::test]
async fn a_conversation_names_its_device_and_whether_it_is_armed() {
    let scripted = Scripted::new();
    let (gateway, side) = connected(&scripted).await;
    for armed in [true, false] {
        let answer = Opened::Conversation { conversation: 5 };
        let (stream, (opening, ..)) = join!(gateway.converse("mixer", armed), side.open(&answer));
        assert_eq!(stream.unwrap().conversation, 5);
        let expected = Opening::Conversation {
            device: "mixer".into(),
            arm_writes: armed,
        };
        assert_eq!(opening, expected);
    }
    let refused = Opened::Refused {
        code: Some(1),
        reason: "no rule permits it".into(),
        next: "ask".into(),
    };
    let (stream, _) = join!(gateway.converse("mixer", true), side.open(&refused));
    assert_eq!(stream.unwrap_err().kind(), Kind::Denied);
}

#[tokio::test]
async fn one_command_gets_its_own_answer_and_a_refusal_is_explained() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let answer = Opened::Conversation { conversation: 5 };
    let (stream, (_, mut send, mut recv)) =
        join!(gateway.converse("mixer", true), side.open(&answer));
    let mut client = Client::new(stream.unwrap());
    let request = Request::WriteSingleRegister {
        address: Address::new(100),
        value: 900,
    };
    let play = async {
        let mut adu = [0; 12];
        recv.read_exact(&mut adu).await.unwrap();
        assert_eq!(adu[6..], [1, 6, 0, 100, 3, 0x84]);
        // Something older first, then the echo, both in pieces.
        let mut late = adu;
        late[1] ^= 0x55;
        send.write_all(&late[..5]).await.unwrap();
        send.write_all(&late[5..]).await.unwrap();
        send.write_all(&adu).await.unwrap();
    };
    let (asked, ()) = join!(client.ask(UnitId::new(1), &request), play);
    assert!(asked.unwrap().response(&request).is_some());

    let play = async {
        let mut adu = [0; 12];
        recv.read_exact(&mut adu).await.unwrap();
        let transaction = u16::from_be_bytes([adu[0], adu[1]]);
        // Of another conversation, of another request, then ours.
        for (conversation, other) in [(4, 0), (5, 1), (5, 0)] {
            let notice = notice(conversation, transaction + other);
            side.tell(&ToClient::Notice(notice)).await;
        }
        let exception = [adu[0], adu[1], 0, 0, 0, 3, 1, 0x86, 1];
        send.write_all(&exception).await.unwrap();
    };
    let (asked, ()) = join!(client.ask(UnitId::new(1), &request), play);
    let Answer::Exception { transaction, code } = asked.unwrap() else {
        panic!("no exception");
    };
    assert_eq!(code, ExceptionCode::IllegalFunction);
    let failure = explain(&mut gateway, client.conversation(), transaction, code).await;
    assert_eq!(failure.kind(), Kind::Denied);
    assert!(failure.what().contains("too fast"), "{failure}");
    assert_eq!(failure.next(), "slower");
}

#[tokio::test]
async fn a_conversation_that_breaks_off_leaves_a_write_unknown() {
    let scripted = Scripted::new();
    let (gateway, side) = connected(&scripted).await;
    let answer = Opened::Conversation { conversation: 5 };
    let (stream, (_, mut send, _recv)) = join!(gateway.converse("mixer", true), side.open(&answer));
    let mut client = Client::new(stream.unwrap());
    let request = Request::WriteSingleRegister {
        address: Address::new(100),
        value: 900,
    };
    send.finish().unwrap();
    let failure = client.ask(UnitId::new(1), &request).await.unwrap_err();
    assert!(failure.next().contains("read the value back"), "{failure}");
}

#[tokio::test]
async fn a_journal_comes_record_by_record_to_its_end() {
    let scripted = Scripted::new();
    let (gateway, side) = connected(&scripted).await;
    let query = JournalQuery {
        from: 3,
        ..JournalQuery::default()
    };
    let (journal, (opening, mut send, _)) = join!(
        gateway.read_journal(query.clone()),
        side.open(&Opened::Journal)
    );
    assert_eq!(opening, Opening::ReadJournal(query));
    let records: Vec<Record> = (3..=4)
        .map(|sequence| Record {
            sequence,
            time_ms: 1,
            event: Event::EdgeStopped(EdgeStopped {
                gateway: "gate-1".into(),
            }),
        })
        .collect();
    for record in &records {
        let framed = Told::Match(record.encode()).to_frame().unwrap();
        send.write_all(&framed).await.unwrap();
    }
    send.finish().unwrap();
    let mut journal = journal.unwrap();
    for record in records {
        assert_eq!(journal.next().await.unwrap(), Some(Shown::Match(record)));
    }
    assert_eq!(journal.next().await.unwrap(), None);
}
