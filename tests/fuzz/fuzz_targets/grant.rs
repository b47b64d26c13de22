//! Whatever is brought as a grant is refused or is one grant with one spelling, and what it covers
//! stays within its points.
#![no_main]

use interlock_protocols::grant::{DOMAIN, Draft, Grant, Kind, VERSION, signed};
use interlock_protocols::modbus::{Request, UnitId};
use libfuzzer_sys::fuzz_target;

fn respelt(grant: &Grant<'_>) -> Vec<u8> {
    let unsigned = Draft::of(grant).encode().expect("each part fitted before");
    let unsigned = Grant::read_unsigned(&unsigned).expect("each part was one before");
    let signatures: Vec<_> = grant
        .signatures()
        .map(|it| {
            let key = match grant.kind {
                Kind::Window => grant.approvers()[usize::from(it.approver)],
                Kind::BreakGlass => [0; 32],
            };
            (key, *it.signature)
        })
        .collect();
    signed(&unsigned, &signatures).expect("each was in its place before")
}

fn judge(bytes: &[u8], pdu: &[u8]) {
    let Ok(grant) = Grant::read(bytes) else {
        return;
    };
    assert_eq!(respelt(&grant), bytes, "two spellings of one grant");
    let Ok(request) = Request::decode(pdu) else {
        return;
    };
    for point in grant.points() {
        if grant.covers(point.unit, &request).is_ok() {
            let areas = [request.reads(), request.writes().map(|it| it.area)];
            assert!(areas.iter().any(Option::is_some), "nothing is covered");
            for area in areas.into_iter().flatten() {
                let last = area.range.last();
                let of_last = |it: &interlock_protocols::grant::Point| {
                    it.unit == point.unit
                        && it.area().is_some_and(|its| {
                            its.table == area.table
                                && its.range.first() <= last
                                && last <= its.range.last()
                        })
                };
                assert!(grant.points().any(|it| of_last(&it)), "past the points");
            }
        }
    }
    let _refused = grant.covers(UnitId::new(0), &request);
}

fuzz_target!(|bytes: &[u8]| {
    let (pdu, grant) = bytes.split_at(bytes.len().min(12));
    judge(bytes, pdu);
    // With its head in place the fuzzer gets further.
    let headed = [DOMAIN.as_slice(), &[VERSION], grant].concat();
    judge(&headed, pdu);
    // What a request is for stands in its first byte; the rest of it is of any length.
    for end in 1..=pdu.len() {
        judge(&headed, &pdu[..end]);
    }
});
