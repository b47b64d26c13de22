//! Framing: the same ADUs however the bytes arrive, in bounded memory, with errors as early as
//! they can be told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its own functions too"
)]

mod modbus_requests;

use interlock_protocols::modbus::rtu::{self, Direction, Length, RtuError};
use interlock_protocols::modbus::tcp::{self, FramingError};
use interlock_protocols::modbus::{Pdu, Reply, Request, TransactionId, UnitId};
use modbus_requests::{owned, reply_to};
use proptest::collection::vec;
use proptest::prelude::*;

/// Transaction, unit and PDU.
type Cut = (u16, u8, Vec<u8>);

/// Feeds the bytes in pieces of these sizes, over and over, and collects what comes out.
fn tcp_read(bytes: &[u8], pieces: &[usize]) -> (Vec<Cut>, Option<FramingError>) {
    let mut framer = tcp::Framer::new();
    let mut adus = Vec::new();
    let mut rest = bytes;
    for size in pieces.iter().cycle() {
        let spare = framer.spare();
        assert!(!spare.is_empty(), "a read into no space looks like the end");
        let count = spare.len().min(*size).min(rest.len());
        spare[..count].copy_from_slice(&rest[..count]);
        framer.filled(count);
        rest = &rest[count..];
        loop {
            match framer.next_adu() {
                Ok(Some(adu)) => {
                    adus.push((adu.transaction.value(), adu.unit.value(), adu.pdu.to_vec()));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(framer.next_adu(), Err(error), "an error stays");
                    return (adus, Some(error));
                }
            }
        }
        if rest.is_empty() {
            assert_eq!(framer.is_mid_adu(), !ends_whole(bytes));
            return (adus, None);
        }
    }
    unreachable!("there is at least one piece")
}

/// Whether the stream ends where an ADU does, told without the framer.
fn ends_whole(mut bytes: &[u8]) -> bool {
    while bytes.len() >= 6 {
        let length = 6 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        if bytes.len() < length {
            return false;
        }
        bytes = &bytes[length..];
    }
    bytes.is_empty()
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), vec(1..300usize, 1..8)]
}

fn pdus() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 1..=253), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_adus(pdus in pdus(), pieces in pieces(), unit: u8, cut in 0..300usize) {
        let mut stream = Vec::new();
        let mut sent = Vec::new();
        for (transaction, pdu) in (7u16..).zip(&pdus) {
            let bytes = tcp::encode_adu(TransactionId::new(transaction), UnitId::new(unit), &Pdu::new(pdu).unwrap());
            stream.extend(bytes.as_bytes());
            sent.push((transaction, unit, pdu.clone(), stream.len()));
        }
        stream.truncate(stream.len().saturating_sub(cut));
        sent.retain(|(.., end)| *end <= stream.len());
        let sent: Vec<_> = sent.into_iter().map(|(t, u, p, _)| (t, u, p)).collect();
        prop_assert_eq!(tcp_read(&stream, &pieces), (sent, None));
    }

    #[test]
    fn any_split_gives_the_same_error(pdus in pdus(), pieces in pieces(), noise in vec(any::<u8>(), 0..600)) {
        let mut stream = Vec::new();
        for pdu in &pdus {
            stream.extend(tcp::encode_adu(TransactionId::new(1), UnitId::new(1), &Pdu::new(pdu).unwrap()).as_bytes());
        }
        stream.extend(noise);
        prop_assert_eq!(tcp_read(&stream, &pieces), tcp_read(&stream, &[1]));
    }

    #[test]
    fn a_request_is_as_long_as_its_beginning_implies(owned in owned()) {
        implied(owned.request().encode().as_bytes(), rtu::request_length)?;
    }

    #[test]
    fn a_reply_is_as_long_as_its_beginning_implies(owned in owned(), seed in vec(any::<u8>(), 1..40)) {
        let request = owned.request();
        let reply = reply_to(&request, &seed);
        if Reply::decode(&request, &reply).is_ok() {
            implied(&reply, rtu::reply_length)?;
        }
    }

    #[test]
    fn frames_split_anywhere_are_found(owneds in vec(owned(), 1..6), pieces in pieces(), unit in 1..=247u8) {
        let frames: Vec<_> = owneds.iter().map(|o| o.request().encode()).collect();
        let mut line = Line::new(Direction::Requests);
        for pdu in &frames {
            line.hear(rtu::encode_adu(UnitId::new(unit), pdu).as_bytes(), &pieces);
            line.silence();
        }
        let sent: Vec<_> = frames.iter().map(|pdu| Ok((unit, pdu.as_bytes().to_vec()))).collect();
        prop_assert_eq!(line.heard, sent);
    }

    #[test]
    fn frames_that_say_their_length_need_no_silence(owneds in vec(owned(), 1..6), pieces in pieces()) {
        let frames: Vec<_> = owneds.iter().map(|o| o.request().encode()).collect();
        prop_assume!(frames.iter().all(|pdu| rtu::request_length(pdu.as_bytes()) != Length::UntilIdle));
        let mut line = Line::new(Direction::Requests);
        let stream: Vec<u8> = frames.iter().flat_map(|pdu| rtu::encode_adu(UnitId::new(9), pdu).as_bytes().to_vec()).collect();
        line.hear(&stream, &pieces);
        let sent: Vec<_> = frames.iter().map(|pdu| Ok((9, pdu.as_bytes().to_vec()))).collect();
        prop_assert_eq!(line.heard, sent);
    }

    #[test]
    fn replies_split_anywhere_are_found(owned in owned(), seed in vec(any::<u8>(), 1..40), pieces in pieces()) {
        let request = owned.request();
        let reply = reply_to(&request, &seed);
        prop_assume!(Reply::decode(&request, &reply).is_ok());
        let mut line = Line::new(Direction::Replies);
        line.hear(rtu::encode_adu(UnitId::new(3), &Pdu::new(&reply).unwrap()).as_bytes(), &pieces);
        line.silence();
        prop_assert_eq!(line.heard, vec![Ok((3, reply))]);
    }

    #[test]
    fn one_changed_bit_is_never_a_frame(owned in owned(), pieces in pieces(), bit: prop::sample::Index) {
        let frame = rtu::encode_adu(UnitId::new(1), &owned.request().encode());
        let mut bytes = frame.as_bytes().to_vec();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        // A CRC finds every single bit, as long as the frame is cut at the same place.
        let length = |bytes: &[u8]| rtu::request_length(&bytes[1..]);
        prop_assume!(length(&bytes) == length(frame.as_bytes()));
        let mut line = Line::new(Direction::Requests);
        line.hear(&bytes, &pieces);
        line.silence();
        prop_assert!(line.heard.iter().all(Result::is_err), "{:?}", line.heard);
        prop_assert!(!line.heard.is_empty());
        // And the next one is heard again.
        line.hear(frame.as_bytes(), &pieces);
        line.silence();
        let last = line.heard.last().unwrap();
        prop_assert_eq!(last, &Ok((1, owned.request().encode().as_bytes().to_vec())));
    }

    #[test]
    fn noise_is_bounded_and_told_of_once(noise in vec(any::<u8>(), 1..2_000), pieces in pieces()) {
        for direction in [Direction::Requests, Direction::Replies] {
            let mut line = Line::new(direction);
            line.hear(&noise, &pieces);
            prop_assert!(line.heard.iter().filter(|h| h.is_err()).count() <= 1);
            line.silence();
            prop_assert!(line.heard.iter().filter(|h| h.is_err()).count() <= 1);
        }
    }
}

/// A serial line with a framer on it.
struct Line {
    framer: rtu::Framer,
    heard: Vec<Result<(u8, Vec<u8>), RtuError>>,
}

impl Line {
    fn new(direction: Direction) -> Line {
        Line {
            framer: rtu::Framer::new(direction),
            heard: Vec::new(),
        }
    }

    fn hear(&mut self, mut rest: &[u8], pieces: &[usize]) {
        for size in pieces.iter().cycle() {
            let spare = self.framer.spare();
            assert!(!spare.is_empty(), "a read into no space looks like the end");
            let count = spare.len().min(*size).min(rest.len());
            spare[..count].copy_from_slice(&rest[..count]);
            self.framer.filled(count);
            rest = &rest[count..];
            while let Some(heard) = kept(self.framer.next_adu()) {
                self.heard.push(heard);
            }
            if rest.is_empty() {
                return;
            }
        }
    }

    fn silence(&mut self) {
        while let Some(heard) = kept(self.framer.idle()) {
            self.heard.push(heard);
        }
        assert!(!self.framer.is_mid_adu());
    }
}

type Heard = Result<(u8, Vec<u8>), RtuError>;

fn kept(adu: Result<Option<rtu::RtuAdu<'_>>, RtuError>) -> Option<Heard> {
    adu.map(|adu| adu.map(|adu| (adu.unit.value(), adu.pdu.to_vec())))
        .transpose()
}

/// Every beginning says nothing yet, or the right length.
fn implied(pdu: &[u8], length: fn(&[u8]) -> Length) -> Result<(), TestCaseError> {
    for end in 0..=pdu.len() {
        match length(&pdu[..end]) {
            Length::Exactly(total) => prop_assert_eq!(total, pdu.len(), "{:02x?}", &pdu[..end]),
            Length::Undecided => prop_assert!(end < pdu.len(), "{:02x?}", pdu),
            Length::UntilIdle => prop_assert!(pdu.starts_with(&[8, 0, 0]), "{:02x?}", pdu),
        }
    }
    Ok(())
}

#[test]
fn a_header_is_judged_as_soon_as_it_is_there() {
    let cases: [(&[u8], Option<FramingError>); 9] = [
        (&[0, 1, 0], None),
        (&[0, 1, 0, 1], Some(FramingError::Protocol(1))),
        (&[0, 1, 0x80, 0], Some(FramingError::Protocol(0x8000))),
        (&[0, 1, 0, 0, 0, 0], Some(FramingError::Length(0))),
        (&[0, 1, 0, 0, 0, 1], Some(FramingError::Length(1))),
        (&[0, 1, 0, 0, 0, 2], None),
        (&[0, 1, 0, 0, 0, 254], None),
        (&[0, 1, 0, 0, 0, 255], Some(FramingError::Length(255))),
        (
            &[0, 1, 0, 0, 0xFF, 0xFF],
            Some(FramingError::Length(65_535)),
        ),
    ];
    for (bytes, error) in cases {
        assert_eq!(tcp_read(bytes, &[1]), (vec![], error), "{bytes:02x?}");
    }
}

#[test]
fn a_request_hidden_behind_a_read_is_refused_as_one_pdu() {
    let hidden = [0, 2, 0, 0, 0, 6, 1, 6, 0, 1, 0xBE, 0xEF];
    let read = [0, 1, 0, 0, 0, 18, 1, 3, 0, 0, 0, 1];
    let (adus, error) = tcp_read(&[&read[..], &hidden].concat(), &[300]);
    assert_eq!(error, None);
    let [(1, 1, pdu)] = &adus[..] else {
        panic!("{adus:02x?}");
    };
    assert_eq!(pdu.len(), 17);
    assert!(Request::decode(pdu).is_err());
}

#[test]
fn the_framers_fit_into_a_firmware() {
    assert!(size_of::<tcp::Framer>() <= 260 + 2 * size_of::<usize>() + 8);
    assert!(size_of::<rtu::Framer>() <= 257 + 2 * size_of::<usize>() + 8);
}

#[test]
fn crc_of_known_frames() {
    assert_eq!(rtu::crc16(b"123456789"), 0x4B37);
    let pdu = Pdu::new(&[3, 0, 0, 0, 10]).unwrap();
    let frame = rtu::encode_adu(UnitId::new(1), &pdu);
    assert_eq!(frame.as_bytes(), [1, 3, 0, 0, 0, 10, 0xC5, 0xCD]);
    let adu = rtu::decode(frame.as_bytes()).unwrap();
    assert_eq!((adu.unit, adu.pdu), (UnitId::new(1), pdu.as_bytes()));
}

#[test]
fn frames_at_the_edges_of_their_length() {
    assert_eq!(rtu::decode(&[]), Err(RtuError::Length(0)));
    assert_eq!(rtu::decode(&[1, 0x7E, 0x80]), Err(RtuError::Length(3)));
    assert_eq!(rtu::decode(&[0; 257]), Err(RtuError::Length(257)));
    let longest = rtu::encode_adu(UnitId::new(1), &Pdu::new(&[8; 253]).unwrap());
    assert_eq!(longest.as_bytes().len(), 256);
    assert!(rtu::decode(longest.as_bytes()).is_ok());
}

#[test]
fn a_frame_inside_a_broken_one_is_not_found() {
    let write = rtu::encode_adu(UnitId::new(1), &Pdu::new(&[6, 0, 1, 0xBE, 0xEF]).unwrap());
    let mut line = Line::new(Direction::Requests);
    let broken = [1, 3, 0, 0, 0, 10, 0xC5, 0xCC];
    line.hear(&[&broken[..], write.as_bytes()].concat(), &[300]);
    line.hear(write.as_bytes(), &[1]);
    assert!(matches!(line.heard[..], [Err(RtuError::Crc { .. })]));
    line.silence();
    line.hear(write.as_bytes(), &[1]);
    assert_eq!(line.heard.len(), 2);
    assert!(line.heard[1].is_ok());
}

#[test]
fn a_loopback_ends_with_silence_and_noise_costs_only_itself() {
    let loopback = rtu::encode_adu(UnitId::new(1), &Pdu::new(&[8, 0, 0, 1, 2]).unwrap());
    let mut framer = rtu::Framer::new(Direction::Requests);
    for change in [1, 0] {
        let spare = framer.spare();
        spare[..8].copy_from_slice(loopback.as_bytes());
        spare[4] ^= change;
        framer.filled(8);
        assert_eq!(framer.next_adu(), Ok(None));
        match framer.idle() {
            Ok(Some(adu)) => assert_eq!((change, adu.pdu), (0, &[8, 0, 0, 1, 2][..])),
            other => assert!(change == 1 && other.is_err(), "{other:?}"),
        }
    }
}
