//! Power cuts on a real file system: the journal lies on an ext4 image behind a loop device. At
//! random moments of a write storm the image is copied as it is then, which is what a disk holds
//! after the mains went: what the file system still had in memory is missing. The copy is mounted,
//! the file system replays its own journal, and ours is opened by the code that opens it at every
//! start. Whoever was told that his command is on the disk must find it there.
//!
//! Needs root, loop devices and `mkfs.ext4`, so it is asked for by name:
//! `cargo test -p interlock-tests --test powercut -- --ignored`. `INTERLOCK_CUTS` sets how many
//! there are (100 if unset), `INTERLOCK_CUTS_SEED` repeats the waits between them. Wherever the
//! machine has no loop devices, `a_cut_at_any_moment_loses_nothing_that_was_acknowledged` of the
//! broker does the same over a disk in memory that forgets what was never flushed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const STORM: &str = env!("CARGO_BIN_EXE_journal_storm");
/// Room for some hundred segments; more is only more to copy.
const IMAGE_MIB: u64 = 96;
/// From the start of one storm to its cut.
const CUT_AFTER_MS: std::ops::Range<u64> = 20..400;
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// What was under way when the storm was stopped is a few flushes and one commit of the file
/// system; this is far above both, on a loaded machine too.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

#[test]
#[ignore = "needs root and loop devices"]
fn what_was_acknowledged_survives_a_power_cut_of_a_real_file_system() {
    let cuts = number("INTERLOCK_CUTS").unwrap_or(100);
    let seed = number("INTERLOCK_CUTS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{cuts} cuts, INTERLOCK_CUTS_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.ext4");
    let (mut acknowledged, mut in_flight) = (0, 0);
    for cut in 0..cuts {
        // A fresh disk now and then: a full one would end the storm early.
        if cut % 10 == 0 {
            format(&image);
        }
        let acks = folder.path().join("acks");
        let copy = folder.path().join("copy.ext4");
        {
            let disk = Mounted::on(&image, folder.path().join("disk"));
            let mut storm = Storm::start(&disk.journal(), &acks);
            sleep(Duration::from_millis(random.u64(CUT_AFTER_MS)));
            storm.stop();
            // Stopped, nobody hands the file system more while the disk is being copied.
            copy_of_one_moment(&image, &copy);
            storm.kill();
        }
        let disk = Mounted::on(&copy, folder.path().join("after"));
        let found = Found::of(&disk.journal());
        let acks = fs::read_to_string(&acks).unwrap();
        for line in acks.lines() {
            let [sequence, writer, round] = numbers(line);
            let here = found.intents.get(&sequence);
            assert_eq!(
                here,
                Some(&(writer, round)),
                "cut {cut}: record {sequence} is lost"
            );
            acknowledged += 1;
        }
        for sequence in found.intents.keys() {
            assert!(
                found.outcomes.contains(sequence),
                "cut {cut}: {sequence} has no outcome"
            );
        }
        in_flight += found.intents.len().saturating_sub(acks.lines().count());
        // The next storm goes on behind what this cut has left.
        drop(disk);
        fs::rename(&copy, &image).unwrap();
    }
    println!(
        "{acknowledged} acknowledged commands were all there, {in_flight} others were as well"
    );
    assert!(acknowledged > 0, "no storm got as far as one command");
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

fn numbers<const N: usize>(line: &str) -> [u64; N] {
    let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

fn format(image: &Path) {
    File::create(image)
        .unwrap()
        .set_len(IMAGE_MIB << 20)
        .unwrap();
    run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image));
}

/// Copies the disk as it was at one moment. A flush under way goes on after its caller was stopped,
/// and the file system may move blocks from its log to their places meanwhile: a copy that has
/// read the places before and the log after lacks both, which is no power cut. What is the same in
/// the copy and, read again later, in the image stood so at the moment between the two readings.
fn copy_of_one_moment(image: &Path, copy: &Path) {
    let began = Instant::now();
    loop {
        run(Command::new("cp")
            .arg("--sparse=always")
            .args([image, copy]));
        let same = Command::new("cmp").arg("-s").args([image, copy]).status();
        if same.unwrap().success() {
            return;
        }
        assert!(began.elapsed() < SETTLES_WITHIN, "the disk is never still");
    }
}

/// A mounted image; unmounted when dropped, whatever became of the test.
struct Mounted(PathBuf);

impl Mounted {
    fn on(image: &Path, at: PathBuf) -> Mounted {
        fs::create_dir_all(&at).unwrap();
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(image)
            .arg(&at));
        Mounted(at)
    }

    fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

struct Storm(Child);

impl Storm {
    /// Starts it, and waits until it has begun: the first word is of the run before, if any.
    fn start(journal: &Path, acks: &Path) -> Storm {
        let out = File::create(acks).unwrap();
        let mut command = Command::new(STORM);
        command.arg("write").arg(journal).stdout(Stdio::from(out));
        let storm = Storm(command.spawn().unwrap());
        let began = Instant::now();
        while fs::metadata(acks).unwrap().len() == 0 {
            assert!(began.elapsed() < STARTS_WITHIN, "the storm does not begin");
            sleep(Duration::from_millis(1));
        }
        storm
    }

    fn stop(&mut self) {
        kill_process(Pid::from_child(&self.0), Signal::STOP).unwrap();
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What a cut has left.
struct Found {
    intents: HashMap<u64, (u64, u64)>,
    outcomes: HashSet<u64>,
}

impl Found {
    fn of(journal: &Path) -> Found {
        let output = Command::new(STORM)
            .arg("check")
            .arg(journal)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "it does not open again: {said}");
        let mut found = Found {
            intents: HashMap::new(),
            outcomes: HashSet::new(),
        };
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            if let Some(intent) = line.strip_prefix("intent ") {
                let [sequence, writer, round] = numbers(intent);
                found.intents.insert(sequence, (writer, round));
            } else if let Some(outcome) = line.strip_prefix("outcome ") {
                let [intent] = numbers(outcome);
                assert!(found.outcomes.insert(intent), "{intent} has two outcomes");
            }
        }
        found
    }
}
