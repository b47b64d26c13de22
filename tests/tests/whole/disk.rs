//! Trouble with a real disk: commands with effect are refused with 04 and the reason, reads go on,
//! the status is loud, nothing acknowledged is lost, and service returns without a restart.
//!
//! Those that mount something need root. They are left out of a plain `cargo test`, which says
//! so; `.ci/run faults` runs them, and there a mount that does not come off fails.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Bench, Connected, Ended, Gateway, Modbus, PATIENCE};

use crate::{Told, write};

/// Writes that fit a segment of 1 MiB, by far: an INTENT and its outcome take some 400 bytes.
const WRITES_MAX: u16 = 11_000;

/// Runs a program of the system that must do what it is told.
#[track_caller]
fn system(program: &str, args: &[&str]) -> String {
    let ended = Ended::of(program, Command::new(program).args(args));
    assert_eq!(
        ended.code, 0,
        "{program} {args:?} (root is needed): {ended}"
    );
    ended.stdout.trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A mount of the test's own; gone with it.
struct Mount(PathBuf);

impl Mount {
    fn tmpfs(at: PathBuf, size: &str) -> Mount {
        fs::create_dir_all(&at).unwrap();
        let size = format!("size={size},mode=700");
        system("mount", &["-t", "tmpfs", "-o", &size, "none", text(&at)]);
        Mount(at)
    }

    fn device(device: &str, at: &Path) -> Mount {
        fs::create_dir_all(at).unwrap();
        system("mount", &[device, text(at)]);
        Mount(at.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: what still runs may hold a file.
        let _gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A loop device over an image.
struct Loop(String);

impl Loop {
    fn over(image: &Path) -> Loop {
        Loop(system("losetup", &["-f", "--show", text(image)]))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _gone = Command::new("losetup").args(["-d", &self.0]).status();
    }
}

/// A session that writes and remembers what it was told was done.
struct Operator {
    connected: Connected,
    modbus: Modbus,
    done: Vec<u16>,
}

impl Operator {
    fn at(gateway: &Gateway) -> Operator {
        let connected = gateway.connect("person/olga", &["press-4"]);
        let modbus = connected.modbus("press-4");
        Operator {
            connected,
            modbus,
            done: Vec::new(),
        }
    }

    /// Writes once; whether it was done.
    fn write(&mut self, value: u16) -> bool {
        let answer = self.modbus.write_holding(1, 100, value);
        if answer == [0x86, 4] {
            return false;
        }
        let [high, low] = value.to_be_bytes();
        assert_eq!(answer, [6, 0, 100, high, low]);
        self.done.push(value);
        true
    }

    /// Writes until that is refused with 04.
    fn write_until_refused(&mut self) {
        let refused = (1_000..WRITES_MAX).any(|value| !self.write(value));
        assert!(refused, "{WRITES_MAX} writes and the disk took them all");
    }

    /// Writes until that is done again: nobody starts anything anew.
    fn write_until_done(&mut self) {
        let end = Instant::now() + PATIENCE;
        while !self.write(777) {
            assert!(Instant::now() < end, "service does not return");
        }
    }
}

/// What must be seen of a gateway that cannot record, by everybody.
fn assert_refusing(bench: &mut Bench, operator: &mut Operator, why: &str) {
    let told = Told::until(&bench.gateway, "loud", |told| told.failure().is_some());
    assert_eq!(told.code, 1);
    let failure = told.failure().unwrap();
    assert!(failure.contains(why), "{why:?} in {failure}");
    let process = operator.connected.process();
    process.complaint("the reason", |line| line.contains(why).then_some(()));
    let refused = write(&bench.gateway, 700);
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.stderr.contains(why), "{refused}");
    let held = bench.press.holding(100);
    assert_eq!(operator.modbus.read_holding(1, 100, 1), [held]);
    assert_eq!(Some(&held), operator.done.last());
}

/// All that was acknowledged is on record, the gap is told, and everything agrees.
fn assert_nothing_lost(mut bench: Bench, operator: Operator) {
    bench
        .gateway
        .record("return", |record| match &record.event {
            Event::JournalRecovered(_) => Some(()),
            _ => None,
        });
    let told = Told::until(&bench.gateway, "well", |told| told.failure().is_none());
    assert_eq!(told.held(), None);
    assert_eq!(operator.connected.end(), 0);
    let records = bench.settle();
    // A command that met the failure may stand there as well: WITHHELD, since nobody sent it.
    let answered = records
        .commands
        .iter()
        .filter(|(_, result)| !matches!(result, CommandResult::Withheld { .. }))
        .map(|(intent, _)| u16::from_be_bytes([intent.pdu[3], intent.pdu[4]]));
    let parting = answered.clone().zip(&operator.done).find(|(a, b)| a != *b);
    assert_eq!(parting, None, "what is recorded, what was acknowledged");
    assert_eq!(answered.count(), operator.done.len());
}

#[test]
fn a_disk_that_fails_and_is_well_again_needs_no_restart() {
    let mut fails = PathBuf::new();
    let mut bench = Bench::start_with(|gateway| {
        fails = gateway.beside("fails");
        gateway.run_by("held_edge");
        gateway.set("HELD_FAILS", text(&fails));
    });
    let mut operator = Operator::at(&bench.gateway);
    assert!(operator.write(900));
    File::create(&fails).unwrap();
    assert!(!operator.write(910));
    assert_refusing(&mut bench, &mut operator, "the disk of the test failed");
    fs::remove_file(&fails).unwrap();
    operator.write_until_done();
    assert_nothing_lost(bench, operator);
}

#[ignore = "needs root, to mount"]
#[test]
fn a_full_disk_refuses_and_serves_again_once_there_is_room() {
    let mut mount = None;
    let mut bench = Bench::start_with(|gateway| {
        mount = Some(Mount::tmpfs(gateway.site().join("journal"), "4m"));
    });
    let ballast = bench.gateway.site().join("journal/ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    let mut operator = Operator::at(&bench.gateway);
    operator.write_until_refused();
    assert!(operator.done.len() > 100, "{}", operator.done.len());
    assert_refusing(
        &mut bench,
        &mut operator,
        "the disk has no 1048576 bytes left",
    );
    fs::remove_file(&ballast).unwrap();
    drop(file);
    operator.write_until_done();
    assert_nothing_lost(bench, operator);
}

/// A bench whose journal is on a file system of its own, in the file `image`.
fn on_ext4() -> (Bench, Option<(Mount, Loop)>) {
    let mut mounted = None;
    let bench = Bench::start_with(|gateway| {
        let image = gateway.beside("image");
        let file = OpenOptions::new().create_new(true).write(true).open(&image);
        file.unwrap().set_len(32 << 20).unwrap();
        system("mkfs.ext4", &["-q", "-F", text(&image)]);
        let device = Loop::over(&image);
        let mount = Mount::device(&device.0, &gateway.site().join("journal"));
        mounted = Some((mount, device));
    });
    (bench, mounted)
}

#[ignore = "needs root, to mount"]
#[test]
fn a_folder_that_may_not_be_changed_any_more_is_noticed_and_forgiven() {
    let (mut bench, mounted) = on_ext4();
    let journal = bench.gateway.site().join("journal");
    // Binds root as well, which a mode would not.
    system("chattr", &["+i", text(&journal)]);
    let mut operator = Operator::at(&bench.gateway);
    operator.write_until_refused();
    assert_refusing(&mut bench, &mut operator, "Operation not permitted");
    system("chattr", &["-i", text(&journal)]);
    operator.write_until_done();
    assert_nothing_lost(bench, operator);
    drop(mounted);
}

#[ignore = "needs root, to mount"]
#[test]
fn a_disk_that_went_read_only_serves_again_once_it_is_mounted_anew() {
    let (mut bench, mut mounted) = on_ext4();
    let mut operator = Operator::at(&bench.gateway);
    for value in 900..950 {
        assert!(operator.write(value));
    }
    let journal = bench.gateway.site().join("journal");
    // As the kernel does by itself after an error of the disk.
    system("mount", &["-o", "remount,abort", text(&journal)]);
    assert!(!operator.write(990));
    assert_refusing(&mut bench, &mut operator, "Read-only file system");
    let image = bench.gateway.beside("image");
    let (broken, device) = mounted.take().unwrap();
    drop(broken);
    let again = Loop::over(&image);
    let mount = Mount::device(&again.0, &journal);
    operator.write_until_done();
    assert_nothing_lost(bench, operator);
    drop((mount, again, device));
}
