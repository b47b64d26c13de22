//! A gateway: a site directory, the edge that serves it as a process, and its command log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use interlock::demo::{Management, hand_out};
use interlock::keys::FileKey;
use interlock::profile::Profile;
use interlock_broker::authority::{Authority, Credential, client_hours};
use interlock_broker::clock::{Clock, Now};
use interlock_broker::journal;
use interlock_broker::proof::sha256;
use interlock_broker::subject::{Bound, SubjectId};
use interlock_edge::site as edge;
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use interlock_protocols::record::Record;
use rustix::process::Signal;

use super::{Connected, Ended, PATIENCE, Plc, Process, Site, binary};

/// How often the log is looked at again while something in it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long what is said of a machine holds, in seconds: longer than any test that is not about
/// that.
pub(super) const LEASE_S: u32 = 3_600;

/// When people come in again, in milliseconds that a test let pass: a vendor's certificate lasts an
/// hour, and who is there is asked for within minutes.
const CERTIFIED_AGAIN_MS: i64 = 30 * 60_000;

/// A gateway of a test's own, in a folder of its own.
pub struct Gateway {
    folder: Site,
    address: SocketAddr,
    identity: SocketAddr,
    join_line: String,
    edge: Option<Process>,
    program: String,
    variables: Vec<(String, String)>,
    management: Management,
    /// By how much the gateway's clocks are ahead of the machine's, in milliseconds.
    ahead_ms: Cell<i64>,
    /// How far they were when a profile was given its certificate.
    certified: RefCell<BTreeMap<PathBuf, i64>>,
}

impl Gateway {
    /// Makes the sample site with `edge init`; `press-4` and `pump-2` are where these addresses
    /// say. Nothing runs yet: the files may still be edited.
    pub fn new(press: SocketAddr, pump: SocketAddr) -> Gateway {
        Gateway::named("gateway-1", press, pump)
    }

    /// The same, of this name.
    pub fn named(name: &str, press: SocketAddr, pump: SocketAddr) -> Gateway {
        let gateway = Gateway::made(name, press, pump);
        // Most tests are about something else than how a gateway gets its first administrator.
        let file = gateway.site().join("state/first-invitation");
        std::fs::remove_file(file).expect("an invitation");
        gateway
    }

    /// The same with the invitation of its first administrator, as `edge init` leaves it.
    pub fn invited(press: SocketAddr, pump: SocketAddr) -> Gateway {
        Gateway::made("gateway-1", press, pump)
    }

    fn made(name: &str, press: SocketAddr, pump: SocketAddr) -> Gateway {
        let mut gateway = Gateway {
            folder: Site::new(),
            address: own_address(),
            identity: own_address(),
            join_line: String::new(),
            edge: None,
            program: "edge".to_owned(),
            variables: Vec::new(),
            management: Management::new().expect("a key"),
            ahead_ms: Cell::new(0),
            certified: RefCell::default(),
        };
        let site = gateway.site();
        let made = gateway.edge_command(&["init", &text(&site), "--gateway", name]);
        assert_eq!(made.code, 0, "{made}");
        let management = gateway.management.configuration(LEASE_S);
        gateway.append("edge.toml", &management);
        let words = made.stdout.split_whitespace();
        let mut join_line = words.filter(|word| word.starts_with("interlock-join:"));
        gateway.join_line = join_line.next_back().expect("a join line").to_owned();
        let identity = format!("identity = \"{}\"", gateway.identity);
        gateway.edit("edge.toml", "identity = \"127.0.0.1:4803\"", &identity);
        let quic = format!("quic = \"{}\"", gateway.address);
        gateway.edit("edge.toml", "quic = \"127.0.0.1:4802\"", &quic);
        gateway.edit("edge.toml", "segment_mib = 64", "segment_mib = 1");
        for (sample, device, local) in [
            ("127.0.0.1:5021", press, "127.77.0.11:1502"),
            ("127.0.0.1:5022", pump, "127.77.0.12:1502"),
        ] {
            let (from, to) = (
                format!("\naddress = \"{sample}\""),
                format!("\naddress = \"{device}\""),
            );
            gateway.edit("plant.toml", &from, &to);
            let from = format!("local_address = \"{local}\"");
            gateway.edit("plant.toml", &from, "local_address = \"127.0.0.1:0\"");
        }
        gateway
    }

    /// A running gateway in front of two PLCs.
    pub fn before(press: &Plc, pump: &Plc) -> Gateway {
        let mut gateway = Gateway::new(press.address(), pump.address());
        gateway.start();
        gateway
    }

    /// Uses another program of this crate as the edge from the next start on.
    pub fn run_by(&mut self, program: &str) {
        program.clone_into(&mut self.program);
    }

    /// The site directory.
    pub fn site(&self) -> PathBuf {
        self.folder.join("site")
    }

    /// A path beside the site directory, for what a test keeps.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Replaces a text of a file of the site that is there exactly once.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.site().join(file);
        let before = std::fs::read_to_string(&path).expect("a file of the site");
        assert_eq!(before.matches(from).count(), 1, "{from:?} in {file}");
        std::fs::write(&path, before.replace(from, to)).expect("a file of the site");
    }

    /// Adds to the end of a file of the site, or makes it.
    pub fn append(&self, file: &str, text: &str) {
        let path = self.site().join(file);
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, before + text).expect("a file of the site");
    }

    /// Where sessions are opened: the same address at every start.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where people enrol and log in: the same address at every start.
    pub fn identity(&self) -> SocketAddr {
        self.identity
    }

    /// The join line of the first administrator, but for the address, which is [`Self::identity`].
    pub fn join_line(&self) -> &str {
        &self.join_line
    }

    /// Sets a variable of the edge's environment from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the edge and waits for nothing, for tests that interrupt it before it listens.
    pub fn launch(&mut self) {
        assert!(self.edge.is_none(), "one edge at a time");
        let mut command = Command::new(binary(&self.program));
        command.arg("run").arg(self.site());
        let variables = self.variables.iter();
        command.envs(variables.map(|(name, value)| (name, value)));
        self.edge = Some(Process::start("edge", &mut command));
    }

    /// Starts the edge; when this returns, it listens.
    pub fn start(&mut self) {
        self.launch();
        let address: SocketAddr = self.edge().next_line("address it listens on", |line| {
            line.strip_prefix("listening on ")?.parse().ok()
        });
        assert_eq!(address, self.address);
    }

    /// The running edge.
    pub fn edge(&mut self) -> &mut Process {
        self.edge.as_mut().expect("the edge runs")
    }

    /// SIGTERM, and the exit code of a stop in order.
    pub fn stop(&mut self) -> i32 {
        let mut edge = self.edge.take().expect("the edge runs");
        edge.signal(Signal::TERM);
        let status = edge.exit("it was told to stop");
        status
            .code()
            .unwrap_or_else(|| panic!("{status}\n{}", edge.output()))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.edge.take().expect("the edge runs").kill();
    }

    /// One command of `interlock-edge` beside the one that runs.
    pub fn edge_command(&self, args: &[&str]) -> Ended {
        Ended::of("edge command", Command::new(binary("edge")).args(args))
    }

    /// The management server of the plant, whose word on machines counts here.
    pub fn management(&self) -> &Management {
        &self.management
    }

    /// The profile of `person/olga` or `vendor/acme/victor`, on a machine of their own that the
    /// management server has found in order.
    pub fn issue(&self, subject: &str) -> PathBuf {
        let name = subject.rsplit('/').next().expect("a subject has a name");
        let profile = self.folder.join(name);
        if profile.exists() {
            if self.is_out_of_date(&profile) {
                self.certify(subject, &profile);
            }
            return profile;
        }
        let site = edge::Site::load(&self.site()).unwrap_or_else(|found| panic!("{found:?}"));
        let gateway = self.address.to_string();
        let now = Clock::start().now();
        let made = hand_out(&site, subject, &gateway, &profile, now);
        let made = made.unwrap_or_else(|failure| panic!("{failure}"));
        let vouched = self.management.vouch(&made, now);
        vouched.unwrap_or_else(|failure| panic!("{failure}"));
        if self.ahead_ms.get() != 0 {
            self.certify(subject, &profile);
        }
        profile
    }

    /// The profile of this subject on the machine of another one's.
    pub fn issue_on(&self, subject: &str, machine_of: &str) -> PathBuf {
        let (profile, other) = (self.issue(subject), self.issue(machine_of));
        let key = |folder: &Path| folder.join("device.key");
        std::fs::copy(key(&other), key(&profile)).expect("the key of a machine");
        // Who was vouched for last is known, and older words on that machine count no more.
        self.certify(subject, &profile);
        self.certify(machine_of, &other);
        profile
    }

    /// Whether so much time was let pass that a certificate of then is of no use.
    fn is_out_of_date(&self, profile: &Path) -> bool {
        let certified = self.certified.borrow().get(profile).copied().unwrap_or(0);
        self.ahead_ms.get() - certified >= CERTIFIED_AGAIN_MS
    }

    /// Gives a profile a new certificate for its keys, and a new word on its machine, by the
    /// gateway's clock: its owner is there at this moment.
    pub fn certify(&self, subject: &str, profile: &Path) {
        let key = |file: &str| FileKey::open(&profile.join(file)).expect("a key");
        let (session, device) = (key("client.pem"), key("device.key"));
        let now = self.now();
        let subject = SubjectId::parse_at("waterworks", subject).expect("a subject");
        let bound = Bound {
            device_key: sha256(device.spki()),
            protection: KeyProtection::Software,
            auth: AuthStrength::UserPresent,
            auth_ms: now.wall_ms(),
        };
        let ends_ms = now.wall_ms() + i64::from(client_hours(subject.kind())) * 3_600_000;
        let issuer = self.authority("issuer");
        let signed = issuer.sign_client(&subject, session.spki(), &bound, ends_ms, now);
        let profile = Profile::open(profile).expect("a profile");
        let renewed = profile.renew(&signed.expect("a certificate"), &session);
        renewed.unwrap_or_else(|failure| panic!("{failure}"));
        self.certified
            .borrow_mut()
            .insert(profile.folder().to_path_buf(), self.ahead_ms.get());
        let healthy = Management::healthy(sha256(device.spki()), now);
        let stated = self.management.state(&profile, &healthy);
        stated.unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Has its clocks be a test's own from the next start on: see [`Gateway::pass`].
    pub fn move_clocks(&mut self) {
        self.run_by("clock_edge");
        let file = self.beside("shift");
        self.set("CLOCK_SHIFT", &text(&file));
        self.pass(0);
    }

    /// Lets so much time pass at once on a gateway whose clocks are moved: both of them.
    pub fn pass(&self, ms: i64) {
        let ahead = self.ahead_ms.get() + ms;
        self.ahead_ms.set(ahead);
        self.shift(ahead, ahead);
    }

    /// Sets the system's clock of such a gateway forward, or back.
    pub fn set_clock(&self, ms: i64) {
        let ahead = self.ahead_ms.get();
        self.shift(ahead + ms, ahead);
    }

    fn shift(&self, system_ms: i64, mono_ms: i64) {
        let (new, file) = (self.beside("shift.new"), self.beside("shift"));
        std::fs::write(&new, format!("{system_ms} {mono_ms}")).expect("a file of a test");
        std::fs::rename(new, file).expect("a file of a test");
    }

    /// The time by the gateway's clock.
    pub fn now(&self) -> Now {
        let now = Clock::start().now();
        Now::new(now.wall_ms() + self.ahead_ms.get(), now.mono())
    }

    /// An authority of this gateway by the name of its files, as root on the gateway could use it.
    pub fn authority(&self, name: &str) -> Authority {
        let [certificate, key] = ["pem", "key"].map(|end| {
            let file = self.site().join(format!("keys/{name}.{end}"));
            std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
        });
        Authority::open(&Credential { certificate, key }).expect("an authority")
    }

    /// One command of `interlock` as this subject, to its end.
    pub fn client(&self, subject: &str, args: &[&str]) -> Ended {
        let mut command = Command::new(binary("client"));
        command.arg("--profile").arg(self.issue(subject)).args(args);
        Ended::of(subject, &mut command)
    }

    /// `interlock connect` as this subject, with these devices armed for writing.
    pub fn connect(&self, subject: &str, armed: &[&str]) -> Connected {
        Connected::start(&self.issue(subject), armed)
    }

    /// The records of the journal as far as they are written.
    pub fn records(&self) -> Vec<Record> {
        let records = journal::read(&self.site().join("journal")).expect("a journal");
        let records = records.collect::<Result<Vec<_>, _>>();
        records.unwrap_or_else(|why| panic!("the journal is damaged: {why}"))
    }

    /// Waits until the journal has what `wanted` makes something of, and gives the first.
    pub fn record<T>(&self, what: &str, mut wanted: impl FnMut(&Record) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let records = self.records();
            if let Some(found) = records.iter().find_map(&mut wanted) {
                return found;
            }
            assert!(
                Instant::now() < end,
                "{PATIENCE:?} passed and there is no {what} in\n{}",
                listed(&records)
            );
            sleep(LOOK_EVERY);
        }
    }

    /// Fails unless the stopped edge left a sound journal in which every INTENT has its one
    /// outcome.
    #[track_caller]
    pub fn assert_journal_is_whole(&self) {
        let found = journal::verify(&self.site().join("journal")).expect("a journal");
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(found.open_intents, [0; 0], "intents without an outcome");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() && self.site().join("journal").exists() {
            let records = journal::read(&self.site().join("journal"));
            let records: Vec<_> = records.into_iter().flatten().flatten().collect();
            eprintln!("--- the journal:\n{}---", listed(&records));
        }
    }
}

/// The journal in a few words a record, for the text of a failure.
fn listed(records: &[Record]) -> String {
    let line = |record: &Record| format!("{} {:?}\n", record.sequence, record.event);
    records.iter().map(line).collect()
}

/// An address that no other process of this machine picks, so that what listens there comes back
/// at the same one: the loopback address is made of our process id, and the port is below those that
/// systems hand out by themselves.
pub fn own_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let port = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, b, c, d] = std::process::id().to_be_bytes();
    // A process id has at most 22 bits.
    SocketAddr::from(([127, 128 | b, c, d], port))
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of text").to_owned()
}
