//! Any bytes are exactly one request or are refused; what is a request is exactly its bytes.
#![no_main]

use interlock_protocols::modbus::rtu::{Length, request_length};
use interlock_protocols::modbus::{Malformed, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let request = match Request::decode(bytes) {
        Ok(request) => request,
        Err(Malformed::NotARequest) => {
            assert!(bytes.first().is_none_or(|function| *function >= 0x80));
            return;
        }
        Err(malformed) => {
            assert!(malformed.exception().is_some());
            return;
        }
    };
    let pdu = request.encode();
    assert_eq!(pdu.as_bytes(), bytes, "another request would go south");
    assert_eq!(Request::decode(pdu.as_bytes()), Ok(request));
    match request_length(bytes) {
        Length::Exactly(length) => assert_eq!(length, bytes.len()),
        Length::UntilIdle => assert!(bytes.starts_with(&[8, 0, 0])),
        Length::Undecided => panic!("a whole request that does not say its length"),
    }
    if let Some(written) = request.writes() {
        assert!(request.has_effect());
        assert!(written.area.range.count() <= 1_968);
    }
});
