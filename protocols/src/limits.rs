//! Every bound of the byte formats, with its unit and its reason.

/// Longest PDU in bytes: RS-485 ADU of 256 less address (1) and CRC (2); V1.1b3 §4.1.
pub const PDU_MAX_BYTES: usize = 253;
/// Length of the MBAP header in bytes; Messaging on TCP/IP V1.0b §3.1.3.
pub const MBAP_BYTES: usize = 7;
/// Longest TCP ADU in bytes: header and PDU.
pub const TCP_ADU_MAX_BYTES: usize = 260;
/// Longest RTU ADU in bytes: unit id, PDU, CRC; Serial Line V1.02 §2.5.1.
pub const RTU_ADU_MAX_BYTES: usize = 256;

/// Longest body of one conduit frame in bytes. A peer that has shown a certificate makes us
/// hold this much for each stream; the longest message, a device and its points, is cut into
/// several frames, so nothing needs more.
pub const CONDUIT_FRAME_MAX_BYTES: usize = 65_536;
/// Bytes of points that the edge puts in one frame; the rest of the frame is for the device's own
/// texts.
pub const CONDUIT_POINTS_MAX_BYTES: usize = 32_768;
/// Longest journal record in bytes: one record, and why it is shown, must fit in one conduit
/// frame. The largest event is a write of 1,968 named coils; where their names do not fit, the
/// command is refused.
pub const RECORD_MAX_BYTES: usize = CONDUIT_FRAME_MAX_BYTES - 64;

/// Most coils or discrete inputs in one read; V1.1b3 §6.1, §6.2.
pub const READ_BITS_MAX: u16 = 2_000;
/// Most registers in one read; V1.1b3 §6.3, §6.4, §6.17.
pub const READ_REGISTERS_MAX: u16 = 125;
/// Most coils in one write; V1.1b3 §6.11.
pub const WRITE_COILS_MAX: u16 = 1_968;
/// Most registers in one write; V1.1b3 §6.12.
pub const WRITE_REGISTERS_MAX: u16 = 123;
/// Most registers written by function 23, whose request also names the range to read; §6.17.
pub const READ_WRITE_REGISTERS_MAX: u16 = 121;
/// Most values in the reply of a FIFO queue; V1.1b3 §6.18.
pub const FIFO_VALUES_MAX: usize = 31;
/// Most events in the reply of the comm event log; V1.1b3 §6.10.
pub const EVENT_LOG_MAX: usize = 64;
/// Shortest and longest list of records to read, in bytes: 1 to 35 groups of 7; V1.1b3 §6.14.
pub const FILE_READ_BYTES: core::ops::RangeInclusive<usize> = 7..=245;
/// Shortest and longest list of records to write, in bytes; V1.1b3 §6.15.
pub const FILE_WRITE_BYTES: core::ops::RangeInclusive<usize> = 9..=251;
/// Records in one file, numbered from 0; V1.1b3 §6.14.
pub const FILE_RECORDS: u32 = 10_000;
/// Most bytes that a loopback (function 8, sub-function 0) carries: what a PDU leaves after
/// function and sub-function, and an even number.
pub const LOOPBACK_MAX_BYTES: usize = 250;

// What the encoder relies on: the longest PDU of every function fits. Nothing here can be wrong
// at run time.
const _: () = {
    assert!(2 + 2 * 125 <= PDU_MAX_BYTES, "a full read of registers");
    assert!(2 + 2_000 / 8 <= PDU_MAX_BYTES, "a full read of bits");
    assert!(6 + 1_968 / 8 <= PDU_MAX_BYTES, "a full write of coils");
    assert!(6 + 2 * 123 <= PDU_MAX_BYTES, "a full write of registers");
    assert!(10 + 2 * 121 <= PDU_MAX_BYTES, "a full read and write");
    assert!(5 + 2 * FIFO_VALUES_MAX <= PDU_MAX_BYTES, "a full queue");
    assert!(8 + EVENT_LOG_MAX <= PDU_MAX_BYTES, "a full event log");
    assert!(2 + *FILE_READ_BYTES.end() <= PDU_MAX_BYTES);
    assert!(2 + *FILE_WRITE_BYTES.end() <= PDU_MAX_BYTES);
    assert!(3 + LOOPBACK_MAX_BYTES <= PDU_MAX_BYTES);
};

/// Longest name of a site in a document of the site root, in bytes.
pub const ROOT_SITE_MAX_BYTES: usize = 64;
/// Longest content of a document of the site root, in bytes: a hundred approvers. A write guard
/// reads it from a memory of some KiB.
pub const ROOT_BODY_MAX_BYTES: usize = 16_384;
/// Most approvers of a site: a list that nobody can look through says nothing.
pub const APPROVERS_MAX: usize = 100;

/// Longest grant in bytes, signatures included: a write guard holds a few of them at a time.
pub const GRANT_MAX_BYTES: usize = 8_192;
/// Most approvers that one grant names: those of one list who may approve it.
pub const GRANT_APPROVERS_MAX: usize = 32;
/// Most points of one grant: an approver reads each of them.
pub const GRANT_POINTS_MAX: usize = 64;
/// Most spans of one grant: a weekly window for a year.
pub const GRANT_SPANS_MAX: usize = 53;
/// Longest span in seconds: a week. What takes longer is asked for again.
pub const GRANT_SPAN_MAX_S: u32 = 7 * 86_400;
/// Longest time for which a sealed grant may lie in its envelope, in seconds: two years. Somebody
/// should look at it, and at who has it, now and then.
pub const GRANT_SEALED_MAX_S: u32 = 2 * 366 * 86_400;
/// Longest time for which break-glass stays open, in seconds: a day. An emergency that takes longer
/// has time for people to approve a window.
pub const GRANT_OPEN_MAX_S: u32 = 86_400;
