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

/// Points of one write whose values before are told: a full write of registers has 123. A write of
/// 1,968 coils is long enough as it is, and its record must still be one that can be written.
pub const BEFORE_POINTS_MAX: usize = 128;

/// How often one and the same denial is recorded in full before it is only counted.
pub const DENIALS_RECORDED_EACH: u32 = 10;

/// Points, and rules, that the record of one denial names: what was refused may have touched 2,000
/// of them, which would make the record too long to be written at all.
pub const DENIAL_NAMES_MAX: usize = 16;

/// Denials of one subject recorded in full in a row, over all its sessions; afterwards one a
/// second. What a person does by mistake is far below, and a scanner is seen as one long before.
pub const DENIALS_AT_ONCE: u32 = 640;

/// Readings of the journal that one subject may begin in a row; afterwards one a second. Each is a
/// record, and whoever may read the log must not be able to fill it.
pub const READINGS_AT_ONCE: u32 = 120;

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

/// After many were answered at once, how long the next flush waits for them to come again, and
/// how many count as many: about one flush of a quick disk, which those who come would else wait
/// for in vain.
pub const JOURNAL_GATHER: Duration = Duration::from_micros(100);
/// See [`JOURNAL_GATHER`].
pub const JOURNAL_GATHER_MIN: usize = 8;

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

// The tree over the journal

/// Hashes in a full tile: C2SP's tlog-tiles fixes it.
pub const TREE_TILE_HASHES: usize = 256;

/// Most records that a journal's own tree may have. Far beyond any journal, and small enough that no
/// position in the tree overflows: a size comes from files that anybody may have written.
pub const TREE_MAX_RECORDS: u64 = 1 << 48;

/// Records that are read at once to be hashed: a few hundred kilobytes.
pub const TREE_BATCH_RECORDS: usize = 1024;

/// Longest time from a record to the checkpoint that covers it, while the notary runs.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Records that are covered sooner: these many at most could be cut without a trace by somebody who
/// takes the gateway (and more where they come faster than the notary is called).
pub const CHECKPOINT_AFTER_RECORDS: u64 = 1000;

/// Longest life of a key that signs checkpoints. What it signed cannot be signed anew by whoever
/// takes the gateway after that.
pub const EPOCH_MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// Longest checkpoint, in bytes: its text, two signatures of its own, and those of many witnesses.
/// It has to fit a record.
pub const CHECKPOINT_MAX_BYTES: usize = 16 << 10;

/// Longest file of a tree, in bytes, whatever its name: a full tile has 8 KiB, a checkpoint 16.
pub const TREE_FILE_MAX_BYTES: u64 = 32 << 10;

/// How many records a checkpoint may stand behind the last one it covers. What waits for the
/// disk between the two is bounded by the queue, far below.
pub const CHECKPOINT_BEHIND_MAX_RECORDS: u64 = 65_536;

/// Longest file of a proof, in bytes: two records, two times 48 hashes, two checkpoints.
pub const PROOF_MAX_BYTES: usize = 512 << 10;

/// Longest name of a key that signs or cosigns checkpoints, in bytes: a site, a gateway, and the
/// words between them, with room for a domain name.
pub const KEY_NAME_MAX_BYTES: usize = 192;

/// Most records that a tree may have. Twice as many would not fit the signed numbers of other
/// programs, and no gateway writes them in its life.
pub const TREE_SIZE_MAX: u64 = i64::MAX as u64;

/// Most hashes of a consistency proof, as C2SP has it: two trees of any sizes need no more.
pub const CONSISTENCY_PROOF_MAX: usize = 63;

/// Longest body of a request to a witness, in bytes: a proof of 63 hashes takes 2,835, the rest is
/// for signatures of others on the checkpoint.
pub const WITNESS_REQUEST_MAX_BYTES: usize = 32 * 1024;

/// Longest reason that an administrator may give with an act, in bytes: some sentences.
pub const ACT_REASON_MAX_BYTES: usize = 1024;

/// How long ago a person may have shown that they are there, for acts that take one: time to read
/// what they decide on, and not to leave the desk.
pub const PRESENCE_FRESH_MAX: Duration = Duration::from_secs(5 * 60);

/// Sessions, and open commands, that the record of one restriction lists: twice what a gateway
/// serves at once, and few enough that the record can always be written.
pub const RESTRICTED_LISTED_MAX: usize = 2048;

// The view of the journal, and searching it.

/// First read at the place of a record, in bytes: nearly every record is whole in it.
pub const JOURNAL_POINT_READ_BYTES: usize = 1024;

/// Segments that one search holds open: a match, its outcome and its session may each be in
/// another one.
pub const JOURNAL_POINT_SEGMENTS: usize = 4;

/// Memory that the view may take for pages, in bytes.
pub const VIEW_CACHE_BYTES: u64 = 16 << 20;

/// Longest value in the view, in bytes. Longer ones would be kept in files of their own, which
/// are never flushed. The longest is a bitmap of 8 KiB and little more.
pub const VIEW_VALUE_MAX_BYTES: usize = 12 << 10;

/// Records taken up between two writes of the view. Few, and a flash card wears from writing
/// the same pages again; many, and they must be read again after a crash.
pub const VIEW_WRITE_RECORDS: usize = 8192;

/// Entries changed between two writes of the view: what bounds its memory.
pub const VIEW_WRITE_ENTRIES: usize = 32_768;

/// Records read at once while the view catches up: some MiB at most of ordinary records.
pub const VIEW_READ_RECORDS: usize = 2048;

/// Chunks of 65,536 records that one page of a search looks at: some milliseconds, for which
/// the view takes up no new record.
pub const VIEW_CHUNKS_AT_ONCE: usize = 64;

/// Sessions forgotten with each chunk that was removed: at least one record was written for
/// each, so no more can have been opened in it.
pub const VIEW_SESSIONS_SWEPT: usize = 65_536;

/// How long opening the view may take before it is thrown away, once its size is accounted for:
/// a damaged one may keep its library busy for ever.
pub const VIEW_OPEN_MAX: Duration = Duration::from_secs(60);

/// Longest description of a search in its record, in bytes.
pub const FILTER_WORDS_MAX_BYTES: usize = 512;

/// Pause before the view is opened once more, while the library has not quite closed it.
pub const VIEW_LOCK_PAUSE: Duration = Duration::from_millis(5);

/// How often that is tried: five seconds in all.
pub const VIEW_LOCK_TRIES: usize = 1000;

// The health of machines

/// How long a report holds unless the configuration says otherwise: a laptop that was closed, or
/// whose firewall was turned off, keeps its rights for no longer.
pub const POSTURE_LEASE: Duration = Duration::from_secs(10 * 60);

/// How old the statement of a management server may be unless the configuration says otherwise:
/// most look at a machine once a day or more often.
pub const POSTURE_MANAGEMENT_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How far the clock of whoever looked may be ahead of the gateway's. Where both ask the same
/// servers for the time they are together within milliseconds.
pub const POSTURE_SKEW: Duration = Duration::from_secs(60);

/// Machines of which the time of the latest statement is kept: more than a plant has, in 40 bytes
/// each.
pub const POSTURE_MACHINES_MAX: usize = 16_384;

/// Longest name and version of an operating system in a report, in bytes: it is for people, and
/// goes into a record.
pub const POSTURE_OS_MAX_BYTES: usize = 128;
// Keys in tokens

/// Longest label of a token or of a key in it, in bytes. A token's own is 32 by PKCS#11; keys are
/// given no more than twice that.
pub const TOKEN_TEXT_MAX_BYTES: usize = 64;

/// Longest path of a module inside a URI, in bytes: the longest that Linux opens.
pub const TOKEN_PATH_MAX_BYTES: usize = 4096;

/// Longest `CKA_ID`, in bytes: what cards and modules make is a hash or shorter.
pub const TOKEN_ID_MAX_BYTES: usize = 64;

/// Bytes of the `CKA_ID` that a new key is given: chance alone never makes two equal.
pub const TOKEN_NEW_ID_BYTES: usize = 16;

// Identities

/// Machines of one subject: a person has a few. Past that, the one not used for longest goes.
pub const MACHINES_PER_SUBJECT_MAX: usize = 16;

/// Subjects on machines that one gateway knows: some MiB. Past that, who was not there for longest
/// goes and must be invited again.
pub const IDENTITIES_MAX: usize = 4096;

/// Certificates of one identity that are remembered, so that a copy which goes on from an old one
/// is noticed: some weeks of a program that renews itself in good order.
pub const CERTIFICATES_KEPT_MAX: usize = 32;

/// Invitations that may be used or wait to be confirmed at once. Each keeps a door open.
pub const INVITATIONS_OPEN_MAX: usize = 64;

/// Invitations that are remembered, whatever became of them.
pub const INVITATIONS_KEPT_MAX: usize = 1024;

/// How long an invitation is remembered after its time, in ms: whoever comes a day late is told that
/// it is late, and not that it never was.
pub const INVITATIONS_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Subjects whose use of devices is remembered, and devices of each.
pub const USERS_MAX: usize = 4096;
/// See [`USERS_MAX`].
pub const USED_DEVICES_MAX: usize = 256;

/// Bytes of the register in one record: a part with the longest entry behind it still fits.
pub const REGISTER_PART_BYTES: usize = 48 << 10;

/// Parts of the register that wait for the disk at once: less than half of what may wait there.
pub const REGISTER_PARTS_AT_ONCE: usize = 8;

/// Days without use after which an identity is flagged, unless configured: a quarter.
pub const UNUSED_DAYS: u32 = 90;

/// How long after somebody last showed that they are there they may renew without, in ms: a long
/// shift.
pub const PRESENCE_LASTS_MS: i64 = 12 * 60 * 60 * 1000;

/// For how long an invitation may be valid, in seconds: a minute, to a week of holidays.
pub const INVITATION_VALID_S: std::ops::RangeInclusive<u32> = 60..=7 * 24 * 60 * 60;

/// Groups of one invitation.
pub const INVITED_GROUPS_MAX: usize = 16;

/// Longest name of a machine, in bytes: a host name's label.
pub const MACHINE_NAME_MAX_BYTES: usize = 63;

/// Certificates of one identity in [`ISSUED_AT_ONCE_MS`]: above what tries and lost answers take.
/// Each is a record.
pub const ISSUED_AT_ONCE: usize = 8;
/// See [`ISSUED_AT_ONCE`], in ms.
pub const ISSUED_AT_ONCE_MS: i64 = 60 * 1000;

/// How long after an enrolment the door stays open for the same keys, in ms: who lost the answer
/// asks again soon.
pub const ANSWER_LOST_MS: i64 = 10 * 60 * 1000;

/// Certificates that are held for those whose answer was lost: about a kilobyte each.
pub const ISSUED_RECENT_MAX: usize = 64;

/// Lines that say what one identity may do, or never did: two such lists fit a frame of the conduit.
pub const IDENTITY_LINES_MAX: usize = 256;

// Whom to trust, and for how long.

/// Longest role in a certificate, in bytes: a word or two. Its length fits one byte of DER.
pub const ROLE_MAX_BYTES: usize = 64;

/// How long a session may be without a command, unless configured: a meeting, and not a night.
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);

/// How long a session may last in all, unless configured: a long shift.
pub const SESSION_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// How long before a certificate or a session ends its owner is warned.
pub const SESSION_WARNINGS: [Duration; 3] = [
    Duration::from_secs(15 * 60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(60),
];

/// How long before an idle session ends its owner is warned: enough for one command.
pub const IDLE_WARNING: Duration = Duration::from_secs(60);

// Time.

/// How far the system's clock may be from what is counted before it is in doubt: whoever sets a
/// clock by hand, or by a network that was away, is past it; what a time service corrects in
/// service is far below.
pub const CLOCK_JUMP_MAX: Duration = Duration::from_secs(60);

/// How often the count follows the system's clock.
pub const CLOCK_SLEW_EVERY: Duration = Duration::from_secs(1);

/// By which part of the elapsed time the count follows: a thousandth is more than any quartz is
/// off, and moves a day by less than a minute and a half.
pub const CLOCK_SLEW_PARTS: i64 = 1000;

/// 2026-01-01 UTC, in ms since 1970: no gateway ran this program before. A clock that shows less
/// was never set.
pub const CLOCK_UNSET_BEFORE_MS: i64 = 1_767_225_600_000;

/// Longest join line, in bytes: two names of a host at their longest, and what is of fixed length.
pub const JOIN_LINE_MAX_BYTES: usize = 640;

/// Most maintenance windows in the register: with their grants some 10 MiB. Those that are decided
/// leave it first, and stay in the journal.
pub const WINDOWS_KEPT_MAX: usize = 4_096;
/// Most windows of one subject that wait or hold: who asks for more is not asking for work.
pub const WINDOWS_PER_SUBJECT_MAX: usize = 32;
/// Most windows that one subject asks for within a day, whatever became of them: each is some
/// kilobytes in the journal, and one that was taken back makes room for the next at once.
pub const WINDOWS_PER_DAY_MAX: usize = 100;
/// Longest that a request may wait to be approved, in seconds: 14 days.
pub const WINDOW_WAITS_MAX_S: u32 = 14 * 86_400;
/// How far ahead a window may reach: 400 days, so that a weekly one fits a year.
pub const WINDOW_AHEAD_MAX: Duration = Duration::from_secs(400 * 86_400);
/// Longest certificate of a vendor whose window is open, in ms: 12 hours, a long shift.
pub const CERTIFICATE_IN_WINDOW_MAX_MS: i64 = 12 * 3_600_000;
/// Youngest approver: who was made one a moment ago was perhaps made one for this.
pub const APPROVER_AGE_MIN: Duration = Duration::from_secs(24 * 3_600);
/// A supervisor who acknowledged nothing for so long does not watch.
pub const SUPERVISOR_SILENT_MAX: Duration = Duration::from_secs(3);
/// A supervisor who has so many messages before them does not watch.
pub const SUPERVISOR_BEHIND_MAX: u64 = 5;
/// For how long a held command waits for a yes, and a yes for its command.
pub const HOLD_SERVES: Duration = Duration::from_secs(60);
/// Most commands that are held at once, over all devices: each takes memory for a stranger's bytes.
pub const HOLDS_MAX: usize = 64;
/// Of them for one session: who asks for more does not wait for anybody.
pub const HOLDS_PER_SESSION_MAX: usize = 8;
/// For how long a session alone may write without writing.
pub const WRITER_LEASE: Duration = Duration::from_secs(30);
/// Most streams that watch at once: each command is told to all of them.
pub const WATCHES_MAX: usize = 32;
/// Of them for one subject: some sessions beside each other, and places left for others.
pub const WATCHES_PER_SUBJECT_MAX: usize = 8;
/// Most commands that wait for one who watches; further ones are left out, and that is told.
pub const WATCH_QUEUE_MAX: usize = 256;
/// Grants whose signatures are known to be good, so that they need not be verified again: some
/// kilobytes each. Beyond it all are forgotten, and verified again.
pub const GRANTS_BELIEVED_MAX: usize = 1_024;
/// For how long a key switch that was read as on still counts as on: ten readings. Whatever reads it
/// may hang, and nothing rests on what it said before.
pub const KEY_SWITCH_SILENT_MAX: Duration = Duration::from_secs(1);
/// How long the record of break-glass may take to come to the disk. Behind that whoever asked was
/// told to use the local panel, and it must not open behind their back.
pub const BREAK_GLASS_RECORD_MAX: Duration = Duration::from_secs(5);
/// Announcements that wait until a session is told: it is told each second.
pub const ANNOUNCEMENTS_WAITING_MAX: usize = 16;
/// Steps of windows that wait until a session is told: it is told each second.
pub const STEPS_WAITING_MAX: usize = 32;
/// Windows in one answer, the latest: more than anybody looks through. The journal has all.
pub const WINDOWS_LISTED_MAX: usize = 256;
