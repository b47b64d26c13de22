//! Rules about names in sources and about files and folders.

use crate::{files, hold, shipped_sources, text};

/// A name that only some places may use.
struct Reserved {
    names: &'static [&'static str],
    /// Crates or folders the rule holds in; every shipped crate when empty.
    within: &'static [&'static str],
    /// Where the names may stand all the same.
    except: &'static [&'static str],
    rule: &'static str,
}

/// Time is an argument. A timer (`tokio::time::sleep`) is none of these: it tells no time.
const CLOCK: Reserved = Reserved {
    names: &[
        "Instant::now",
        "SystemTime::now",
        "Utc::now",
        "Local::now",
        "Zoned::now",
        "Timestamp::now",
        ".elapsed()",
        "clock_gettime",
    ],
    within: &[],
    except: &["broker/src/clock.rs"],
    rule: "only broker/src/clock.rs reads a clock: take a broker::clock::Now as an argument",
};

const CEDAR: Reserved = Reserved {
    names: &["cedar_policy"],
    within: &[],
    except: &["broker/src/policy/"],
    rule: "only broker/src/policy/ names cedar_policy: ask broker::policy instead",
};

const SLED: Reserved = Reserved {
    names: &["sled"],
    within: &[],
    except: &["broker/src/state.rs"],
    rule: "only broker/src/state.rs names sled: the journal is the truth, state is a view of it",
};

const SOCKETS: Reserved = Reserved {
    names: &[
        "tokio::net",
        "TcpStream",
        "TcpListener",
        "TcpSocket",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "UnixDatagram",
        "quinn",
    ],
    within: &["protocols/", "broker/"],
    except: &[],
    rule: "protocols and broker open no socket: the edge hands them bytes",
};

const EDGE_IN_CLIENT: Reserved = Reserved {
    names: &["interlock_edge"],
    within: &["client/"],
    except: &["client/src/demo"],
    rule: "the client uses the edge for `demo` alone",
};

impl Reserved {
    /// One sentence for every line of this file that uses a name where it may not.
    fn broken(&self, path: &str, code: &str) -> Vec<String> {
        let starts = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
        if starts(self.except) || !(self.within.is_empty() || starts(self.within)) {
            return Vec::new();
        }
        let mut broken = Vec::new();
        for (number, line) in code.lines().enumerate() {
            // rustfmt may break a path over lines, but never inside `Instant::now`.
            for name in self.names.iter().filter(|name| uses(line, name)) {
                let line = number + 1;
                broken.push(format!("{path}:{line} names {name}, but {}", self.rule));
            }
        }
        broken
    }

    fn hold(&self) {
        let sources = shipped_sources();
        let broken: Vec<String> = sources
            .iter()
            .flat_map(|(path, code)| self.broken(path, code))
            .collect();
        hold(&broken);
    }
}

/// Whether a line uses this name as a whole word: `sled` is not in `dissled` or `sled_like`.
fn uses(line: &str, name: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        let runs_on = name.starts_with(is_name) && before.is_some_and(is_name)
            || name.ends_with(is_name) && after.is_some_and(is_name);
        !runs_on
    })
}

#[test]
fn only_the_clock_reads_a_clock() {
    CLOCK.hold();
    let bad = "fn f() {\n    let a = std::time::Instant::now();\n    a.elapsed()\n}";
    assert_eq!(CLOCK.broken("edge/src/x.rs", bad).len(), 2);
    assert_eq!(CLOCK.broken("broker/src/clock.rs", bad).len(), 0);
}

#[test]
fn only_the_policy_module_names_cedar() {
    CEDAR.hold();
    let bad = "use cedar_policy::PolicySet;";
    assert_eq!(CEDAR.broken("broker/src/mediation.rs", bad).len(), 1);
    assert_eq!(CEDAR.broken("broker/src/policy/slice.rs", bad).len(), 0);
}

#[test]
fn only_the_state_names_sled() {
    SLED.hold();
    assert_eq!(
        SLED.broken("broker/src/journal/mod.rs", "let d = sled::open(p);")
            .len(),
        1
    );
    assert_eq!(
        SLED.broken("broker/src/journal/mod.rs", "let unsled = 1;")
            .len(),
        0
    );
}

#[test]
fn the_broker_opens_no_socket() {
    SOCKETS.hold();
    let bad = "use std::net::{SocketAddr, TcpStream};\nuse tokio::net::lookup_host;";
    assert_eq!(SOCKETS.broken("broker/src/x.rs", bad).len(), 2);
    assert_eq!(
        SOCKETS
            .broken("broker/src/x.rs", "use std::net::SocketAddr;")
            .len(),
        0
    );
    assert_eq!(SOCKETS.broken("edge/src/x.rs", bad).len(), 0);
}

#[test]
fn the_client_knows_the_edge_in_the_demo_alone() {
    EDGE_IN_CLIENT.hold();
    let bad = "use interlock_edge::run;";
    assert_eq!(EDGE_IN_CLIENT.broken("client/src/connect.rs", bad).len(), 1);
    assert_eq!(
        EDGE_IN_CLIENT.broken("client/src/demo/plant.rs", bad).len(),
        0
    );
}

const DRAWERS: [&str; 6] = ["common", "utils", "util", "types", "helpers", "helper"];

/// A drawer for what has no place: name the duty instead.
fn drawers(paths: &[String]) -> Vec<String> {
    let mut broken = Vec::new();
    for path in paths {
        for part in path.split('/') {
            let stem = part.strip_suffix(".rs").unwrap_or(part);
            if DRAWERS.contains(&stem) {
                broken.push(format!(
                    "{path} stands in `{stem}`, but no folder or module is called {}: name its one duty",
                    DRAWERS.join(", ")
                ));
            }
        }
    }
    broken
}

#[test]
fn there_is_no_drawer_for_odds_and_ends() {
    hold(&drawers(&files(".")));
    assert_eq!(drawers(&["broker/src/utils/mod.rs".into()]).len(), 1);
    assert_eq!(drawers(&["tests/tests/common.rs".into()]).len(), 1);
    assert_eq!(
        drawers(&["broker/src/plant/value_types.rs".into()]).len(),
        0
    );
}

/// A module this long wants splitting; a longer one has to be split.
const LONG_LINES: usize = 400;
const TOO_LONG_LINES: usize = 600;

fn too_long(path: &str, lines: usize) -> Option<String> {
    (lines > TOO_LONG_LINES).then(|| {
        format!("{path} has {lines} lines, but a file has at most {TOO_LONG_LINES} (and wants splitting from {LONG_LINES}): split it by duty")
    })
}

#[test]
#[allow(
    clippy::print_stdout,
    reason = "the list is for people: --nocapture shows it"
)]
fn no_file_grows_without_end() {
    let mut broken = Vec::new();
    for path in files(".").iter().filter(|path| path.ends_with(".rs")) {
        let lines = text(path).lines().count();
        if lines > LONG_LINES {
            println!("{lines:>5} lines: {path}");
        }
        broken.extend(too_long(path, lines));
    }
    hold(&broken);
    assert!(too_long("x.rs", TOO_LONG_LINES + 1).is_some());
    assert!(too_long("x.rs", TOO_LONG_LINES).is_none());
}
