use interlock_protocols::record::{EdgeStopped, Event};

use super::*;
use crate::sink::samples::{every, hostile_texts, origin};

fn record(sequence: u64, time_ms: i64) -> Record {
    let event = Event::EdgeStopped(EdgeStopped {
        gateway: "gate-1".into(),
    });
    Record {
        sequence,
        time_ms,
        event,
    }
}

#[test]
fn a_message_is_spelt_as_the_rfc_says() {
    let framed = frame(&origin(), &record(7, 1_795_000_000_123), b"{}");
    let message = format!(
        "<109>1 2026-11-18T11:06:40.123Z gate-1 interlock - edge-stopped \
         [meta sequenceId=\"7\"][origin software=\"interlock-edge\" swVersion=\"{}\"] {{}}",
        env!("CARGO_PKG_VERSION")
    );
    let expected = format!("{} {message}", message.len());
    assert_eq!(String::from_utf8(framed).unwrap(), expected);
}

#[test]
fn times_that_no_calendar_has_are_nil() {
    for time_ms in [i64::MIN, i64::MAX, -62_167_219_200_001] {
        let framed = String::from_utf8(frame(&origin(), &record(1, time_ms), b"{}")).unwrap();
        assert!(framed.contains(">1 - gate-1 "), "{framed}");
    }
    assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999Z");
}

#[test]
fn the_sequence_id_begins_again_at_one() {
    let id = |sequence| {
        let framed = String::from_utf8(frame(&origin(), &record(sequence, 0), b"{}")).unwrap();
        let at = framed.find("sequenceId=\"").unwrap() + 12;
        framed[at..]
            .split('"')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert_eq!(id(SEQUENCE_ID_MAX), SEQUENCE_ID_MAX);
    assert_eq!(id(SEQUENCE_ID_MAX + 1), 1);
    assert!((1..=SEQUENCE_ID_MAX).contains(&id(u64::MAX)));
}

#[test]
fn no_name_breaks_the_header() {
    for text in hostile_texts() {
        let origin = Origin::new(&text, "site", []);
        let header = header(&origin, &record(u64::MAX, 0));
        assert!(header.len() <= HEADER_MAX_BYTES, "{}", header.len());
        assert_eq!(header.split(' ').count(), 11, "{header}");
        assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
}

#[test]
fn names_of_events_fit_a_msgid() {
    for record in every().1 {
        let name = record.event.name();
        assert!((1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic()));
    }
}

/// What a receiver does: read a number, a space and as many bytes.
fn unframe(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while !stream.is_empty() {
        let space = stream.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = std::str::from_utf8(&stream[..space])
            .unwrap()
            .parse()
            .unwrap();
        let (message, rest) = stream[space + 1..].split_at(length);
        messages.push(message.to_vec());
        stream = rest;
    }
    messages
}

#[test]
fn any_texts_in_a_row_come_apart_as_they_were() {
    let mut random = fastrand::Rng::with_seed(0x5424);
    for _ in 0..500 {
        let texts: Vec<Vec<u8>> = (0..random.usize(1..9))
            .map(|_| {
                let length = random.usize(0..3_000);
                (0..length).map(|_| random.u8(..)).collect()
            })
            .collect();
        let (stream, headers) = texts
            .iter()
            .fold((Vec::new(), Vec::new()), |mut all, text| {
                let record = record(random.u64(1..), random.i64(..));
                all.0.extend(frame(&origin(), &record, text));
                all.1.push(header(&origin(), &record));
                all
            });
        let messages = unframe(&stream);
        assert_eq!(messages.len(), texts.len());
        for ((message, header), text) in messages.iter().zip(&headers).zip(&texts) {
            assert_eq!(
                message.strip_prefix(header.as_bytes()),
                Some(text.as_slice())
            );
        }
    }
}
