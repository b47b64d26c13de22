//! Every bound of the broker, with its unit and its reason.

use std::time::Duration;

/// Requests outstanding on one conversation before the next is answered 06. Messaging on TCP/IP
/// V1.0b §4.2.1 names 1 to 16 as what a server should expect.
pub const OUTSTANDING_MAX: usize = 16;

/// Bytes of a loopback (function 8, sub-function 0) towards a serial line. The shortest command with
/// effect has 6 there, and a CRC of 2 that the loopback's own may be made to match.
pub const SERIAL_LOOPBACK_MAX_BYTES: usize = 4;

/// Longest name of a site, zone, device, point or limit set, in bytes: it must fit a column on a
/// screen and a line of a record.
pub const NAME_MAX_BYTES: usize = 64;

/// Longest file of a policy, in bytes: some ten thousand rules.
pub const POLICY_MAX_BYTES: u64 = 4 << 20;

/// How often one and the same denial is recorded in full before it is only counted.
pub const DENIALS_RECORDED_EACH: u32 = 10;

/// Points, and rules, that the record of one denial names: what was refused may have touched 2,000
/// of them, which would make the record too long to be written at all.
pub const DENIAL_NAMES_MAX: usize = 16;

/// Denials of one subject recorded in full in a row, over all its sessions; afterwards one a
/// second. What a person does by mistake is far below, and a scanner is seen as one long before.
pub const DENIALS_AT_ONCE: u32 = 640;

/// Sessions that one subject may open in a row; afterwards one a second. Scripts that start the
/// one-command client are below.
pub const SESSIONS_AT_ONCE: u32 = 120;

/// Distinct denials of one session counted apart within one summary; what is past that is
/// counted together, so that a scan over 65,536 addresses costs the journal a bounded amount.
pub const DENIAL_KEYS_MAX: usize = 64;

/// Distinct reads of one session counted apart within one summary; what is past that is counted
/// by device, unit and function alone, so that no reader writes a record for each read.
pub const READ_KEYS_MAX: usize = 256;

/// Longest time between two summaries of denials.
pub const DENIAL_SUMMARY_EVERY: Duration = Duration::from_secs(1);

/// Longest time between two summaries of reads (I4).
pub const READ_SUMMARY_EVERY: Duration = Duration::from_secs(60);

/// What a disk writes whole or not at all, in bytes. Every group of records begins on such a
/// boundary, so that no write ever touches a sector that already holds something durable.
pub const JOURNAL_SECTOR_BYTES: u64 = 512;

/// Size of one journal segment. Filling it with zeros takes a second on a slow flash card and
/// happens once in some hundred thousand commands.
pub const JOURNAL_SEGMENT_BYTES: u64 = 64 << 20;

/// Smallest segment: its head, one longest record and their padding, with room to spare.
pub const JOURNAL_SEGMENT_MIN_BYTES: u64 = 128 << 10;

/// Most bytes in one group commit: above this a flush is bound by the disk's throughput, and
/// those behind it would wait longer for nothing.
pub const JOURNAL_GROUP_MAX_BYTES: usize = 1 << 20;

/// Longest time that a record nobody waits for stays in memory alone. It is what a power cut
/// may take from the log of denials, and what lets a result share the flush of the next intent.
pub const JOURNAL_LINGER: Duration = Duration::from_millis(200);

/// Records of one kind (effects, acts, tellings) that may wait for the disk. Far above what one
/// flush takes with all sessions busy: reaching it means that the disk hangs.
pub const JOURNAL_QUEUE_MAX_RECORDS: usize = 4096;

/// Bytes of one kind that may wait for the disk: memory that a hanging disk may cost.
pub const JOURNAL_QUEUE_MAX_BYTES: usize = 1 << 20;

/// Intents whose outcome is open. Each has a place for its outcome in the queue, whatever else
/// waits there; more than a plant's links can have in flight means that outcomes got lost.
pub const JOURNAL_OPEN_INTENTS_MAX: usize = 4096;

/// Share of the journal's budget, without its reserve, that denials and summaries may take on
/// the disk, in percent. The rest is for what has effect, however many are merely denied.
pub const JOURNAL_TELLINGS_SHARE_PERCENT: u64 = 50;

/// How soon a failed journal is tried again, at first and at most: a short disturbance is to
/// cost little, a long one is to be tried about once a second.
pub const JOURNAL_RETRY_FIRST: Duration = Duration::from_millis(50);
/// See [`JOURNAL_RETRY_FIRST`].
pub const JOURNAL_RETRY_MAX: Duration = Duration::from_secs(1);

/// Longest text about a failure that a record of the journal about itself has, in bytes: it
/// stands in the place of a record that may have been short.
pub const JOURNAL_WHY_MAX_BYTES: usize = 256;

/// Least time that a command may wait in a device's queue: a short timeout for answers says
/// that a device is quick, not that its users are impatient.
pub const QUEUED_MIN: Duration = Duration::from_secs(2);

/// Written points that are named with their values. A write of many coils may have 1,968, and
/// what is said about it must fit a frame of the conduit as well as a screen.
pub const WRITES_SHOWN_MAX: usize = 8;
