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
/// Longest journal record in bytes: one record must fit in one conduit frame. The largest event
/// is a write of 1,968 named coils; where their names do not fit, the command is refused.
pub const RECORD_MAX_BYTES: usize = CONDUIT_FRAME_MAX_BYTES;
