//! Two readings of one specification: our codec and the simulated PLC, written apart from each
//! other, must refuse the same requests with the same exception. Where they differ, one of them
//! has read it wrongly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use fastrand::Rng;
use interlock_protocols::modbus::{Reply, Request};
use interlock_tests::plc::answer::answer;
use interlock_tests::plc::memory::Memory;
use std::collections::BTreeMap;

/// Functions that the specification names, and some that it does not.
const FUNCTIONS: [u8; 24] = [
    1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 43, 0, 9, 65, 90, 100,
];

/// Bytes around which a limit lies somewhere.
const EDGES: [u8; 16] = [
    0, 1, 2, 3, 4, 6, 7, 9, 14, 31, 0x7A, 0x7C, 0x7D, 0x7E, 0xF5, 0xFF,
];

fn byte(random: &mut Rng) -> u8 {
    if random.bool() {
        EDGES[random.usize(..EDGES.len())]
    } else {
        random.u8(..)
    }
}

fn word(random: &mut Rng) -> [u8; 2] {
    match random.u8(..4) {
        0 => [0xFF, byte(random)],
        1 => [byte(random), byte(random)],
        _ => [0, byte(random)],
    }
}

/// A request that is right, or nearly.
fn drawn(random: &mut Rng) -> Vec<u8> {
    let function = FUNCTIONS[random.usize(..FUNCTIONS.len())];
    let mut pdu = vec![function];
    let block = |pdu: &mut Vec<u8>, random: &mut Rng, count: u16, bytes: u16| {
        pdu.extend(word(random));
        pdu.extend(count.to_be_bytes());
        pdu.push(u8::try_from(bytes).unwrap_or(u8::MAX));
        pdu.extend((0..bytes).map(|_| random.u8(..)));
    };
    match function {
        1..=4 => pdu.extend([word(random), word(random)].concat()),
        5 => pdu.extend(
            [
                word(random),
                [
                    random.choice([0, 1, 0xFF]).unwrap(),
                    random.choice([0, 0, 1]).unwrap(),
                ],
            ]
            .concat(),
        ),
        6 => pdu.extend([word(random), word(random)].concat()),
        8 => pdu.extend(
            [
                [0, random.u8(..24)],
                random.choice([[0, 0], [0xFF, 0], [10, 0], [0, 1]]).unwrap(),
            ]
            .concat(),
        ),
        15 => {
            let count = random.u16(1..=1970);
            block(&mut pdu, random, count, count.div_ceil(8));
            // Pad bits are zero more often than chance would have it.
            let used = count % 8;
            if used != 0 && random.u8(..4) > 0 {
                *pdu.last_mut().unwrap() &= (1 << used) - 1;
            }
        }
        16 => {
            let count = random.u16(1..=124);
            block(&mut pdu, random, count, 2 * count);
        }
        20 => {
            let groups = random.u8(1..=36);
            pdu.push(7 * groups);
            for _ in 0..groups {
                pdu.push(if random.u8(..40) == 0 {
                    byte(random)
                } else {
                    6
                });
                pdu.extend([
                    0,
                    random.u8(..3).max(random.u8(..2)),
                    random.u8(..40),
                    byte(random),
                    0,
                    random.u8(..8),
                ]);
            }
        }
        21 => {
            let (mut body, groups) = (Vec::new(), random.u8(1..=3));
            for _ in 0..groups {
                let words = random.u8(..20);
                body.extend([
                    6,
                    0,
                    random.u8(..9),
                    random.u8(..40),
                    byte(random),
                    0,
                    words,
                ]);
                body.extend((0..2 * words).map(|_| random.u8(..)));
            }
            pdu.push(u8::try_from(body.len()).unwrap());
            pdu.extend(body);
        }
        22 => pdu.extend([word(random), word(random), word(random)].concat()),
        23 => {
            pdu.extend([word(random), word(random)].concat());
            let count = random.u16(1..=121);
            block(&mut pdu, random, count, 2 * count);
        }
        24 => pdu.extend(word(random)),
        43 => pdu.extend([
            random.choice([13, 14, 14, 14]).unwrap(),
            random.u8(..6),
            random.u8(..5),
        ]),
        _ => {}
    }
    distorted(random, pdu)
}

/// One time in two the request stays as it is; else one thing about it is wrong.
fn distorted(random: &mut Rng, mut pdu: Vec<u8>) -> Vec<u8> {
    let at = random.usize(..pdu.len());
    match random.u8(..8) {
        0 => pdu.truncate(at + 1),
        1 => pdu.extend((0..random.usize(1..7)).map(|_| random.u8(..))),
        2 => pdu[at] = byte(random),
        3 => pdu[at] ^= 1 << random.u8(..8),
        _ => {}
    }
    pdu.truncate(253);
    pdu
}

#[test]
fn the_codec_and_the_plc_refuse_alike() {
    let mut random = Rng::with_seed(502);
    let mut memory = Memory::default();
    let mut seen: BTreeMap<(u8, Option<u8>), u32> = BTreeMap::new();
    for _ in 0..400_000 {
        let pdu = drawn(&mut random);
        // A client never sends these; the connection is closed before anybody judges them.
        if pdu[0] >= 0x80 {
            continue;
        }
        let read = Request::decode(&pdu);
        let ours = read
            .as_ref()
            .err()
            .map(|why| why.exception().map_or(1, |code| code.code()));
        let theirs = answer(&mut memory, &pdu);
        let code = theirs.as_ref().err().map(|refused| refused.code);
        // What a device has no object or no queue for is its own to refuse, not the reader's.
        let device = matches!((pdu[0], code), (43, Some(2)) | (24, Some(2 | 3))) && ours.is_none();
        // The codec is stricter in two places. The standard would start a stream over at object 0
        // where its id is a reserved one, which names nothing that anybody could judge. And it
        // does not say that a loopback carries at least one word.
        let reserved = matches!(pdu[..], [43, 14, _, 0x07..=0x7F]) && ours == Some(2);
        let empty_loopback = pdu == [8, 0, 0] && ours == Some(3);
        let stricter = reserved || empty_loopback;
        assert!(
            ours == code || device || stricter,
            "{pdu:02x?}: the codec says {read:?}, the PLC {theirs:?}"
        );
        if let (Ok(request), Ok(reply)) = (&read, &theirs) {
            assert_eq!(request.encode().as_bytes(), pdu);
            // Force listen-only has no answer.
            if !reply.is_empty() {
                let decoded = Reply::decode(request, reply);
                assert!(decoded.is_ok(), "{request:?}: {reply:02x?}: {decoded:?}");
            }
        }
        *seen.entry((pdu[0], code)).or_default() += 1;
    }
    // The draw must reach both verdicts of every function, or agreeing means nothing.
    for function in &FUNCTIONS[..19] {
        for code in [None, Some(3)] {
            let count = seen.get(&(*function, code)).copied().unwrap_or(0);
            assert!(count > 20, "function {function}, {code:?}: {count}");
        }
    }
}
