//! How long a PDU is, told from its first bytes. A serial line has no length field, and the
//! silence between frames cannot be timed well enough on a machine with an operating system.

/// What the bytes so far say about the length of their PDU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// So many bytes in all.
    Exactly(usize),
    /// The bytes that say so are still to come.
    Undecided,
    /// Nothing in it says so: only silence ends it.
    UntilIdle,
}

/// The length of a request, told from its beginning.
pub fn request_length(pdu: &[u8]) -> Length {
    let Some(&function) = pdu.first() else {
        return Length::Undecided;
    };
    match function {
        1..=6 => Length::Exactly(5),
        7 | 11 | 12 | 17 => Length::Exactly(1),
        8 => diagnostics(pdu),
        15 | 16 => counted(pdu, 5),
        20 | 21 => counted(pdu, 1),
        22 => Length::Exactly(7),
        23 => counted(pdu, 9),
        24 => Length::Exactly(3),
        43 => match pdu.get(1) {
            None => Length::Undecided,
            Some(14) => Length::Exactly(4),
            Some(_) => Length::UntilIdle,
        },
        _ => Length::UntilIdle,
    }
}

/// The length of a reply, told from its beginning.
pub fn reply_length(pdu: &[u8]) -> Length {
    let Some(&function) = pdu.first() else {
        return Length::Undecided;
    };
    match function {
        0x80.. => Length::Exactly(2),
        1..=4 | 12 | 17 | 20 | 21 | 23 => counted(pdu, 1),
        5 | 6 | 11 | 15 | 16 => Length::Exactly(5),
        7 => Length::Exactly(2),
        8 => diagnostics(pdu),
        22 => Length::Exactly(7),
        24 => match pdu {
            &[_, high, low, ..] => {
                Length::Exactly(usize::from(u16::from_be_bytes([high, low])).saturating_add(3))
            }
            _ => Length::Undecided,
        },
        43 => identification(pdu),
        _ => Length::UntilIdle,
    }
}

/// A byte count at this place, and as many bytes behind it.
fn counted(pdu: &[u8], place: usize) -> Length {
    match pdu.get(place) {
        Some(&count) => Length::Exactly(place.saturating_add(1).saturating_add(usize::from(count))),
        None => Length::Undecided,
    }
}

/// Only the loopback has no length of its own.
fn diagnostics(pdu: &[u8]) -> Length {
    match pdu {
        [_, 0, 0, ..] => Length::UntilIdle,
        [_, _, _, ..] => Length::Exactly(5),
        _ => Length::Undecided,
    }
}

/// Adds the objects up, each with a length of its own.
fn identification(pdu: &[u8]) -> Length {
    let &[_, mei, ref rest @ ..] = pdu else {
        return Length::Undecided;
    };
    if mei != 14 {
        return Length::UntilIdle;
    }
    let &[_, _, _, _, objects, ref list @ ..] = rest else {
        return Length::Undecided;
    };
    let mut total: usize = 7;
    let mut list = list;
    for _ in 0..objects {
        let &[_, length, ref behind @ ..] = list else {
            return Length::Undecided;
        };
        let length = usize::from(length);
        total = total.saturating_add(2).saturating_add(length);
        list = behind.get(length..).unwrap_or_default();
    }
    Length::Exactly(total)
}
