//! Every bound of the broker, with its unit and its reason.

use std::time::Duration;

/// Requests outstanding on one conversation before the next is answered 06. Messaging on TCP/IP
/// V1.0b §4.2.1 names 1 to 16 as what a server should expect.
pub const OUTSTANDING_MAX: usize = 16;

/// Longest name of a site, zone, device, point or limit set, in bytes: it must fit a column on a
/// screen and a line of a record.
pub const NAME_MAX_BYTES: usize = 64;

/// How often one and the same denial is recorded in full before it is only counted.
pub const DENIALS_RECORDED_EACH: u32 = 10;

/// Distinct denials of one session counted apart within one summary; what is past that is
/// counted together, so that a scan over 65,536 addresses costs the journal a bounded amount.
pub const DENIAL_KEYS_MAX: usize = 64;

/// Distinct reads of one session counted apart before the summaries are written early.
pub const READ_KEYS_MAX: usize = 256;

/// Longest time between two summaries of denials.
pub const DENIAL_SUMMARY_EVERY: Duration = Duration::from_secs(1);

/// Longest time between two summaries of reads (I4).
pub const READ_SUMMARY_EVERY: Duration = Duration::from_secs(60);
