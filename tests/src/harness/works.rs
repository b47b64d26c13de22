//! The waterworks with a pinned root: its plant and its approvers are signed, so that maintenance
//! windows can be asked for, approved and used.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use interlock_broker::join::JoinLine;
use serde_json::Value;

use super::{Connected, Ended, Gateway, PATIENCE, Plc, Process, Relay, Site, binary};

/// A vendor, who asks for windows and holds them.
pub const VICTOR: &str = "vendor/acme/victor";
/// Of the same firm, and on the list of approvers.
pub const VERA: &str = "vendor/acme/vera";
/// Of another firm, and on the list of approvers.
pub const HANA: &str = "vendor/hydro/hana";
/// Approvers of the site.
pub const ARNO: &str = "person/arno";
/// Another one.
pub const BEA: &str = "person/bea";
/// An approver since an hour ago.
pub const NILS: &str = "person/nils";
/// An engineer who is an approver as well.
pub const RITA: &str = "person/rita";
/// An operator of the site, who may supervise.
pub const OLGA: &str = "person/olga";
/// Another one.
pub const OTTO: &str = "person/otto";
/// Of victor's firm, and for policy an operator.
pub const VITO: &str = "vendor/acme/vito";
/// An administrator.
pub const ADAM: &str = "person/adam";
/// An auditor.
pub const AIDA: &str = "person/aida";

const GROUPS: [(&str, &[&str]); 6] = [
    ("vendors", &[VICTOR, VERA, HANA, "vendor/acme/wim"]),
    ("operators", &[OLGA, OTTO, VITO]),
    ("engineers", &["person/emil", RITA]),
    ("approvers", &[ARNO, BEA, NILS, RITA, VERA, HANA]),
    ("administrators", &[ADAM, "person/ada"]),
    ("auditors", &[AIDA]),
];

/// How often a window is looked at again while something of it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The device that windows are asked for here.
pub const PRESS: &str = "press-4";

/// A gateway that was told its site's root, two PLCs, and the people around them.
pub struct Works {
    /// The gateway.
    pub gateway: Gateway,
    /// The device `press-4`.
    pub press: Plc,
    /// The device `pump-2`.
    pub pump: Plc,
    logs: Site,
    root: PathBuf,
    serial: Cell<u32>,
    /// The list, entry by entry, by the file of the key.
    approvers: RefCell<BTreeMap<PathBuf, String>>,
}

impl Works {
    /// Running, everything signed.
    pub fn start() -> Works {
        Works::start_with(|_| {})
    }

    /// The same, with the site edited before it is signed and started.
    pub fn start_with(edit: impl FnOnce(&mut Works)) -> Works {
        let mut works = Works::new(None);
        edit(&mut works);
        works.sign();
        works.gateway.start();
        works
    }

    /// Not signed and not started; with the root of another gateway of the site, or its own.
    pub fn new(root: Option<&Path>) -> Works {
        Works::named("gateway-1", root)
    }

    /// The same, of this name.
    pub fn named(name: &str, root: Option<&Path>) -> Works {
        let logs = Site::new();
        let press = Plc::start(&logs.join("press.log"), &[]);
        let pump = Plc::start(&logs.join("pump.log"), &[]);
        let gateway = Gateway::named(name, press.address(), pump.address());
        let works = Works {
            root: root.map_or_else(|| gateway.beside("root"), Path::to_path_buf),
            gateway,
            press,
            pump,
            logs,
            serial: Cell::new(0),
            approvers: RefCell::default(),
        };
        let pinned = works.pin(root.is_none());
        works.gateway.append("edge.toml", &format!("\n{pinned}"));
        works.populate();
        for who in [ARNO, BEA, RITA, VERA, HANA] {
            works.list(who, &days_ago(21));
        }
        works.list(NILS, &hours_ago(1));
        works
    }

    /// The lines for edge.toml of the root, which is made first if it is not there.
    fn pin(&self, make: bool) -> String {
        let at = text(&self.root);
        if make {
            let lines = done(&["root", "init", at, "--site", "waterworks"]).stdout;
            std::fs::write(self.root.join("lines"), &lines).expect("a file beside the root");
        }
        std::fs::read_to_string(self.root.join("lines")).expect("the lines of a root")
    }

    /// Puts everybody in their groups, beside those who are in them already.
    fn populate(&self) {
        let file = self.gateway.site().join("policy/groups.toml");
        let before = std::fs::read_to_string(&file).expect("the groups");
        let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
        for (group, members) in GROUPS {
            let line = lines.iter_mut().find(|line| {
                line.strip_prefix(group)
                    .is_some_and(|rest| rest.starts_with(" = ["))
            });
            let line = line.unwrap_or_else(|| panic!("no group {group} in\n{before}"));
            let quoted: Vec<String> = members.iter().map(|who| format!("\"{who}\"")).collect();
            *line = format!("{group} = [{}]", quoted.join(", "));
        }
        std::fs::write(&file, lines.join("\n") + "\n").expect("the groups");
    }

    /// Adds somebody to a group of the policy.
    pub fn join(&self, group: &str, who: &str) {
        let file = self.gateway.site().join("policy/groups.toml");
        let groups = std::fs::read_to_string(&file).expect("the groups");
        let head = format!("\n{group} = [");
        assert_eq!(groups.matches(&head).count(), 1, "{group} in\n{groups}");
        let joined = groups.replace(&head, &format!("{head}\"{who}\", "));
        std::fs::write(&file, joined).expect("the groups");
    }

    /// Has two approvers sign what vendors ask for.
    pub fn quorum_of_two(&mut self) {
        let rule = "@id(\"vendors-request-windows\")\n@quorum(\"1\")";
        let two = rule.replace('1', "2");
        self.change_policy("windows.cedar", rule, &two);
    }

    /// Changes the sample's policy, whose cases then no longer speak of it.
    pub fn change_policy(&self, file: &str, from: &str, to: &str) {
        self.gateway.edit(&format!("policy/{file}"), from, to);
        let cases = self.gateway.site().join("policy/tests");
        for case in std::fs::read_dir(cases).expect("the cases of the policy") {
            std::fs::remove_file(case.expect("a file").path()).expect("a case that goes");
        }
    }

    /// Somebody enrols on a machine of their own, invited by another; gives their profile, which
    /// stands beside the site under this name.
    pub fn enrol(&self, by: &str, who: &str, folder: &str) -> PathBuf {
        let (kind, whom) = who.split_once('/').expect("a kind and a name");
        let invited = self.gateway.client(by, &["invite", kind, whom]);
        assert_eq!(invited.code, 0, "{invited}");
        let mut words = invited.stdout.split_whitespace();
        let line = words.find(|word| word.starts_with("interlock-join:"));
        let mut line = JoinLine::parse(line.expect("a join line")).expect("a join line");
        let at = self.gateway.identity();
        (line.host, line.port) = (at.ip().to_string(), at.port());
        let profile = self.gateway.beside(folder);
        let mut command = Command::new(binary("client"));
        command.arg("--profile").arg(&profile);
        let enrolled = Ended::of(who, command.args(["enroll", &line.to_string()]));
        assert_eq!(enrolled.code, 0, "{enrolled}");
        self.gateway.certify(who, &profile);
        profile
    }

    /// The folder of the root: on another machine in real life.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the secret grant key of an approver is.
    pub fn grant_key(&self, who: &str) -> PathBuf {
        self.root.join(format!("{}.grant", name(who)))
    }

    /// Puts an approver on the list, with a key of their own that is made now. It counts once it
    /// is signed.
    pub fn list(&self, who: &str, since: &str) {
        self.list_key(who, since, &self.grant_key(who));
    }

    /// The same, with the key in this file.
    pub fn list_key(&self, who: &str, since: &str, file: &Path) {
        self.list_entry(who, since, file, "");
    }

    /// Puts somebody on the list who works for this firm.
    pub fn list_of_firm(&self, who: &str, since: &str, firm: &str) {
        let firm = format!("firm = \"{firm}\"\n");
        self.list_entry(who, since, &self.grant_key(who), &firm);
    }

    fn list_entry(&self, who: &str, since: &str, file: &Path, more: &str) {
        let public = self.make_key(name(who), file);
        let entry = format!(
            "[[approver]]\nsubject = \"{who}\"\nname = \"{}\"\nsince = \"{since}\"\n{more}key = \"{public}\"\n",
            name(who),
        );
        let mut approvers = self.approvers.borrow_mut();
        approvers.insert(file.to_path_buf(), entry);
    }

    /// A grant key that no list has.
    pub fn loose_key(&self, name: &str) -> PathBuf {
        let file = self.root.join(format!("{name}.grant"));
        self.make_key(name, &file);
        file
    }

    /// Makes a grant key if it is not there, and gives the line of its public half.
    fn make_key(&self, name: &str, file: &Path) -> String {
        let public = file.with_extension("public");
        if !file.exists() {
            let made = done(&["approver", "key", "--name", name, "--out", text(file)]);
            std::fs::write(&public, made.stdout).expect("a file beside the root");
        }
        let line = std::fs::read_to_string(&public).expect("a public key");
        line.trim().to_owned()
    }

    /// Takes an approver off the list. It counts once it is signed.
    pub fn strike(&self, who: &str) {
        let gone = self.approvers.borrow_mut().remove(&self.grant_key(who));
        assert!(gone.is_some(), "{who} is on the list");
    }

    /// Signs plant and approvers as they stand now, with the next number.
    pub fn sign(&self) {
        self.sign_plant();
        self.sign_approvers();
    }

    /// Signs plant.toml as it stands now.
    pub fn sign_plant(&self) {
        self.sign_file("plant", &self.gateway.site().join("plant.toml"));
    }

    /// Signs the list of approvers.
    pub fn sign_approvers(&self) {
        let list = self.gateway.beside("approvers.toml");
        let entries: Vec<String> = self.approvers.borrow().values().cloned().collect();
        std::fs::write(&list, entries.join("\n")).expect("a file beside the site");
        self.sign_file("approvers", &list);
    }

    fn sign_file(&self, what: &str, file: &Path) {
        self.serial.set(self.serial.get() + 1);
        let serial = self.serial.get().to_string();
        let key = self.root.join("site-root.key");
        let out = self.signed(what);
        let (file, key, out) = (text(file), text(&key), text(&out));
        let args = ["root", "sign", what, file, "--key", key];
        done(&[&args[..], &["--serial", &serial, "--out", out]].concat());
    }

    /// What the root has signed of `plant` or `approvers`.
    pub fn signed(&self, what: &str) -> PathBuf {
        self.gateway.site().join(format!("{what}.signed"))
    }

    /// Stops the gateway, has it changed, and starts it again.
    pub fn restart_with(&mut self, change: impl FnOnce(&mut Works)) {
        assert_eq!(self.gateway.stop(), 0);
        change(self);
        self.gateway.start();
    }

    /// What the simulated PLC writes down: `press` or `pump`.
    pub fn log(&self, plc: &str) -> PathBuf {
        self.logs.join(&format!("{plc}.log"))
    }

    // ---- windows, with the program of people --------------------------------------------------

    /// `interlock window request` with what is not said otherwise: writing the speed and the ramp of
    /// the press with function 6, twenty times, from now on for two hours.
    pub fn request(&self, who: &str, more: &[&str]) -> Ended {
        let mut args = vec!["-o", "jsonl", "window", "request"];
        let defaults = [
            ("--device", PRESS),
            ("--points", "speed_setpoint,ramp"),
            ("--functions", "write-register"),
            ("--from", "now"),
            ("--for", "2h"),
            ("--max-writes", "20"),
            ("--reason", "WO-1234"),
        ];
        for (option, value) in defaults {
            let until = option == "--for" && more.contains(&"--until");
            if !more.contains(&option) && !until {
                args.extend([option, value]);
            }
        }
        args.extend(more);
        self.gateway.client(who, &args)
    }

    /// The number of the window that a request made.
    #[track_caller]
    pub fn requested(&self, who: &str, more: &[&str]) -> u64 {
        let asked = self.request(who, more);
        assert_eq!(asked.code, 0, "{asked}");
        number(&asked, "window")
    }

    /// `interlock window approve`, with the approver's own key and the plant as the root signed it.
    pub fn approve(&self, who: &str, window: u64) -> Ended {
        self.approve_with(who, window, &self.grant_key(who))
    }

    /// The same with the grant key in this file.
    pub fn approve_with(&self, who: &str, window: u64, key: &Path) -> Ended {
        self.approve_more(who, window, key, &[])
    }

    /// The same, and more of its options.
    pub fn approve_more(&self, who: &str, window: u64, key: &Path, more: &[&str]) -> Ended {
        self.trust(who);
        let number = window.to_string();
        let args = ["window", "approve", &number, "--key", text(key), "--yes"];
        self.gateway.client(who, &[&args[..], more].concat())
    }

    /// Has somebody keep the plant as the root signed it last, to read with it what they approve.
    pub fn trust(&self, who: &str) {
        let pinned = std::fs::read_to_string(self.root.join("lines")).expect("a root");
        let root = pinned.split('"').nth(1).expect("a key in quotes");
        let (plant, signed) = (self.gateway.site().join("plant.toml"), self.signed("plant"));
        let args = ["approver", "trust", "--root", root, "--plant"];
        let files = [text(&plant), "--signed", text(&signed)];
        let kept = self.gateway.client(who, &[&args[..], &files].concat());
        assert_eq!(kept.code, 0, "{kept}");
    }

    /// A moment by the gateway's clock, so many milliseconds from now.
    pub fn at(&self, ms: i64) -> String {
        moment(self.gateway.now().wall_ms() + ms)
    }

    /// It is approved by these.
    #[track_caller]
    pub fn approved(&self, window: u64, by: &[&str]) {
        for who in by {
            let done = self.approve(who, window);
            assert_eq!(done.code, 0, "{done}");
        }
    }

    /// A window of victor's on the press that arno approved.
    #[track_caller]
    pub fn open(&self, more: &[&str]) -> u64 {
        let window = self.requested(VICTOR, more);
        self.approved(window, &[ARNO]);
        window
    }

    /// The window as an auditor sees it.
    #[track_caller]
    pub fn row(&self, window: u64) -> Value {
        let number = window.to_string();
        let shown = ["-o", "jsonl", "window", "show", &number, "--no-read"];
        let shown = self.gateway.client(AIDA, &shown);
        assert_eq!(shown.code, 0, "{shown}");
        serde_json::from_str(&shown.stdout).unwrap_or_else(|why| panic!("{why}: {shown}"))
    }

    /// Where the window stands, in a word or two.
    #[track_caller]
    pub fn state(&self, window: u64) -> String {
        let row = self.row(window);
        row["state"].as_str().expect("a state").to_owned()
    }

    /// Waits until the window stands so.
    #[track_caller]
    pub fn until(&self, window: u64, state: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let now = self.state(window);
            if now == state {
                return;
            }
            let left = end.checked_duration_since(Instant::now());
            assert!(left.is_some(), "window {window} is {now}, not {state}");
            sleep(LOOK_EVERY);
        }
    }

    /// `interlock connect` of victor, who may write to the press.
    pub fn victor(&self) -> Connected {
        self.gateway.connect(VICTOR, &[PRESS])
    }

    /// A command of `interlock` that goes on, as this subject.
    pub fn going_on(&self, who: &str, args: &[&str]) -> Process {
        let mut command = Command::new(binary("client"));
        command.arg("--profile").arg(self.gateway.issue(who));
        Process::start(who, command.args(args))
    }

    /// The same over a stretch of network that a test cuts.
    pub fn through(&self, relay: &Relay, who: &str, args: &[&str]) -> Process {
        let profile = self.gateway.issue(who);
        let file = profile.join("profile.toml");
        let before = std::fs::read_to_string(&file).expect("a profile");
        let (direct, over) = (
            self.gateway.address().to_string(),
            relay.address().to_string(),
        );
        assert_eq!(before.matches(&direct).count(), 1, "{before}");
        std::fs::write(&file, before.replace(&direct, &over)).expect("a profile");
        self.going_on(who, args)
    }

    /// Each write that the press received, in order: function, address and what follows.
    pub fn written(&self) -> Vec<Vec<u8>> {
        let commands = self.press.seen().commands_of(&[5, 6, 15, 16, 22, 23]);
        commands.into_iter().map(|(_, pdu)| pdu).collect()
    }
}

/// One command of `interlock` without a profile; it must do what it is told.
#[track_caller]
fn done(args: &[&str]) -> Ended {
    let ended = Ended::of("interlock", Command::new(binary("client")).args(args));
    assert_eq!(ended.code, 0, "{ended}");
    ended
}

/// A number in what was printed with `-o jsonl`.
#[track_caller]
pub fn number(printed: &Ended, key: &str) -> u64 {
    let line = printed.stdout.lines().find(|line| line.starts_with('{'));
    let line = line.unwrap_or_else(|| panic!("no line of JSON: {printed}"));
    let row: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {printed}"));
    let found = row[key].as_u64();
    found.unwrap_or_else(|| panic!("no {key}: {printed}"))
}

/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// A day as the list of approvers writes it.
pub fn days_ago(days: i64) -> String {
    hours_ago(24 * days)
}

/// A moment as the list of approvers writes it.
pub fn hours_ago(hours: i64) -> String {
    let now = interlock_broker::clock::Clock::start().now();
    moment(now.wall_ms() - hours * HOUR_MS)
}

/// A moment in UTC, in whole seconds.
pub fn moment(ms: i64) -> String {
    let moment = jiff::Timestamp::from_second(ms / 1_000);
    moment.expect("a moment").to_string()
}

fn name(subject: &str) -> &str {
    subject.rsplit('/').next().expect("a subject has a name")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}
