//! Encoder and decoder are each other's inverse, over requests drawn at random and over bytes
//! drawn at random.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its own functions too"
)]

mod modbus_requests;

use interlock_protocols::modbus::{
    DataType, ExceptionCode, FunctionCode, Malformed, Mismatch, Pdu, Reply, Request, Response,
    WordOrder, value,
};
use modbus_requests::{of, owned, reply_to};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Bytes near a request: a real one with a byte changed, cut, or added. Plain noise would hardly
/// ever get past the length.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let changes = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    (owned(), vec(changes, 1..4)).prop_map(|(owned, changes)| {
        let mut bytes = owned.request().encode().as_bytes().to_vec();
        for (place, byte, kind) in changes {
            let at = place.index(bytes.len().max(1));
            match kind {
                0 => bytes.insert(at, byte),
                1 if !bytes.is_empty() => drop(bytes.remove(at)),
                2 => bytes.push(byte),
                _ if !bytes.is_empty() => bytes[at] = byte,
                _ => {}
            }
        }
        bytes
    })
}

fn seed() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..40)
}

/// Whatever decodes is exactly its bytes.
fn exact(bytes: &[u8]) {
    match Request::decode(bytes) {
        Ok(request) => {
            assert_eq!(request.encode().as_bytes(), bytes);
            assert!(bytes.len() <= 253);
        }
        Err(Malformed::NotARequest) => assert!(bytes.first().is_none_or(|f| *f >= 0x80)),
        Err(malformed) => assert!(malformed.exception().is_some()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_decodes_to_the_same_request(owned in owned()) {
        let request = owned.request();
        let pdu = request.encode();
        prop_assert_eq!(Request::decode(pdu.as_bytes()), Ok(request));
        prop_assert_eq!(request.function(), owned.function);
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(bytes in nearly()) {
        exact(&bytes);
    }

    #[test]
    fn noise_decodes_to_nothing_but_its_bytes(bytes in vec(any::<u8>(), 0..300)) {
        exact(&bytes);
    }

    #[test]
    fn nothing_fits_behind_a_request(owned in owned(), tail in owned_bytes()) {
        let request = owned.request();
        let long = [request.encode().as_bytes(), &tail[..]].concat();
        if let Ok(other) = Request::decode(&long) {
            // Only a loopback may be longer, and all of it is the loopback's own.
            prop_assert!(long.starts_with(&[8, 0, 0]), "{:?}", other);
            prop_assert_eq!(other.encode(), Pdu::new(&long).unwrap());
        }
    }

    #[test]
    fn what_is_written_lies_in_the_area(owned in owned()) {
        use interlock_protocols::modbus::Values;
        if let Some(written) = owned.request().writes() {
            let count = match written.values {
                Values::Coils(coils) => coils.iter().count(),
                Values::Registers(registers) => registers.iter().count(),
                Values::Coil(_) | Values::Register(_) | Values::Mask { .. } => 1,
            };
            prop_assert_eq!(u32::try_from(count).unwrap(), written.area.range.count());
        }
    }

    #[test]
    fn a_reply_is_decoded_and_encoded_to_the_byte(owned in owned(), seed in seed()) {
        let request = owned.request();
        let bytes = reply_to(&request, &seed);
        match Reply::decode(&request, &bytes) {
            Ok(reply) => {
                let canonical = without_pad_bits(&request, &bytes);
                let encoded = reply.encode(&request);
                prop_assert_eq!(encoded.as_bytes(), &canonical[..]);
                prop_assert_eq!(Reply::decode(&request, encoded.as_bytes()), Ok(reply));
            }
            Err(Mismatch::Unexpected) => prop_assert!(!request.answer_expected()),
            Err(other) => prop_assert!(false, "{} for {:02x?} to {:?}", other, bytes, request),
        }
    }

    #[test]
    fn a_reply_of_another_length_is_dropped(owned in owned(), seed in seed(), cut in 1..20usize, more in vec(any::<u8>(), 1..20)) {
        let request = owned.request();
        let bytes = reply_to(&request, &seed);
        let long = [&bytes[..], &more].concat();
        prop_assert!(Reply::decode(&request, &long).is_err(), "{:02x?}", long);
        let short = &bytes[..bytes.len().saturating_sub(cut)];
        prop_assert!(Reply::decode(&request, short).is_err(), "{:02x?}", short);
    }

    #[test]
    fn a_changed_reply_is_dropped_or_is_what_it_says(owned in owned(), seed in seed(), place: prop::sample::Index, byte: u8) {
        let request = owned.request();
        let mut bytes = reply_to(&request, &seed);
        let at = place.index(bytes.len());
        bytes[at] = byte;
        if let Ok(reply) = Reply::decode(&request, &bytes) {
            let canonical = without_pad_bits(&request, &bytes);
            let encoded = reply.encode(&request);
            prop_assert_eq!(encoded.as_bytes(), &canonical[..]);
        }
    }

    #[test]
    fn a_changed_echo_is_dropped(owned in echoing(), place: prop::sample::Index, flip in 1..=255u8) {
        let request = owned.request();
        let mut bytes = reply_to(&request, &[0]);
        let at = place.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(Reply::decode(&request, &bytes).is_err(), "{:02x?}", bytes);
    }

    #[test]
    fn a_reply_to_another_function_is_dropped(asked in owned(), other in owned(), seed in seed()) {
        prop_assume!(asked.function != other.function);
        let bytes = reply_to(&other.request(), &seed);
        let is_function = matches!(Reply::decode(&asked.request(), &bytes), Err(Mismatch::Function { .. }));
        prop_assert!(is_function);
    }

    #[test]
    fn any_exception_passes_through(owned in owned(), code: u8, tail in vec(any::<u8>(), 1..4)) {
        let request = owned.request();
        let function = request.function().code();
        let bytes = [function | 0x80, code];
        let reply = Reply::decode(&request, &bytes);
        prop_assert_eq!(reply, Ok(Reply::Exception(ExceptionCode::from_code(code))));
        let pdu = Pdu::new(&bytes).unwrap();
        prop_assert_eq!(&reply.unwrap().encode(&request), &pdu);
        prop_assert_eq!(Pdu::exception(function, ExceptionCode::from_code(code)), pdu);
        let long = [&bytes[..], &tail].concat();
        prop_assert_eq!(Reply::decode(&request, &long), Err(Mismatch::Length));
        prop_assert_eq!(Reply::decode(&request, &bytes[..1]), Err(Mismatch::Length));
    }

    #[test]
    fn a_number_survives_its_registers(data_type in select(&DataType::ALL[..]), order in select(&WordOrder::ALL[..]), words: [u16; 2]) {
        let words = &words[..usize::from(data_type.registers())];
        let number = value::decode(data_type, order, words).unwrap();
        match value::encode(data_type, order, number) {
            Some(encoded) => prop_assert_eq!(encoded.as_slice(), words),
            None => prop_assert!(!number.is_finite()),
        }
    }

    #[test]
    fn a_number_is_kept_or_refused(data_type in select(&DataType::ALL[..]), order in select(&WordOrder::ALL[..]), number in numbers()) {
        if let Some(encoded) = value::encode(data_type, order, number) {
            let back = value::decode(data_type, order, encoded.as_slice()).unwrap();
            let expected = if data_type == DataType::F32 { f64::from(number as f32) } else { number };
            prop_assert!(back == expected, "{} became {}", number, back);
        }
    }
}

fn numbers() -> impl Strategy<Value = f64> {
    let whole = any::<i32>().prop_map(f64::from);
    prop_oneof![
        any::<f64>(),
        whole,
        any::<u32>().prop_map(f64::from),
        any::<f32>().prop_map(f64::from)
    ]
}

fn owned_bytes() -> impl Strategy<Value = Vec<u8>> {
    owned().prop_map(|owned| owned.request().encode().as_bytes().to_vec())
}

fn echoing() -> impl Strategy<Value = modbus_requests::Owned> {
    use FunctionCode as F;
    select(vec![
        F::WriteSingleCoil,
        F::WriteSingleRegister,
        F::WriteMultipleCoils,
        F::WriteMultipleRegisters,
        F::WriteFileRecord,
        F::MaskWriteRegister,
    ])
    .prop_flat_map(of)
}

/// What may reach the client of a bit read: the reply with its pad bits cleared.
fn without_pad_bits(request: &Request<'_>, reply: &[u8]) -> Vec<u8> {
    let mut bytes = reply.to_vec();
    if let Request::ReadCoils(span) | Request::ReadDiscreteInputs(span) = request {
        let used = span.quantity().value() % 8;
        if used != 0 && bytes[0] < 0x80 {
            *bytes.last_mut().unwrap() &= (1 << used) - 1;
        }
    }
    bytes
}

#[test]
fn neighbouring_coils_in_the_pad_bits_do_not_pass() {
    let request = Request::decode(&[1, 0, 0, 0, 3]).unwrap();
    let reply = Reply::decode(&request, &[1, 1, 0b1111_1101]).unwrap();
    assert_eq!(reply.encode(&request).as_bytes(), [1, 1, 0b0000_0101]);
    let Reply::Normal(Response::ReadCoils(coils)) = reply else {
        panic!("{reply:?}");
    };
    assert!(coils.iter().eq([true, false, true]));
}
