//! What people ask for, in the words they use. Which record answers is the index's to say.

use interlock_broker::document::did_you_mean;
use interlock_broker::subject::SubjectId;
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::modbus::FunctionCode;

use crate::failure::{Failure, Kind};

/// Whether only records about some session, device or command can match.
pub(super) fn narrows(query: &JournalQuery) -> bool {
    query.subject.is_some()
        || query.device.is_some()
        || query.point.is_some()
        || query.function.is_some()
        || query.decision.is_some()
        || query.session.is_some()
}

/// `person/olga` for `spiffe://waterworks/person/olga`: the site is the same on every line.
pub(super) fn short(subject: &str) -> String {
    SubjectId::parse(subject).map_or_else(|_| subject.to_owned(), |id| id.path().to_owned())
}

/// A function by its number or by the standard's name, however that is written.
pub(super) fn function(text: &str) -> Result<u8, Failure> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    if let Some(code) = number.ok().filter(|code| (1..0x80).contains(code)) {
        return Ok(code);
    }
    let name = text.trim().to_lowercase().replace([' ', '_'], "-");
    let names = FunctionCode::ALL.map(FunctionCode::name);
    let found = FunctionCode::ALL
        .into_iter()
        .find(|code| code.name() == name);
    found.map(FunctionCode::code).ok_or_else(|| {
        let meant = did_you_mean(&name, names).map_or(String::new(), |meant| meant + " ");
        Failure::new(
            Kind::Usage,
            format!("`{text}` is no Modbus function"),
            format!("{meant}write a number from 1 to 127, or a name such as write-single-register"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_by_number_or_name() {
        for (text, code) in [
            ("6", 6),
            ("0x10", 16),
            ("90", 90),
            ("write-single-register", 6),
            ("Write Single Register", 6),
            ("WRITE_MULTIPLE_COILS", 15),
        ] {
            assert_eq!(function(text), Ok(code), "{text}");
        }
        for text in ["0", "128", "0xFF", "", "write"] {
            assert_eq!(function(text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
        let meant = function("write-single-registr").unwrap_err();
        assert!(meant.next().contains("write-single-register"), "{meant}");
    }
}
