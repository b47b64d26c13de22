//! rsyslogd as Debian has it, a collector with mutual TLS, and a reader of what it wrote.

use crate::pki::Pki;
use interlock_tests::harness::{Process, peer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

/// A collector that can be killed and started again at the same address. Each run writes a file
/// of its own, so that a line torn by a kill spoils no other.
pub(crate) struct Rsyslogd {
    dir: PathBuf,
    address: SocketAddr,
    driver: &'static str,
    pki: Pki,
    process: Option<Process>,
    runs: usize,
}

impl Rsyslogd {
    /// One that speaks TLS by this driver: `ossl` or `gtls`. It does not run yet.
    pub(crate) fn new(dir: &Path, driver: &'static str) -> Rsyslogd {
        std::fs::create_dir_all(dir).unwrap();
        Rsyslogd {
            dir: dir.to_owned(),
            address: own_address(),
            driver,
            pki: Pki::new(&dir.join("pki")),
            process: None,
            runs: 0,
        }
    }

    pub(crate) fn pki(&self) -> &Pki {
        &self.pki
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none(), "it runs");
        self.runs += 1;
        let config = self.dir.join("rsyslog.conf");
        std::fs::write(&config, self.config()).unwrap();
        let mut command = peer("rsyslogd");
        command.args(["-n", "-iNONE", "-f"]).arg(config);
        self.process = Some(Process::start("rsyslogd", &mut command));
    }

    fn config(&self) -> String {
        let Rsyslogd {
            driver, address, ..
        } = self;
        format!(
            r#"global(
  workDirectory="{dir}" maxMessageSize="128k"
  defaultNetstreamDriver="{driver}"
  defaultNetstreamDriverCAFile="{ca}"
  defaultNetstreamDriverCertFile="{certificate}"
  defaultNetstreamDriverKeyFile="{key}"
)
module(
  load="imtcp" streamDriver.name="{driver}" streamDriver.mode="1"
  streamDriver.authMode="x509/name" permittedPeer=["workload/gateway"]
)
# One, since two would write out of order.
main_queue(queue.workerThreads="1")
template(name="whole" type="string" string="%rawmsg%\n")
input(type="imtcp" address="{ip}" port="{port}")
if $inputname == "imtcp" then action(type="omfile" file="{out}" template="whole")
"#,
            dir = self.dir.display(),
            ca = self.pki.file("ca.pem").display(),
            certificate = self.pki.file("server.pem").display(),
            key = self.pki.file("server.key").display(),
            ip = address.ip(),
            port = address.port(),
            out = self.out(self.runs).display(),
        )
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// SIGTERM, and waits for its end.
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal(rustix::process::Signal::TERM);
        process.exit("at SIGTERM");
    }

    /// SIGSTOP: from here on it reads nothing, while its system still takes what is sent to it.
    pub(crate) fn freeze(&self) {
        let process = self.process.as_ref().expect("it runs");
        process.signal(rustix::process::Signal::STOP);
    }

    /// Whether its system holds bytes for it that it has not read, by the kernel's own table.
    pub(crate) fn has_unread(&self) -> bool {
        let std::net::IpAddr::V4(ip) = self.address.ip() else {
            panic!("an IPv4 address");
        };
        // The table has the address as a number of the machine.
        let ip = u32::from_ne_bytes(ip.octets());
        let local = format!("{ip:08X}:{:04X}", self.address.port());
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        table.lines().any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // Local address, state (01 is established), and `sent:received` in bytes.
            let [_, address, _, "01", queues, ..] = fields[..] else {
                return false;
            };
            let (_, received) = queues.split_once(':').unwrap();
            address == local && u64::from_str_radix(received, 16).unwrap() > 0
        })
    }

    fn out(&self, run: usize) -> PathBuf {
        self.dir.join(format!("out-{run}.log"))
    }

    /// The messages of the last run so far.
    pub(crate) fn latest(&self) -> Vec<Message> {
        read(&self.out(self.runs))
    }

    /// The messages of each run.
    pub(crate) fn runs(&self) -> Vec<Vec<Message>> {
        (1..=self.runs).map(|run| read(&self.out(run))).collect()
    }

    /// All messages by sequence, repeats dropped as a receiver would: by what tells records apart.
    pub(crate) fn held(&self) -> BTreeMap<u64, Message> {
        let all = self.runs().into_iter().flatten();
        all.map(|message| (message.sequence, message)).collect()
    }
}

/// One message as the collector wrote it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Message {
    pub(crate) sequence: u64,
    pub(crate) header: String,
    pub(crate) json: Value,
}

fn read(file: &Path) -> Vec<Message> {
    let text = std::fs::read(file).unwrap_or_default();
    // A kill may have torn the last line.
    let whole = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let text = std::str::from_utf8(&text[..whole]).expect("ASCII");
    text.lines().map(message).collect()
}

fn message(line: &str) -> Message {
    let (header, text) = line.split_once("] {").unwrap_or_else(|| panic!("{line}"));
    let json: Value =
        serde_json::from_str(&format!("{{{text}")).unwrap_or_else(|why| panic!("{why} in {line}"));
    let uid = json.pointer("/metadata/uid").or(json.get("interlock_uid"));
    let uid = uid
        .and_then(Value::as_str)
        .expect("what tells records apart");
    Message {
        sequence: uid.rsplit(':').next().unwrap().parse().unwrap(),
        header: format!("{header}]"),
        json,
    }
}

/// An address that no other process of this machine picks, so that a collector comes back at the
/// same one: the loopback address is made of our process id, and the port is below those that
/// systems hand out by themselves.
fn own_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(26_514);
    let port = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, b, c, d] = std::process::id().to_be_bytes();
    // A process id has at most 22 bits.
    SocketAddr::from(([127, 128 | b, c, d], port))
}
