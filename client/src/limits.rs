//! Every bound of the program of people, with its unit and its reason.

use std::time::Duration;

/// From the first packet to the edge's hello. Two round trips and two lost packets fit.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Parts of one answer: a gateway lists no more than some thousand rows, and each part is far from
/// empty.
pub(crate) const ANSWER_PARTS_MAX: usize = 1_024;
/// Bytes that bind a signature to one connection.
pub(crate) const EXPORTER_BYTES: usize = 32;
/// From asking for a conversation to the edge's answer, which reaches no device.
pub(crate) const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a silent connection shows that it is alive; well inside the idle timeout.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A connection this long without a word is lost.
pub(crate) const IDLE_TIMEOUT_MS: u32 = 30_000;
/// Time to say goodbye in good order before the program ends all the same.
pub(crate) const GOODBYE: Duration = Duration::from_millis(500);

/// Bytes of one stream that may wait here unread. A conversation holds at most 16 replies of
/// 260 bytes, a journal is read as fast as it can be printed.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 65_536;
/// Bytes carried at once in one direction of a conversation: all requests that may be
/// outstanding (16 of 260 bytes) fit.
pub(crate) const CARRY_BYTES: usize = 8_192;
/// Longest wait for a tool that was told the conversation is over to close its end.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Devices that one edge may offer. What is more is refused, so that an edge cannot make us hold
/// an endless list.
pub(crate) const DEVICES_MAX: usize = 1_024;
/// Points of one device that an edge may offer: one for each address of the four tables.
pub(crate) const POINTS_MAX: usize = 4 * 65_536;
/// Notices held while the program waits for something else; older ones are dropped.
pub(crate) const NOTICES_HELD_MAX: usize = 256;

/// Characters of a text that somebody wrote about a window, and approvals of it, that an approver is
/// shown: gateways take no longer texts, and one that says more wants the grant off the screen.
pub(crate) const SAID_MAX_CHARS: usize = 1_024;
/// See [`SAID_MAX_CHARS`].
pub(crate) const APPROVALS_SHOWN_MAX: usize = 8;

/// Steps of windows held while the program waits for something else; all of them were shown.
pub(crate) const STEPS_HELD_MAX: usize = 256;
/// How often whoever waits for a window looks at it without having been told of a step: that one
/// lapsed is nobody's act, and a step may have been told to another session.
pub(crate) const WINDOWS_LOOK_EVERY: Duration = Duration::from_secs(10);

/// Longest line that is read as an answer to a held command, in bytes.
pub(crate) const ANSWER_LINE_MAX_BYTES: u64 = 256;
/// Lines that were typed and not looked at yet.
pub(crate) const ANSWERS_AHEAD_MAX: usize = 16;

/// Tools connected to one device at a time. Ordinary tools open one or two connections; a broken
/// one must not use up the streams of the session.
pub(crate) const TOOLS_EACH_MAX: usize = 8;
/// Pause after an `accept` that failed for want of file handles.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Shortest and longest wait before the next try to reach a lost gateway.
pub(crate) const RETRY_MIN: Duration = Duration::from_secs(1);
/// See [`RETRY_MIN`].
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(30);

/// Minutes before the end of the certificate at which `connect` warns.
pub(crate) const CERTIFICATE_WARNINGS_MIN: [i64; 3] = [15, 5, 1];

/// How often a program looks whether its certificate is due to be renewed.
pub(crate) const RENEWAL_LOOK_EVERY: Duration = Duration::from_secs(60);
/// Shortest and longest wait before a certificate that could not be renewed is asked for again: a
/// third of its life is left for it, and the gateway counts who asks.
pub(crate) const RENEWAL_RETRY_MIN: Duration = Duration::from_secs(10);
/// See [`RENEWAL_RETRY_MIN`].
pub(crate) const RENEWAL_RETRY_MAX: Duration = Duration::from_secs(10 * 60);

/// Different refusals counted apart on the screen; what is more is printed one by one.
pub(crate) const REFUSALS_APART_MAX: usize = 64;
/// How often repeated refusals are summed up on the screen.
pub(crate) const REFUSALS_SUMMED_EVERY: Duration = Duration::from_secs(5);

/// Longest wait for the reply to one command: the device's own timeout runs at the edge, and the
/// slowest links take seconds.
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait, after a refusal, for the notice that explains it: it comes on another stream.
pub(crate) const EXPLANATION_TIMEOUT: Duration = Duration::from_secs(1);

/// For how long `write` waits for somebody's yes: a gateway keeps what is held for so long.
pub(crate) const HELD_MAX: Duration = Duration::from_secs(60);
/// How often it asks again meanwhile: often enough to pass soon behind the yes.
pub(crate) const HELD_ASKS_EVERY: Duration = Duration::from_secs(1);

/// How often a journal that is being followed is looked at again.
pub(crate) const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// Lines held back while the outcome of an earlier command is awaited. A gateway has at most a few
/// hundred commands in flight; a journal cut off in the middle of one must not be held whole.
pub(crate) const LINES_HELD_MAX: usize = 10_000;
/// Sessions of which a listing remembers from where they came; of older ones it says no more than
/// the number.
pub(crate) const SESSIONS_KNOWN_MAX: usize = 65_536;
/// Records of a folder read together when they are shown newest first: some ten MB.
pub(crate) const WINDOW_RECORDS: u64 = 16_384;
/// Records that a table shows unless told otherwise: some screens full.
pub(crate) const TABLE_LIMIT: u64 = 50;
/// Records shown before those that come while the journal is followed.
pub(crate) const BACKLOG_LIMIT: u64 = 10;
/// Values of one command shown before the rest is only counted: a write may have 1,968.
pub(crate) const VALUES_SHOWN_MAX: usize = 8;

/// How long after its last moment records of a window are looked for, in ms: its end may have come
/// while the gateway was off.
pub(crate) const HISTORY_SETTLES_MS: i64 = 86_400_000;

/// Digits of a fingerprint that name a machine: fewer could be a name, or mean another one.
pub(crate) const FINGERPRINT_MIN_DIGITS: usize = 8;

/// Width of what `status` prints: it is read on consoles and pasted into tickets.
pub(crate) const STATUS_COLUMNS: usize = 80;

/// Gateways that a witness serves at once. Each asks once a minute, for some milliseconds.
pub(crate) const WITNESS_CONNECTIONS_MAX: usize = 64;
/// How long one connection to a witness may take: a request, its answer, and a slow line.
pub(crate) const WITNESS_CONNECTION_MAX: Duration = Duration::from_secs(15);
/// Longest head of a request to a witness, in bytes; hyper takes no less than this.
pub(crate) const WITNESS_HEAD_MAX_BYTES: usize = 8 * 1024;
/// Longest file that a witness keeps or is given, in bytes: a checkpoint or a key.
pub(crate) const WITNESS_FILE_MAX_BYTES: u64 = 64 * 1024;
/// Longest name of a file that is made of the name of a log, in bytes; file systems take 255, and
/// something is put behind it.
pub(crate) const WITNESS_FILE_NAME_MAX_BYTES: usize = 200;

/// Longest file that is read for the health of this machine, in bytes: settings, statements, and
/// the end of a history.
pub(crate) const POSTURE_FILE_MAX_BYTES: u64 = 65_536;
/// Entries of one folder that are looked at for it: a machine has some thousand processes.
pub(crate) const POSTURE_ENTRIES_MAX: usize = 65_536;
/// How often a report is told again, where the gateway did not say how long it holds.
pub(crate) const POSTURE_EVERY: Duration = Duration::from_secs(200);
/// Longest file that the site root reads, in bytes: a plant of thousands of points.
pub(crate) const ROOT_FILE_MAX_BYTES: u64 = 4 << 20;
