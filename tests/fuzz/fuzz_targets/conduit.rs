//! Whatever arrives on a conduit stream is refused or is one message with one spelling.
#![no_main]

use interlock_protocols::conduit::{
    FromClient, FromWatcher, Message, Opened, Opening, ToClient, ToWatcher, next_frame,
};
use libfuzzer_sys::fuzz_target;

fn one_spelling<M: Message>(body: &[u8]) {
    if let Ok(message) = M::decode(body) {
        assert_eq!(message.encode(), body, "two spellings of one message");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((body, taken))) = next_frame(rest) {
        one_spelling::<FromClient>(body);
        one_spelling::<ToClient>(body);
        one_spelling::<Opening>(body);
        one_spelling::<Opened>(body);
        one_spelling::<FromWatcher>(body);
        one_spelling::<ToWatcher>(body);
        assert!(taken > body.len());
        rest = &rest[taken..];
    }
    // Without a frame around it the same holds, and the fuzzer gets further.
    one_spelling::<FromClient>(bytes);
    one_spelling::<ToClient>(bytes);
    one_spelling::<Opening>(bytes);
    one_spelling::<Opened>(bytes);
    one_spelling::<FromWatcher>(bytes);
    one_spelling::<ToWatcher>(bytes);
});
