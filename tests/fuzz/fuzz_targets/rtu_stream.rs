//! A serial line may deliver anything, at any time, with silence anywhere: every frame found is
//! a piece of the line with a right CRC. Input: direction, then pieces, each behind a byte whose
//! low bits are its length and whose high bit is a silence behind it; the next bit adds a CRC
//! that fits, since chance would hardly ever find one.
#![no_main]

use interlock_protocols::modbus::rtu::{Direction, Framer, crc16};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&first, mut rest)) = input.split_first() else {
        return;
    };
    let direction = match first % 2 {
        0 => Direction::Requests,
        _ => Direction::Replies,
    };
    let mut framer = Framer::new(direction);
    let mut line = Vec::new();
    while let Some((&control, behind)) = rest.split_first() {
        let (piece, after) = behind.split_at(behind.len().min(usize::from(control & 0x3F)));
        rest = after;
        let begun = line.len();
        line.extend_from_slice(piece);
        if control & 0x40 != 0 {
            let crc = crc16(piece).to_le_bytes();
            line.extend_from_slice(&crc);
        }
        hear(&mut framer, &line, begun);
        if control & 0x80 != 0 {
            // Once for each frame and once for what is left: it must come to an end.
            for _ in 0..=line.len() {
                match framer.idle() {
                    Ok(Some(adu)) => judge(&line, adu.unit.value(), adu.pdu),
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
            assert!(!framer.is_mid_adu(), "silence ends every frame");
        }
    }
});

fn hear(framer: &mut Framer, line: &[u8], begun: usize) {
    let mut rest = &line[begun..];
    while !rest.is_empty() {
        let spare = framer.spare();
        let count = spare.len().min(rest.len());
        assert!(count > 0, "a read into no space looks like the end");
        spare[..count].copy_from_slice(&rest[..count]);
        framer.filled(count);
        rest = &rest[count..];
        loop {
            match framer.next_adu() {
                Ok(Some(adu)) => judge(line, adu.unit.value(), adu.pdu),
                Ok(None) => break,
                Err(_) => assert!(!framer.is_mid_adu(), "an error drops everything"),
            }
        }
    }
}

fn judge(line: &[u8], unit: u8, pdu: &[u8]) {
    assert!((1..=253).contains(&pdu.len()));
    let mut frame = vec![unit];
    frame.extend_from_slice(pdu);
    frame.extend_from_slice(&crc16(&frame).to_le_bytes());
    assert!(line.windows(frame.len()).any(|part| part == frame));
}
