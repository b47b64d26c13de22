//! Every bound of the byte formats, with its unit and its reason.

/// Longest PDU in bytes: RS-485 ADU of 256 less address (1) and CRC (2); V1.1b3 §4.1.
pub const PDU_MAX_BYTES: usize = 253;
/// Length of the MBAP header in bytes; Messaging on TCP/IP V1.0b §3.1.3.
pub const MBAP_BYTES: usize = 7;
/// Longest TCP ADU in bytes: header and PDU.
pub const TCP_ADU_MAX_BYTES: usize = 260;
/// Longest RTU ADU in bytes: unit id, PDU, CRC; Serial Line V1.02 §2.5.1.
pub const RTU_ADU_MAX_BYTES: usize = 256;
