//! A stream gives the same ADUs and the same error however it is cut, and the same as a reader
//! that has all of it at once. Input: size of the pieces, the stream.
#![no_main]

use interlock_protocols::modbus::tcp::Framer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&size, stream)) = input.split_first() else {
        return;
    };
    let mut framer = Framer::new();
    let mut rest = stream;
    let mut expected = stream;
    while !rest.is_empty() {
        let spare = framer.spare();
        let count = spare.len().min(usize::from(size).max(1)).min(rest.len());
        assert!(count > 0, "a read into no space looks like the end");
        spare[..count].copy_from_slice(&rest[..count]);
        framer.filled(count);
        rest = &rest[count..];
        loop {
            match framer.next_adu() {
                Ok(Some(adu)) => {
                    let (header, behind) = expected.split_at(7);
                    assert_eq!(header[..2], adu.transaction.value().to_be_bytes());
                    assert_eq!(header[2..4], [0, 0]);
                    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
                    assert_eq!(length, adu.pdu.len() + 1);
                    assert_eq!(header[6], adu.unit.value());
                    assert_eq!(&behind[..adu.pdu.len()], adu.pdu);
                    expected = &behind[adu.pdu.len()..];
                }
                Ok(None) => break,
                Err(_) => {
                    let wrong_protocol = expected[2..4] != [0, 0];
                    assert!(wrong_protocol || !is_length(expected));
                    return;
                }
            }
        }
    }
    // What is left over is the beginning of an ADU that could still be right.
    assert_eq!(framer.is_mid_adu(), !expected.is_empty());
    if expected.len() >= 6 {
        assert!(expected[2..4] == [0, 0] && is_length(expected));
        let length = usize::from(u16::from_be_bytes([expected[4], expected[5]]));
        assert!(expected.len() < length + 6);
    }
});

fn is_length(header: &[u8]) -> bool {
    header.len() >= 6 && (2..=254).contains(&u16::from_be_bytes([header[4], header[5]]))
}
