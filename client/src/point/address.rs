//! Addresses as people write them.

use interlock_protocols::modbus::{Address, Table};

use super::table_of;
use crate::failure::{Failure, Kind};

/// `holding:100`, `holding:100:4`, `40101`, `40101:4`, `400101`; `None` where it is no address at
/// all.
pub(super) fn parse(text: &str) -> Result<Option<(Table, Address, u16)>, Failure> {
    let wrong = |next: &str| {
        Err(Failure::new(
            Kind::Usage,
            format!("`{text}` is no address"),
            next,
        ))
    };
    let mut parts = text.split(':');
    let head = parts.next().unwrap_or_default();
    let (place, count) = if let Some(table) = Table::from_name(head) {
        let Some(offset) = parts.next().and_then(|offset| offset.parse().ok()) else {
            return wrong("write the table, a colon, and an offset from 0 to 65535: holding:100");
        };
        ((table, Address::new(offset)), parts.next())
    } else if !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_digit()) {
        let Some(place) = modicon(head) else {
            return wrong(
                "this form has five or six digits and counts from 1: 40101 or 400101 is holding:100",
            );
        };
        (place, parts.next())
    } else {
        return Ok(None);
    };
    let count = count.map_or(Some(1), |count| count.parse().ok());
    match (count, parts.next()) {
        (Some(count), None) if count > 0 => Ok(Some((place.0, place.1, count))),
        _ => wrong("how many is a number from 1 on, after a colon: holding:100:4"),
    }
}

/// The Modicon form: the digit of the table, then the address counted from 1.
fn modicon(digits: &str) -> Option<(Table, Address)> {
    if !matches!(digits.len(), 5 | 6) {
        return None;
    }
    let (table, number) = digits.split_at_checked(1)?;
    let table = table_of(table.parse().ok()?)?;
    let number: u32 = number.parse().ok()?;
    let offset = u16::try_from(number.checked_sub(1)?).ok()?;
    Some((table, Address::new(offset)))
}
