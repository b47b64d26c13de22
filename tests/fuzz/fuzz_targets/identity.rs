//! Whatever arrives on the identity port, from people whom nobody knows yet, is refused or is one
//! message with one spelling.
#![no_main]

use interlock_protocols::conduit::Message;
use interlock_protocols::identity::{EnrolRequest, IdentityReply, LoginRequest, Posture};
use libfuzzer_sys::fuzz_target;

fn one_spelling<M: Message>(body: &[u8]) {
    if let Ok(message) = M::decode(body) {
        assert_eq!(message.encode(), body, "two spellings of one message");
    }
}

fuzz_target!(|bytes: &[u8]| {
    one_spelling::<EnrolRequest>(bytes);
    one_spelling::<LoginRequest>(bytes);
    one_spelling::<IdentityReply>(bytes);
    if let Ok(posture) = Posture::decode(bytes) {
        assert_eq!(posture.encode(), bytes, "two spellings of one posture");
    }
});
