//! One message of RFC 5424, and its frame by octet counting (RFC 5425 and RFC 6587).
//!
//! The message text is JSON in ASCII, without a byte order mark. The RFC wants the mark before UTF-8
//! and leaves other texts undeclared; ASCII reads the same in both. rsyslog keeps the mark
//! as the first bytes of the text, and then its JSON parser, and most others, refuse the line.

use interlock_protocols::record::Record;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::context::Origin;
use super::severity::Severity;

/// Facility 13: log audit.
const FACILITY: u8 = 13;
/// The RFC's bound of a host name.
const HOST_MAX_BYTES: usize = 255;
/// The RFC's bound of `sequenceId`, after which it begins again at 1.
const SEQUENCE_ID_MAX: u64 = 2_147_483_647;

/// Longest header: a host name of 255 and at most 200 bytes of all else.
pub(crate) const HEADER_MAX_BYTES: usize = 512;

/// The message of a record with this text, in its frame.
pub(crate) fn frame(origin: &Origin, record: &Record, text: &[u8]) -> Vec<u8> {
    let mut message = header(origin, record).into_bytes();
    message.extend_from_slice(text);
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.append(&mut message);
    frame
}

/// All before the text, with the space that ends it.
fn header(origin: &Origin, record: &Record) -> String {
    let priority = FACILITY * 8 + Severity::of(&record.event).syslog();
    let sequence_id = record.sequence.saturating_sub(1) % SEQUENCE_ID_MAX + 1;
    format!(
        "<{priority}>1 {} {} interlock - {} [meta sequenceId=\"{sequence_id}\"]\
         [origin software=\"interlock-edge\" swVersion=\"{}\"] ",
        timestamp(record.time_ms),
        host(origin.gateway()),
        record.event.name(),
        env!("CARGO_PKG_VERSION"),
    )
}

/// UTC with milliseconds, or the nil value where no calendar has the time.
fn timestamp(time_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(time_ms) else {
        return "-".to_owned();
    };
    let at = at.to_zoned(TimeZone::UTC);
    // Four digits are all that the RFC has.
    if !(0..=9_999).contains(&at.year()) {
        return "-".to_owned();
    }
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Printable ASCII without a space, as the RFC wants it.
fn host(gateway: &str) -> String {
    let printable = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let host: String = gateway
        .chars()
        .map(printable)
        .take(HOST_MAX_BYTES)
        .collect();
    if host.is_empty() {
        "-".to_owned()
    } else {
        host
    }
}

#[cfg(test)]
mod tests;
