//! Every bound of the edge, with its unit and its reason.

use std::time::Duration;

/// How long a stranger may take for the TLS handshake.
pub(crate) const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// Handshakes under way at once. Past that a stranger is turned away before any work for him.
pub(crate) const HANDSHAKES_MAX: usize = 64;

/// Handshakes under way at once before addresses must prove themselves (QUIC Retry).
pub(crate) const HANDSHAKES_BEFORE_RETRY: usize = 8;

/// Handshakes under way at once from one address.
pub(crate) const HANDSHAKES_PER_ADDRESS: usize = 8;

/// What is held of one handshake before it is looked at, in bytes: its first flight and little
/// more.
pub(crate) const INCOMING_BUFFER_BYTES: u64 = 16 * 1024;

/// What is held of all handshakes before they are looked at, in bytes.
pub(crate) const INCOMING_BUFFERS_BYTES: u64 = 1024 * 1024;

/// Sessions of one subject at once: several windows on several machines, not a crowd.
pub(crate) const SESSIONS_PER_SUBJECT: usize = 16;

/// Connections of one subject that are being told so, each for some seconds; whoever comes past
/// them is cut off without a word.
pub(crate) const TURNED_AWAY_PER_SUBJECT: usize = 8;

/// How long a client may take for its first message on a stream.
pub(crate) const OPENING_MAX: Duration = Duration::from_secs(5);

/// How long an ADU or a control message may take from its first byte to its last.
pub(crate) const MESSAGE_MAX: Duration = Duration::from_secs(5);

/// Longest text of a reply on the control stream, in bytes: half a frame.
pub(crate) const REPLY_MAX_BYTES: usize = 32 * 1024;

/// Streams of one session at once, the control stream included.
pub(crate) const STREAMS_MAX: u32 = 64;

/// What one stream may send ahead of us, in bytes: sixteen requests of 260 and some more.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 16 * 1024;

/// What one connection may send ahead of us, in bytes.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// What we hold for one connection that does not read, in bytes.
pub(crate) const SEND_WINDOW_BYTES: u64 = 256 * 1024;

/// A connection that is silent for this long is gone. Clients keep it alive each 10 s.
pub(crate) const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(30);

/// Notices held for a client that does not read them; further ones are dropped, and the
/// journal holds all of them.
pub(crate) const NOTICES_MAX: usize = 64;

/// How often sessions write their summaries and look at their certificates.
pub(crate) const SESSION_TICK: Duration = Duration::from_secs(1);

/// How long whoever takes something away waits for its record to reach the disk. It holds from
/// before; past this the acknowledgement says that it is not durable.
pub(crate) const RESTRICTION_DURABLE_MAX: Duration = Duration::from_secs(2);

/// Requests that a device leaves unanswered in a row before its connection is given up.
pub(crate) const SILENCES_BEFORE_BREAK: u32 = 3;

/// Reads of 260 bytes in the last look for an answer, once the time for it is up.
pub(crate) const READS_AT_HAND_MAX: usize = 16;

/// How long a stopping edge waits for commands that are queued or in flight. A device may be given
/// longer than that to answer; a test has no time for either.
pub(crate) const DRAIN_MAX: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// How long a stopping edge waits for sessions to say goodbye.
pub(crate) const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// How long each part of a stop may wait for a disk that does not answer: the sinks' cursors, the
/// last record, the last checkpoint, the journal itself. All of them, the witness and what comes
/// before take less than the 30 s after which the unit has systemd kill. A test has no time.
pub(crate) const STOP_PART_MAX: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 3 });

/// Clients that read the journal at once. Each holds a thread for as long as it reads.
pub(crate) const JOURNAL_READERS_MAX: usize = 4;

/// Records that a sink holds at once, on their way to the other side. A thousand share one round
/// trip; more would only be sent again after a break.
pub(crate) const SINK_BATCH_RECORDS: usize = 1_024;

/// Bytes of records that a sink holds at once, give or take one read of
/// [`SINK_READ_RECORDS`]. A gateway has several sinks and little memory.
pub(crate) const SINK_BATCH_BYTES: usize = 1024 * 1024;

/// Least time between two looks of a sink that has all there was: many records share one look.
pub(crate) const SINK_PACE: Duration = Duration::from_millis(100);

/// Records that a sink reads between two looks at how many bytes it holds.
pub(crate) const SINK_READ_RECORDS: usize = 16;

/// Records that are looked through at once for one of a certain kind.
pub(crate) const SINK_SEARCH_RECORDS: usize = 256;

/// Shortest wait before a sink is tried again.
pub(crate) const SINK_RETRY_MIN: Duration = Duration::from_millis(250);

/// Longest wait before a sink is tried again: so late may records be once the WAN is back.
pub(crate) const SINK_RETRY_MAX: Duration = Duration::from_secs(30);

/// How long a sink may take to be connected to, and to say what it has.
pub(crate) const SINK_CONNECT_MAX: Duration = Duration::from_secs(30);

/// How long a sink may leave a record without an acknowledgement before its connection is given
/// up: a WAN over satellite takes a second.
pub(crate) const SINK_ACKNOWLEDGE_MAX: Duration = Duration::from_secs(10);

/// How often at most a sink's progress is recorded. A view that is lost sends at most this much
/// again.
pub(crate) const SINK_PROGRESS_EVERY: Duration = Duration::from_secs(60);

/// Messages to NATS that wait for their acknowledgement at once: enough that a WAN of 100 ms still
/// takes five thousand a second.
pub(crate) const SINK_NATS_WINDOW: usize = 512;

/// How often a silent NATS server is asked whether it is still there.
pub(crate) const SINK_NATS_PING_EVERY: Duration = Duration::from_secs(15);

/// How often the growth of the journal is noted.
pub(crate) const RATE_SAMPLE_EVERY: Duration = Duration::from_secs(10 * 60);

/// How far back growth counts: plants have days and nights.
pub(crate) const RATE_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// How long growth must have been seen before it is told.
pub(crate) const RATE_SEEN_MIN: Duration = Duration::from_secs(60 * 60);

/// How long the witness may take for one answer, connecting included.
pub(crate) const WITNESS_MAX: Duration = Duration::from_secs(10);

/// Longest answer of a witness, in bytes: some hundred cosignatures.
pub(crate) const WITNESS_ANSWER_MAX_BYTES: usize = 16 * 1024;

/// Least and longest wait before the witness is asked again after a failure.
pub(crate) const WITNESS_RETRY_MIN: Duration = Duration::from_secs(1);
/// See [`WITNESS_RETRY_MIN`].
pub(crate) const WITNESS_RETRY_MAX: Duration = Duration::from_secs(5 * 60);

/// How often the witness is asked while nothing new is to be cosigned, so that one which is gone is
/// noticed on a quiet day as well.
pub(crate) const WITNESS_EVERY: Duration = Duration::from_secs(15 * 60);

/// Times that one checkpoint is submitted in a row because the witness is at another size.
pub(crate) const WITNESS_TRIES_MAX: usize = 3;

/// Programs that read metrics at once: one collector, and somebody with curl.
pub(crate) const METRICS_READERS_MAX: usize = 4;

/// How long one connection may read metrics. Collectors come again each time.
pub(crate) const METRICS_MAX: Duration = Duration::from_secs(10);

/// Longest head of a request for metrics, in bytes; hyper takes no less than this.
pub(crate) const METRICS_HEAD_MAX_BYTES: usize = 8 * 1024;

/// Pause after an `accept` that failed for want of file handles.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Longest error of a sink or the witness in a status, in characters: a line or three.
pub(crate) const STATUS_ERROR_MAX_CHARS: usize = 400;

/// Longest syslog message, in bytes: the longest record in base64 and room for its telling. Below
/// the longest frame that rsyslog takes unless told otherwise (200,000).
pub(crate) const SYSLOG_MESSAGE_MAX_BYTES: usize = 128 * 1024;

/// Sessions whose opening a syslog sink remembers: several weeks of a busy gateway.
pub(crate) const SINK_SESSIONS_MAX: usize = 4_096;

/// Intents that a syslog sink remembers to tell their outcomes by: more than all links together
/// have in flight.
pub(crate) const SINK_INTENTS_MAX: usize = 4_096;

/// Records before its first one that a syslog sink reads at its start, for the sessions and
/// intents that later ones belong to: a tenth of a second of reading.
pub(crate) const SYSLOG_LOOKBACK_RECORDS: u64 = 65_536;

/// How long a connection must live on once the other side's TCP has taken a record, before the
/// record counts as acknowledged: what a collector needs to notice its own end and close, and to
/// write what it holds.
pub(crate) const SYSLOG_SETTLE: Duration =
    Duration::from_millis(if cfg!(test) { 300 } else { 5_000 });

/// How often the kernel is asked what the other side's TCP has taken, while anything is open.
pub(crate) const SYSLOG_LOOK_EVERY: Duration =
    Duration::from_millis(if cfg!(test) { 20 } else { 250 });

/// Bytes handed to a syslog connection at once: some dozens of records, which take a millisecond
/// to tell.
pub(crate) const SYSLOG_CHUNK_BYTES: usize = 64 * 1024;

/// Places of a syslog connection that wait for their settling at once; past that neighbours settle
/// together.
pub(crate) const SYSLOG_MARKS_MAX: usize = 256;

// Searching the journal

/// How often the view takes up what was written. What it lacks meanwhile is read from the journal.
pub(crate) const VIEW_STEP_EVERY: Duration = Duration::from_secs(1);

/// How long to wait before a view that is broken is begun again: a full disk stays full a while.
pub(crate) const VIEW_RETRY: Duration = Duration::from_secs(10);

/// Records that the view may lack and still be asked; what it lacks is read, at some hundred
/// thousand a second.
pub(crate) const VIEW_LAG_MAX: u64 = 65_536;

/// Matches that a search without the view may have: some MiB of places.
pub(crate) const SCAN_MATCHES_MAX: usize = 262_144;

/// Records behind the last match in which a search without the view still looks for outcomes.
pub(crate) const SCAN_OUTCOME_RECORDS: u64 = 65_536;

/// Matches that are taken from the view at once.
pub(crate) const SEARCH_PAGE: usize = 256;

/// Frames of an answer that wait for their reader.
pub(crate) const READ_AHEAD: usize = 64;

/// Sessions of which one answer remembers that they were told; past that they are told again.
pub(crate) const SESSIONS_TOLD_MAX: usize = 65_536;

/// Intents of which one answer remembers that their outcome is still to be told.
pub(crate) const OPEN_INTENTS_TOLD_MAX: usize = 4_096;

/// Records read at once for somebody who follows the journal.
pub(crate) const FOLLOW_RECORDS: usize = 512;

/// How often it is decided anew whether somebody who is being answered may read the journal: a
/// policy that was replaced holds for him soon, and a decision costs some microseconds.
pub(crate) const READING_DECIDED_EVERY: Duration = Duration::from_secs(1);

/// Least time between two looks at the journal for one who follows it and has all there is: in a
/// storm of commands many records share one look, and nobody watches a screen faster.
pub(crate) const FOLLOW_PACE: Duration = Duration::from_millis(100);

/// How often it is decided anew whether somebody may watch, and how often they show that they do.
pub(crate) const WATCH_TICK: Duration = Duration::from_secs(1);

/// How long a yes to a held command may take to the disk. Less than a supervisor may be silent: while
/// it is waited for, nothing that they saw is heard.
pub(crate) const HOLD_ANSWER_MAX: Duration = Duration::from_secs(2);

/// Clients that follow the journal at once. They hold no thread while nothing is written.
pub(crate) const JOURNAL_FOLLOWERS_MAX: usize = 16;

/// How often the growth of the journal and its warnings are looked at.
pub(crate) const OUTLOOK_TICK: Duration = Duration::from_secs(60);

/// Least time between two looks of the notary at the journal: many records share one look.
pub(crate) const NOTARY_PACE: Duration = Duration::from_millis(100);

/// Longest time between them, for what is due by the clock alone.
pub(crate) const NOTARY_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked at how far the required sinks are, and so what may be removed.
pub(crate) const REMOVAL_TICK: Duration = Duration::from_secs(1);

/// With room on the disk for fewer segments than this, the register is kept in the journal so that
/// old ones may go: one is made ahead of need, and a large register takes one more.
pub(crate) const TIGHT_SEGMENTS: u64 = 4;

/// How long a stopping edge waits for the witness to cosign the last checkpoint.
pub(crate) const COSIGNED_WITHIN: Duration = Duration::from_secs(3);

// The identity listener

/// Longest request for a certificate, with its frame, in bytes: three keys and their signatures
/// take less than one kilobyte.
pub(crate) const IDENTITY_REQUEST_MAX_BYTES: u32 = 4 * 1024;

/// How long a stranger may take for the request, after the handshake.
pub(crate) const IDENTITY_REQUEST_MAX: Duration = Duration::from_secs(5);

/// How long a stranger may take to read the answer.
pub(crate) const IDENTITY_REPLY_MAX: Duration = Duration::from_secs(5);

/// Requests from one network (an IPv4 address, or 64 bits of an IPv6 one) looked at in a row; then
/// one each [`IDENTITY_REQUESTS_EVERY`]. Behind one address a whole office may enrol.
pub(crate) const IDENTITY_REQUESTS_AT_ONCE: u32 = 16;
/// See [`IDENTITY_REQUESTS_AT_ONCE`].
pub(crate) const IDENTITY_REQUESTS_EVERY: Duration = Duration::from_secs(4);

/// Networks whose requests are counted. Past that, whoever is new is turned away until others have
/// been quiet for a minute.
pub(crate) const IDENTITY_NETWORKS_MAX: usize = 4_096;

/// Machines that wait to be confirmed at once, each with its connection.
pub(crate) const IDENTITY_WAITING_MAX: usize = 16;
/// Of them for one invitation: the connection that was lost a moment ago, and the one after it.
pub(crate) const IDENTITY_WAITING_EACH: usize = 2;

/// How long one connection may wait to be confirmed; then the client asks again.
pub(crate) const IDENTITY_CONFIRM_MAX: Duration = Duration::from_secs(60 * 60);

/// How often a client that waits is asked whether it is still there.
pub(crate) const IDENTITY_KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How often it is looked at whether an invitation's time is over, and so the door to be shut.
pub(crate) const IDENTITY_TICK: Duration = Duration::from_secs(1);

/// Invitations in one answer: each with its texts takes some kilobytes at most.
pub(crate) const INVITATIONS_IN_ONE_ANSWER: usize = 16;

// At the gateway itself

/// How often it is looked at whether the clock is in doubt, where no session does.
pub(crate) const CLOCK_TICK: Duration = Duration::from_secs(1);

/// Longest question of a local administrator, in bytes: a reason and little more.
pub(crate) const LOCAL_ASK_MAX_BYTES: usize = 4 << 10;

/// Longest answer to one, in bytes.
pub(crate) const LOCAL_REPLY_MAX_BYTES: usize = 4 << 10;

/// Questions of local administrators at once.
pub(crate) const LOCAL_AT_ONCE: usize = 4;

/// How long a question, or the reading of its answer, may take. Both ends are programs of ours on one
/// machine.
pub(crate) const LOCAL_MESSAGE_MAX: Duration = Duration::from_secs(5);

/// How long an administrator's program waits for the answer: an act waits for the disk.
pub(crate) const LOCAL_ANSWER_MAX: Duration = Duration::from_secs(30);

// Whom to trust

/// Authorities of others that are tried at a handshake, one after the other.
pub(crate) const TRUSTED_AUTHORITIES_MAX: usize = 16;

/// How often their files are looked at. Whoever refreshes them sees it before he has turned away.
pub(crate) const TRUST_LOOK_EVERY: Duration =
    Duration::from_millis(if cfg!(test) { 50 } else { 2_000 });

/// Longest file of authorities or of what they revoked, in bytes: some hundred thousand
/// revocations. It is held in memory, and read again each time that it changes.
pub(crate) const TRUST_FILE_MAX_BYTES: u64 = 8 << 20;

/// Certificates of one authority: its roots, its intermediates, and those of the keys before.
pub(crate) const TRUST_ANCHORS_MAX: usize = 16;

/// Longest time that what is known of an authority may be configured to hold, in hours: a year.
pub(crate) const TRUST_STALE_MAX_H: u64 = 365 * 24;

/// Longest idle time of a session that may be configured, in minutes: a day.
pub(crate) const SESSION_IDLE_MINUTES_MAX: u64 = 24 * 60;

/// Longest session that may be configured, in hours: a week of test runs.
pub(crate) const SESSION_HOURS_MAX: u64 = 7 * 24;
// What the site root signed

/// Longest document of the site root that is read, in bytes: its content and what stands around it.
pub(crate) const ROOT_FILE_MAX_BYTES: u64 = 20 << 10;

// Break-glass

/// How often the key switch is read: whoever turns it back finds it closed before the hand is off it.
pub(crate) const KEY_SWITCH_EVERY: Duration = Duration::from_millis(100);

/// How many readings in a row make it on: contacts bounce for some milliseconds.
pub(crate) const KEY_SWITCH_STEADY: u32 = 3;

/// Highest line of a GPIO chip that may be configured: no chip has as many.
pub(crate) const GPIO_LINE_MAX: u32 = 1_023;

/// How long whoever opens break-glass waits for its record: less than the broker gives it.
pub(crate) const BREAK_GLASS_DURABLE_MAX: Duration = Duration::from_secs(4);

/// How often it is looked at what time does to maintenance windows: they begin and end on seconds.
pub(crate) const WINDOW_TICK: Duration = Duration::from_secs(1);
