//! Function 43 with MEI type 14, read device identification; V1.1b3 §6.21. Every other MEI type
//! is an unknown function to us: type 13 tunnels a bus that we cannot judge.

use super::{Malformed, Mismatch, Pdu};

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

/// The reply: some objects of the identification, and whether there are more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identification<'a> {
    code: IdentificationCode,
    conformity: u8,
    next: Option<u8>,
    count: u8,
    objects: &'a [u8],
}

/// One object of the identification. Its value is text by the standard, and bytes to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Object<'a> {
    /// Which object; the device may use ids that are reserved.
    pub id: u8,
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> Identification<'a> {
    /// `body` is what follows the function code.
    pub(super) fn decode(
        asked: IdentificationCode,
        object: ObjectId,
        body: &'a [u8],
    ) -> Result<Identification<'a>, Mismatch> {
        let &[mei, code, conformity, more, next, count, ref objects @ ..] = body else {
            return Err(Mismatch::Length);
        };
        if mei != MEI || code != asked.code() {
            return Err(Mismatch::Echo);
        }
        if !matches!(conformity, 0x01..=0x03 | 0x81..=0x83) {
            return Err(Mismatch::Field("conformity level"));
        }
        let next = match (more, next) {
            (0x00, 0) => None,
            (0xFF, next) => Some(next),
            _ => return Err(Mismatch::Field("more follows")),
        };
        let reply = Identification {
            code: asked,
            conformity,
            next,
            count,
            objects,
        };
        reply.judge_objects()?;
        let one = reply.iter().map(|o| o.id).eq([object.0]) && next.is_none();
        if asked == IdentificationCode::Individual && !one {
            return Err(Mismatch::Echo);
        }
        Ok(reply)
    }

    /// Exactly as many objects as announced, and nothing behind them.
    fn judge_objects(&self) -> Result<(), Mismatch> {
        let mut rest = self.objects;
        for _ in 0..self.count {
            (_, rest) = cut(rest).ok_or(Mismatch::Length)?;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(Mismatch::Length)
        }
    }

    /// What was asked for.
    pub const fn code(&self) -> IdentificationCode {
        self.code
    }

    /// 1 to 3, and 0x80 more where single objects may be asked for.
    pub const fn conformity(&self) -> u8 {
        self.conformity
    }

    /// The object to ask for next, where not all fitted into this reply.
    pub const fn next(&self) -> Option<u8> {
        self.next
    }

    /// The objects in order.
    pub fn iter(&self) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let mut rest = self.objects;
        core::iter::from_fn(move || {
            let (object, behind) = cut(rest)?;
            rest = behind;
            Some(object)
        })
    }

    pub(super) fn encode(&self, pdu: &mut Pdu) {
        let (more, next) = match self.next {
            Some(next) => (0xFF, next),
            None => (0, 0),
        };
        let code = self.code.code();
        pdu.put(&[MEI, code, self.conformity, more, next, self.count]);
        pdu.put(self.objects);
    }
}

fn cut(bytes: &[u8]) -> Option<(Object<'_>, &[u8])> {
    let (&[id, length], rest) = bytes.split_first_chunk()?;
    let (value, behind) = rest.split_at_checked(usize::from(length))?;
    Some((Object { id, value }, behind))
}
