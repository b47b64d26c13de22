//! An ECDSA signature as tokens give it, and as certificates and statements carry it.

use super::TokenFault;

/// Bytes of one number of a P-256 signature.
const HALF: usize = 32;

/// `r || s` of a fixed length (PKCS#11 §6.3.1) as `SEQUENCE { INTEGER r, INTEGER s }` (RFC 3279
/// §2.2.3). DER has one spelling: no leading zeros but the one that keeps a number positive.
pub(super) fn der(raw: &[u8]) -> Result<Vec<u8>, TokenFault> {
    let broken = || TokenFault::Failed {
        doing: "signing",
        why: format!("it gave a signature of {} bytes that is none", raw.len()),
    };
    let (r, s) = raw
        .split_at_checked(HALF)
        .filter(|(_, s)| s.len() == HALF)
        .ok_or_else(broken)?;
    let mut body = Vec::with_capacity(2 * (HALF + 3));
    for number in [r, s] {
        let first = number.iter().position(|&byte| byte != 0);
        let digits = first
            .and_then(|first| number.get(first..))
            .ok_or_else(broken)?;
        let sign = digits.first().is_some_and(|&byte| byte >= 0x80);
        // At most 33, and the two together at most 70: one byte holds each length.
        let length = digits.len() + usize::from(sign);
        body.extend([0x02, u8::try_from(length).map_err(|_| broken())?]);
        body.extend(sign.then_some(0));
        body.extend_from_slice(digits);
    }
    let mut der = vec![0x30, u8::try_from(body.len()).map_err(|_| broken())?];
    der.append(&mut body);
    Ok(der)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        UnparsedPublicKey,
    };
    use proptest::prelude::*;
    use x509_parser::der_parser::parse_der;

    #[test]
    fn what_another_library_signs_in_the_raw_form_it_verifies_in_der() {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref());
        // Enough that numbers with a first bit, and with a zero byte in front, occur.
        for round in 0..2_000_u32 {
            let message = round.to_be_bytes();
            let raw = key.sign(&SystemRandom::new(), &message).unwrap();
            let der = der(raw.as_ref()).unwrap();
            public.verify(&message, &der).unwrap();
            assert!(public.verify(b"another", &der).is_err());
        }
    }

    #[test]
    fn the_numbers_have_one_spelling() {
        let mut raw = [0; 64];
        (raw[31], raw[63]) = (0x7F, 0x80);
        assert_eq!(
            der(&raw).unwrap(),
            [0x30, 7, 0x02, 1, 0x7F, 0x02, 2, 0x00, 0x80]
        );
        let longest = der(&[0xFF; 64]).unwrap();
        assert_eq!(longest.len(), 72);
        assert_eq!(longest[..5], [0x30, 70, 0x02, 33, 0x00]);
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let mut zero_s = [1; 64];
        zero_s[32..].fill(0);
        for raw in [
            &[][..],
            &[1; 63],
            &[1; 65],
            &[1; 96],
            &[1; 32],
            &[0; 64],
            &zero_s,
        ] {
            assert!(der(raw).is_err(), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn every_pair_of_numbers_is_read_back_as_it_was(raw in proptest::array::uniform32(any::<u8>()),
                                                        s in proptest::array::uniform32(any::<u8>()),
                                                        zeros in 0..31_usize) {
            let mut r = raw;
            r[..zeros].fill(0);
            r[31] |= 1;
            let both = [&r[..], &s[..]].concat();
            prop_assume!(s.iter().any(|byte| *byte != 0));
            let der = der(&both).unwrap();
            let (rest, read) = parse_der(&der).unwrap();
            prop_assert!(rest.is_empty());
            let numbers = read.as_sequence().unwrap();
            prop_assert_eq!(numbers.len(), 2);
            for (number, wanted) in numbers.iter().zip([&r[..], &s[..]]) {
                let read = number.as_slice().unwrap();
                let mut padded = vec![0; 33 - read.len()];
                padded.extend_from_slice(read);
                prop_assert_eq!(&padded[1..], wanted);
                prop_assert!(read.len() == 1 || read[0] != 0 || read[1] >= 0x80);
            }
        }
    }
}
