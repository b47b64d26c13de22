//! Bytes that are no conduit, on the control stream and on others; streams broken off.

use interlock_protocols::conduit::{FromClient, Message, Opened, Opening, ToClient, frame};
use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Bench, SILENCE, adu};
use interlock_tests::plc::log;

use crate::hex;
use crate::peer::{Peer, hello};

const WRITE: &str = "06 0064 2328";

/// Not one message among them.
fn garbage() -> [(&'static str, Vec<u8>); 6] {
    [
        ("a frame of 4 GiB", vec![0xFF; 64]),
        (
            "a frame that is too long by one",
            65_537_u32.to_be_bytes().to_vec(),
        ),
        ("an empty frame", vec![0; 8]),
        ("no CBOR", frame(b"GET / HTTP/1.1").unwrap()),
        (
            "CBOR that is no message",
            frame(&hex("82 18 63 80")).unwrap(),
        ),
        ("a message with a byte behind it", {
            let mut body = hello()[4..].to_vec();
            body.push(0);
            frame(&body).unwrap()
        }),
    ]
}

#[test]
fn garbage_in_place_of_a_hello_opens_no_session() {
    let mut bench = Bench::start();
    let peer = Peer::of(&bench.gateway, "person/olga");
    let mut all = garbage().to_vec();
    all.push(("goodbye first", FromClient::Bye.to_frame().unwrap()));
    for (name, bytes) in all {
        let connection = peer.connected();
        let (_send, mut frames) = peer.open(&connection, &bytes);
        let said = peer.wait(name, frames.next::<ToClient>());
        assert!(said.is_err(), "{name}: {said:?}");
        peer.closed(&connection);
    }
    for (name, bytes) in garbage() {
        let connection = peer.connected();
        let said = [hello(), bytes].concat();
        let (_send, mut frames) = peer.open(&connection, &said);
        let said = peer.wait(name, frames.next::<ToClient>());
        assert!(said.is_err(), "{name} in place of a proof: {said:?}");
        peer.closed(&connection);
    }
    // An old version is told so, in words that every version can read.
    let connection = peer.connected();
    let old = FromClient::Hello {
        version: 0,
        program: "old".to_owned(),
    };
    let (_send, mut frames) = peer.open(&connection, &old.to_frame().unwrap());
    let said = peer.wait("refusal", frames.next::<ToClient>());
    assert!(matches!(said, Ok(ToClient::Refused { .. })), "{said:?}");
    let records = bench.settle();
    let opened = records
        .events
        .iter()
        .any(|event| matches!(event, Event::SessionOpened(_)));
    assert!(!opened, "a session was opened");
}

#[test]
fn garbage_behind_the_hello_ends_the_session_and_says_why() {
    let mut bench = Bench::start();
    let peer = Peer::of(&bench.gateway, "person/olga");
    let mut all = garbage().to_vec();
    all.push(("a second hello", hello()));
    let count = all.len();
    for (name, bytes) in all {
        let (connection, mut control, _frames) = peer.welcome();
        let _ = peer.wait(name, control.write_all(&bytes));
        let why = peer.closed(&connection);
        let expected = if name == "a second hello" {
            "hello twice"
        } else {
            "control stream broke"
        };
        assert!(why.contains(expected), "{name}: {why}");
    }
    let records = bench.settle();
    let reasons: Vec<_> = records
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SessionEnded(ended) => Some(ended.reason.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(reasons.len(), count);
    assert!(
        reasons.iter().all(|reason| !reason.contains("is done")),
        "{reasons:?}"
    );
}

#[test]
fn garbage_on_a_further_stream_ends_that_stream_alone() {
    let mut bench = Bench::start();
    let peer = Peer::of(&bench.gateway, "person/olga");
    let (connection, _control, _frames) = peer.welcome();
    for (name, bytes) in garbage() {
        let (_send, mut frames) = peer.open(&connection, &bytes);
        let said = peer.wait(name, frames.next::<Opened>());
        assert!(said.is_err(), "{name}: {said:?}");
    }
    let opening = Opening::Conversation {
        device: "nothing".repeat(40),
        arm_writes: true,
    };
    let (_send, mut frames) = peer.open(&connection, &opening.to_frame().unwrap());
    let said = peer.wait("refusal", frames.next::<Opened>());
    assert!(
        matches!(said, Ok(Opened::Refused { code: Some(1), .. })),
        "{said:?}"
    );
    // What the edge never accepts, it never lets begin.
    assert!(
        peer.wait_within(SILENCE, connection.open_uni()).is_none(),
        "a one-way stream"
    );
    assert!(
        connection.send_datagram(vec![0; 9].into()).is_err(),
        "a datagram"
    );
    // The session stands as it stood.
    let (mut send, mut frames) = peer.converse(&connection, "press-4");
    peer.wait("write", send.write_all(&adu(0xBEEF, 1, &hex(WRITE))))
        .unwrap();
    let mut answer = [0; 12];
    peer.wait("answer", frames.recv.read_exact(&mut answer))
        .unwrap();
    assert_eq!(answer[..], adu(0xBEEF, 1, &hex(WRITE)));
    connection.close(0_u32.into(), b"");
    let records = bench.settle();
    assert_eq!(records.commands.len(), 1);
    assert_eq!(records.denied("not-yours"), 1);
    let device = &records.denials[0].device;
    assert_eq!(
        device.len(),
        64,
        "a stranger's text is recorded shortened: {device}"
    );
}

#[test]
fn a_stream_reset_right_behind_its_write_leaves_one_outcome() {
    let mut bench = Bench::start();
    let peer = Peer::of(&bench.gateway, "person/olga");
    let (connection, _control, _frames) = peer.welcome();
    // While the PLC is at work on it.
    bench.press.order("delay 300");
    let (mut send, mut frames) = peer.converse(&connection, "press-4");
    peer.wait("write", send.write_all(&adu(1, 1, &hex(WRITE))))
        .unwrap();
    bench.press.next_event("write at the PLC", |event| {
        matches!(event, log::Event::Request(_)).then_some(())
    });
    send.reset(1_u32.into()).unwrap();
    frames.recv.stop(1_u32.into()).unwrap();
    let result = bench
        .gateway
        .record("outcome", |record| match &record.event {
            Event::Outcome(outcome) => Some(outcome.result.clone()),
            _ => None,
        });
    assert!(
        matches!(result, CommandResult::Answered { .. }),
        "{result:?}"
    );
    // At once: then it depends on how far the write came. Whatever reached the PLC is recorded.
    for round in 0..20_u8 {
        let (mut send, _frames) = peer.converse(&connection, "press-4");
        let write = [6, 0, 100, 0x20, round];
        peer.wait("write", send.write_all(&adu(2, 1, &write)))
            .unwrap();
        send.reset(1_u32.into()).unwrap();
    }
    // And a connection that is cut off as a whole.
    let (mut send, _frames) = peer.converse(&connection, "press-4");
    peer.wait("write", send.write_all(&adu(3, 1, &hex(WRITE))))
        .unwrap();
    connection.close(7_u32.into(), b"");
    let records = bench.settle();
    assert!(!records.commands.is_empty());
}
