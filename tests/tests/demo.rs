//! The demo as people start it: the tour, and what it invites them to try afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use interlock_tests::harness::{Ended, Modbus, Process, Site, binary};
use rustix::process::Signal;
use std::fs::create_dir_all;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;

/// The demo, which keeps its own folder inside this one. Its name has a space, as folders of
/// people have.
fn demo(site: &Site, args: &[&str]) -> Command {
    let mut command = Command::new(binary("client"));
    let place = site.join("my demos");
    create_dir_all(&place).unwrap();
    command.arg("demo").args(args).env("TMPDIR", place);
    command
}

#[track_caller]
fn assert_nothing_left(site: &Site) {
    let left: Vec<_> = site
        .join("my demos")
        .read_dir()
        .unwrap()
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?} stays behind");
}

#[test]
fn the_tour_shows_what_passes_what_is_denied_and_what_is_logged() {
    let site = Site::new();
    let tour = Ended::of("demo --tour", &mut demo(&site, &["--tour"]));
    assert_eq!(tour.code, 0, "{tour}");
    assert_eq!(tour.stderr, "", "the tour is all there is to read");
    // In this order, each behind the one before; lines may break between words.
    let said = tour.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = said.as_str();
    for part in [
        "1. A read that passes",
        "press-4 speed 800 rpm input 0 (30001)",
        "2. A write that passes",
        "before holding 100 (40101) 8000 800 rpm",
        "after holding 100 (40101) 9000 900 rpm",
        "3. A write that a rule denies",
        "rule guards.cedar/pressure-is-for-engineers",
        "4. A write that a limit denies",
        "1300 rpm was asked, allowed is 0 to 1200 rpm",
        "5. A vendor without a maintenance window",
        "REFUSED there is nothing of that name for you",
        "6. He asks for one",
        "victor$ interlock window request --device press-4",
        "waits to be approved until",
        "7. Somebody else signs it",
        "arno$ interlock window approve",
        "You are asked to sign: who vendor/acme/victor",
        "| 1200 rpm asked 600..750",
        "is approved, in record",
        "is approved, by person/arno last",
        "8. Work in the window, and no further",
        "the PLC's register 40101 went from 9000 to 7000",
        "does not go as far: holding 101 (40102)",
        "does not go as far: the value of speed_setpoint is outside its range",
        "9. A write that waits for a yes",
        "watched by another organisation, which says yes to each write",
        "nobody of another organisation watches",
        "SUPERVISING press-4",
        "REFUSED it waits for the yes of a supervisor (hold 1)",
        "before 6.5 bar",
        "May it pass, once? y or n (hold 1)",
        "hold 1: yes, by person/olga",
        "went from 6.5 to 7 bar",
        "10. Taken away in the middle of the work",
        "hold 2: its window opens nothing any more",
        "was revoked: the press is too loud",
        "11. The command log, as the auditor reads it",
        "press-4: write speed_setpoint = 900 rpm",
        "allowed by staff.cedar/operators-write: done",
        "DENIED rule-forbids by",
        "DENIED value-outside-limits by",
        "DENIED not-yours",
        "asks for window",
        "approved window",
        "windows.cedar/vendors-use-their-windows in window",
        "DENIED outside-window",
        "said yes to session",
        "revoked window",
        "12. The log verified",
        "SOUND: every record is whole",
        "NOT SOUND: record",
        "All twelve steps went as they should.",
    ] {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("no `{part}` in its place\n{tour}"));
        rest = &rest[at + part.len()..];
    }
    for line in tour.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains('\u{1b}'), "a colour in a pipe: {line:?}");
    }
    assert_nothing_left(&site);
}

/// The addresses of the sample's inventory are the same in every demo: one test at a time.
static ADDRESSES: Mutex<()> = Mutex::new(());

/// What the demo invites to, once the tour is over.
struct Invitation {
    process: Process,
    press: SocketAddr,
    /// Names the program and the demo's folder.
    settings: Vec<String>,
    commands: Vec<String>,
}

impl Invitation {
    fn wait(site: &Site) -> Invitation {
        let mut process = Process::start("demo", &mut demo(site, &[]));
        process.next_line("invitation", |line| (line == "Now you").then_some(()));
        let press = process.next_line("address of press-4", |line| {
            let mut words = line.split_whitespace();
            let device = words.next() == Some("press-4");
            device.then(|| words.next().unwrap().parse().unwrap())
        });
        let mut settings = Vec::new();
        let mut commands = Vec::new();
        process.next_line("end of the invitation", |line| {
            let line = line.trim();
            if line.starts_with("PATH=") || line.starts_with("demo=") {
                settings.push(line.to_owned());
            } else if line.starts_with("client ") {
                commands.push(line.to_owned());
            }
            line.starts_with("Ctrl-C stops everything").then_some(())
        });
        Invitation {
            process,
            press,
            settings,
            commands,
        }
    }

    /// Runs what was printed, as it was printed.
    fn shell(&self, command: &str) -> Ended {
        let script = format!("{}\n{command}", self.settings.join("\n"));
        Ended::of(command, Command::new("sh").args(["-c", &script]))
    }
}

#[test]
fn what_it_invites_to_works_from_another_terminal_until_ctrl_c() {
    let _mine = ADDRESSES.lock();
    let site = Site::new();
    let mut demo = Invitation::wait(&site);
    assert_eq!(demo.settings.len(), 2, "{:?}", demo.settings);
    let mut tool = Modbus::connect(demo.press);
    assert_eq!(tool.write_holding(1, 100, 8_500), [6, 0, 100, 0x21, 0x34]);
    assert_eq!(tool.write_holding(1, 100, 13_000), [0x86, 1]);
    demo.process.complaint("why it was refused", |line| {
        line.contains("1300 rpm was asked").then_some(())
    });
    let expected = [
        ("devices press-4", 0, "speed_setpoint"),
        ("read press-4", 0, "temperature"),
        ("speed_setpoint=1000", 0, "1000 rpm"),
        ("pressure_setpoint=8.5", 3, "pressure-is-for-engineers"),
        ("victor devices", 0, "press-4"),
        ("arno window list", 0, "WO-1234"),
        ("journal show", 0, "write speed_setpoint = 1000 rpm"),
        ("journal verify", 0, "sound: every record"),
    ];
    assert_eq!(demo.commands.len(), expected.len(), "{:?}", demo.commands);
    for (command, (what, code, says)) in demo.commands.iter().zip(expected) {
        assert!(command.contains(what), "{command} is not {what}");
        let ended = demo.shell(command);
        assert_eq!(ended.code, code, "{command}: {ended}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(says), "{command}: {ended}");
    }
    demo.process.signal(Signal::INT);
    assert_eq!(demo.process.exit("Ctrl-C").code(), Some(0));
    assert_nothing_left(&site);
}

#[test]
fn a_second_demo_finds_addresses_of_its_own() {
    let _mine = ADDRESSES.lock();
    let site = Site::new();
    let mut first = Invitation::wait(&site);
    let mut second = Invitation::wait(&site);
    assert_ne!(first.press, second.press);
    // Unless a stranger holds it, the first demo has the address that the second wants as well.
    if first.press.to_string() == "127.77.0.11:1502" {
        let said = second.process.stdout().join(" ");
        assert!(said.contains("is taken by `client`"), "{said}");
    }
    let mut tool = Modbus::connect(second.press);
    assert_eq!(tool.write_holding(1, 100, 8_500), [6, 0, 100, 0x21, 0x34]);
    for demo in [&mut first, &mut second] {
        demo.process.signal(Signal::INT);
        assert_eq!(demo.process.exit("Ctrl-C").code(), Some(0));
    }
    assert_nothing_left(&site);
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing_behind() {
    let site = Site::new();
    let mut process = Process::start("demo --tour", &mut demo(&site, &["--tour"]));
    // The drive alone needs a second from here to its setpoint.
    process.next_line("beginning", |_| Some(()));
    process.signal(Signal::INT);
    assert_eq!(process.exit("Ctrl-C").code(), Some(1));
    process.complaint("that it was interrupted", |line| {
        line.contains("the tour was interrupted").then_some(())
    });
    assert_nothing_left(&site);
}
