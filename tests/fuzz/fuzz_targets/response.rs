//! Any bytes are the reply to a request or are dropped; what reaches the client is our encoding.
//! Input: length of the request, the request, the reply.
#![no_main]

use interlock_protocols::modbus::{Reply, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&length, rest)) = input.split_first() else {
        return;
    };
    let Some((request, bytes)) = rest.split_at_checked(usize::from(length)) else {
        return;
    };
    let Ok(request) = Request::decode(request) else {
        return;
    };
    let Ok(reply) = Reply::decode(&request, bytes) else {
        return;
    };
    let pdu = reply.encode(&request);
    assert_eq!(Reply::decode(&request, pdu.as_bytes()), Ok(reply));
    // Only the pad bits of a bit read, at the end of the last byte, may differ.
    assert_eq!(pdu.as_bytes().len(), bytes.len());
    let (Some((last, head)), Some((device, before))) =
        (pdu.as_bytes().split_last(), bytes.split_last())
    else {
        panic!("an empty reply");
    };
    assert_eq!(head, before);
    let kept = match (request, bytes) {
        (Request::ReadCoils(span) | Request::ReadDiscreteInputs(span), [1 | 2, ..]) => {
            match span.quantity().value() % 8 {
                0 => 0xFF,
                used => (1u8 << used) - 1,
            }
        }
        _ => 0xFF,
    };
    assert_eq!(*last, device & kept);
});
