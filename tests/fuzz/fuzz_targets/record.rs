//! Whatever stands in a journal frame is refused or is one record with one spelling.
#![no_main]

use interlock_protocols::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Record::decode(bytes) {
        assert_eq!(record.encode(), bytes, "two spellings of one record");
    }
});
