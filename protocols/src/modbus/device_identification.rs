//! Function 43 with MEI type 14, read device identification; V1.1b3 §6.21. Every other MEI type
//! is an unknown function to us: type 13 tunnels a bus that we cannot judge.

use super::{Malformed, Pdu};

/// Which objects are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdentificationCode {
    /// 1: the three mandatory objects.
    Basic,
    /// 2: also the standard ones.
    Regular,
    /// 3: also the private ones.
    Extended,
    /// 4: one object alone.
    Individual,
}

impl IdentificationCode {
    /// The byte on the wire.
    pub const fn code(self) -> u8 {
        match self {
            IdentificationCode::Basic => 1,
            IdentificationCode::Regular => 2,
            IdentificationCode::Extended => 3,
            IdentificationCode::Individual => 4,
        }
    }

    /// `None` for a code that the standard does not know.
    pub const fn from_code(code: u8) -> Option<IdentificationCode> {
        match code {
            1 => Some(IdentificationCode::Basic),
            2 => Some(IdentificationCode::Regular),
            3 => Some(IdentificationCode::Extended),
            4 => Some(IdentificationCode::Individual),
            _ => None,
        }
    }
}

/// An object of the identification: 0 to 6 have a name, 0x80 to 0xFF are the maker's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectId(u8);

impl ObjectId {
    /// `None` for the ids that the standard reserves, 0x07 to 0x7F.
    pub const fn new(id: u8) -> Option<ObjectId> {
        if matches!(id, 0x07..=0x7F) {
            None
        } else {
            Some(ObjectId(id))
        }
    }

    /// The byte on the wire.
    pub const fn value(self) -> u8 {
        self.0
    }
}

pub(super) const FUNCTION: u8 = 43;
pub(super) const MEI: u8 = 14;

/// `body` is what follows the function code.
pub(super) fn decode(body: &[u8]) -> Result<(IdentificationCode, ObjectId), Malformed> {
    match *body {
        [] => Err(Malformed::Structure("no MEI type")),
        [MEI, code, object] => {
            // The standard has the object judged before the code.
            let object = ObjectId::new(object).ok_or(Malformed::Address)?;
            let code = IdentificationCode::from_code(code)
                .ok_or(Malformed::Structure("the identification code is 1 to 4"))?;
            Ok((code, object))
        }
        [MEI, ..] => Err(Malformed::Structure(
            "read device identification is exactly 4 bytes",
        )),
        _ => Err(Malformed::UnknownFunction(FUNCTION)),
    }
}

pub(super) fn encode(pdu: &mut Pdu, code: IdentificationCode, object: ObjectId) {
    pdu.put(&[MEI, code.code(), object.0]);
}
