//! The value before a write: what the device last said, and only where it said all of it.

use std::time::Duration;

use interlock_broker::clock::Now;
use interlock_broker::mediation::{Authorized, Awaiting, Conversation, Handed, Redeemed};
use interlock_protocols::record::{Event, PointValue, Record};

use crate::world::{WRITE_SPEED, World, adu, noon};

/// Reads both registers of `pressure_setpoint`, a float32 with the low word first.
const READ_PRESSURE: [u8; 5] = [0x03, 0x00, 0x6E, 0x00, 0x02];
/// 6.5 bar is 40D0 0000.
const PRESSURE_IS_6_5: [u8; 6] = [0x03, 4, 0x00, 0x00, 0x40, 0xD0];
/// 8.5 bar is 4108 0000.
const WRITE_PRESSURE: [u8; 10] = [16, 0, 110, 0, 2, 4, 0, 0, 0x41, 0x08];
const PRESSURE_WRITTEN: [u8; 5] = [16, 0, 110, 0, 2];
const READ_SPEED_ALONE: [u8; 5] = [0x03, 0x00, 0x64, 0x00, 0x01];
const SPEED_IS_800: [u8; 4] = [0x03, 2, 0x1F, 0x40];

fn later(seconds: u64) -> Now {
    noon().after(Duration::from_secs(seconds))
}

async fn sent(talk: &mut Conversation, unit: u8, pdu: &[u8], now: Now) -> Awaiting {
    let asked = talk.authorize(adu(1, unit, pdu), now).await;
    let Ok(Authorized::Permit(permit)) = asked else {
        panic!("no permit for {pdu:02x?}: {asked:?}");
    };
    talk.settled(adu(1, unit, pdu).transaction);
    let Redeemed::Sent(awaiting) = permit.redeem(now, |_, _| Ok(Handed::Whole)) else {
        panic!("it was not sent");
    };
    awaiting
}

/// Asks, and has the device answer so, at this time.
async fn asked(talk: &mut Conversation, unit: u8, pdu: &[u8], reply: &[u8], now: Now) {
    let awaiting = sent(talk, unit, pdu, now).await;
    assert!(awaiting.answer(reply, now).is_ok(), "{reply:02x?}");
}

/// What was known of a point at a write of it: its value, and its age in ms.
type Known = Option<(f64, u64)>;

fn known(records: &[Record], name: &str) -> Vec<Known> {
    let of = |points: &[PointValue]| {
        let point = points.iter().find(|point| point.name == name)?;
        Some(point.before.zip(point.before_age_ms))
    };
    let told = |record: &Record| match &record.event {
        Event::Intent(intent) => of(&intent.points),
        _ => None,
    };
    records.iter().filter_map(told).collect()
}

#[tokio::test]
async fn what_was_read_and_what_was_written_is_told_with_its_age() {
    let world = World::new();
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    // Nothing is known at the start.
    asked(&mut talk, 1, &WRITE_SPEED, &WRITE_SPEED, noon()).await;
    // A write that was answered says what is held from then on.
    asked(&mut talk, 1, &WRITE_SPEED, &WRITE_SPEED, later(3)).await;
    asked(&mut talk, 1, &READ_SPEED_ALONE, &SPEED_IS_800, later(4)).await;
    asked(&mut talk, 1, &WRITE_SPEED, &WRITE_SPEED, later(9)).await;
    // So do a coil, and the write of many.
    let run = [5, 0, 0, 0xFF, 0];
    let run_is_off = [1, 0, 0, 0, 1];
    asked(&mut talk, 1, &run_is_off, &[1, 1, 0], later(9)).await;
    asked(&mut talk, 1, &run, &run, later(10)).await;
    asked(&mut talk, 1, &run, &run, later(12)).await;
    asked(&mut talk, 1, &READ_PRESSURE, &PRESSURE_IS_6_5, later(12)).await;
    asked(&mut talk, 1, &WRITE_PRESSURE, &PRESSURE_WRITTEN, later(13)).await;
    asked(&mut talk, 1, &WRITE_PRESSURE, &PRESSURE_WRITTEN, later(14)).await;
    let records = world.records();
    assert_eq!(
        known(&records, "speed_setpoint"),
        [None, Some((850.0, 3_000)), Some((800.0, 5_000))]
    );
    assert_eq!(
        known(&records, "run"),
        [Some((0.0, 1_000)), Some((1.0, 2_000))]
    );
    assert_eq!(
        known(&records, "pressure_setpoint"),
        [Some((6.5, 1_000)), Some((8.5, 1_000))]
    );
}

#[tokio::test]
async fn two_halves_heard_at_two_times_are_no_value() {
    let world = World::new();
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let low = [0x03, 0, 110, 0, 1];
    let high = [0x03, 0, 111, 0, 1];
    asked(&mut talk, 1, &low, &[3, 2, 0, 0], noon()).await;
    asked(&mut talk, 1, &high, &[3, 2, 0x40, 0xD0], later(1)).await;
    asked(&mut talk, 1, &WRITE_PRESSURE, &PRESSURE_WRITTEN, later(2)).await;
    // Half of it as it was: the whole is as old as it was. Half of it another: nobody knows.
    asked(&mut talk, 1, &high, &[3, 2, 0x41, 0x08], later(3)).await;
    asked(&mut talk, 1, &WRITE_PRESSURE, &PRESSURE_WRITTEN, later(4)).await;
    asked(&mut talk, 1, &high, &[3, 2, 0x40, 0xD0], later(5)).await;
    asked(&mut talk, 1, &WRITE_PRESSURE, &PRESSURE_WRITTEN, later(6)).await;
    assert_eq!(
        known(&world.records(), "pressure_setpoint"),
        [None, Some((8.5, 2_000)), None]
    );
}

#[tokio::test]
async fn exceptions_and_replies_to_something_else_change_nothing() {
    let world = World::new();
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    asked(&mut talk, 1, &READ_SPEED_ALONE, &SPEED_IS_800, noon()).await;
    asked(&mut talk, 1, &READ_SPEED_ALONE, &[0x83, 4], later(1)).await;
    let reading = sent(&mut talk, 1, &READ_SPEED_ALONE, later(1)).await;
    let reading = reading.answer(&[0x03, 4, 0, 1, 0, 2], later(1));
    drop(reading.expect_err("it answers another read"));
    asked(&mut talk, 1, &WRITE_SPEED, &[0x86, 4], later(2)).await;
    asked(&mut talk, 1, &WRITE_SPEED, &[0x86, 4], later(3)).await;
    assert_eq!(
        known(&world.records(), "speed_setpoint"),
        [Some((800.0, 2_000)), Some((800.0, 3_000))]
    );
}

#[tokio::test]
async fn a_write_that_nobody_answered_leaves_nothing_known() {
    let world = World::new();
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    asked(&mut talk, 1, &READ_SPEED_ALONE, &SPEED_IS_800, noon()).await;
    asked(&mut talk, 1, &READ_PRESSURE, &PRESSURE_IS_6_5, noon()).await;
    let silent = sent(&mut talk, 1, &WRITE_SPEED, later(1)).await;
    let _ = silent.silent("no answer within 1000 ms", later(2));
    // A read that nobody answered takes nothing away.
    drop(sent(&mut talk, 1, &READ_PRESSURE, later(2)).await);
    asked(&mut talk, 1, &WRITE_SPEED, &WRITE_SPEED, later(3)).await;
    asked(&mut talk, 1, &WRITE_PRESSURE, &PRESSURE_WRITTEN, later(3)).await;
    drop(sent(&mut talk, 1, &WRITE_SPEED, later(4)).await);
    asked(&mut talk, 1, &WRITE_SPEED, &WRITE_SPEED, later(5)).await;
    let records = world.records();
    assert_eq!(
        known(&records, "speed_setpoint"),
        [Some((800.0, 1_000)), None, Some((850.0, 1_000)), None]
    );
    assert_eq!(known(&records, "pressure_setpoint"), [Some((6.5, 3_000))]);
}

/// A unit of a plant whose second unit has points at the same addresses.
fn two_units() -> String {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/site/plant.toml");
    let plant = std::fs::read_to_string(site).unwrap();
    let twin = "[[device.point]]\nname = \"flow_setpoint_4\"\nunit_id = 4\nmodicon = 40021\n\
                type = \"i16\"\nscale = 0.5\nunit = \"m³/h\"\naccess = \"read-write\"\n\
                min = -20\nmax = 180\n";
    plant.replacen("unit_ids = [3]", "unit_ids = [3, 4]", 1) + "\n" + twin
}

#[tokio::test]
async fn another_unit_is_another_memory_and_a_direct_device_has_one() {
    let world = World::of(&two_units());
    let session = world.session("person/emil");
    let mut pump = session.converse("pump-2", true, noon()).unwrap();
    let read = [3, 0, 20, 0, 1];
    let write = [6, 0, 20, 0, 100];
    asked(&mut pump, 3, &read, &[3, 2, 0, 80], noon()).await;
    asked(&mut pump, 4, &write, &write, later(1)).await;
    asked(&mut pump, 3, &write, &write, later(1)).await;
    // 255 and 1 are the same press.
    let mut press = session.converse("press-4", true, noon()).unwrap();
    asked(&mut press, 255, &READ_SPEED_ALONE, &SPEED_IS_800, noon()).await;
    asked(&mut press, 1, &WRITE_SPEED, &WRITE_SPEED, later(1)).await;
    let records = world.records();
    assert_eq!(known(&records, "flow_setpoint_4"), [None]);
    assert_eq!(known(&records, "flow_setpoint"), [Some((40.0, 1_000))]);
    assert_eq!(known(&records, "speed_setpoint"), [Some((800.0, 1_000))]);
}

/// A mask keeps bits of a value that somebody at the panel may have changed since.
#[tokio::test]
async fn a_mask_says_what_is_held_only_where_it_keeps_nothing() {
    let world = World::of(&free_ramp());
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let read = [3, 0, 101, 0, 1];
    asked(&mut talk, 1, &read, &[3, 2, 0, 20], noon()).await;
    let keeping = [22, 0, 101, 0, 0x0F, 0, 0x10];
    asked(&mut talk, 1, &keeping, &keeping, later(1)).await;
    let whole = [22, 0, 101, 0, 0, 0, 7];
    asked(&mut talk, 1, &whole, &whole, later(2)).await;
    let write = [6, 0, 101, 0, 9];
    asked(&mut talk, 1, &write, &write, later(3)).await;
    assert_eq!(
        known(&world.records(), "ramp"),
        [Some((20.0, 1_000)), None, Some((7.0, 1_000))]
    );
}

/// The ramp with limits that any mask keeps.
fn free_ramp() -> String {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/site/plant.toml");
    let plant = std::fs::read_to_string(site).unwrap();
    plant.replacen("min = 5\nmax = 100\n", "min = 0\nmax = 65535\n", 1)
}

/// Write and read at once: what was written elsewhere is held, and what was read is as it is said.
#[tokio::test]
async fn function_23_is_heard_both_ways() {
    let world = World::new();
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    // Reads pressure_setpoint, writes speed_setpoint and ramp.
    let both = [23, 0, 110, 0, 2, 0, 100, 0, 2, 4, 0x21, 0x34, 0, 50];
    asked(&mut talk, 1, &both, &[23, 4, 0, 0, 0x40, 0xD0], noon()).await;
    asked(&mut talk, 1, &WRITE_SPEED, &WRITE_SPEED, later(1)).await;
    asked(&mut talk, 1, &WRITE_PRESSURE, &PRESSURE_WRITTEN, later(2)).await;
    let records = world.records();
    assert_eq!(
        known(&records, "speed_setpoint"),
        [None, Some((850.0, 1_000))]
    );
    // The first of these is the read of the command itself, which has no value before.
    assert_eq!(
        known(&records, "pressure_setpoint"),
        [None, Some((6.5, 2_000))]
    );
}

/// Whose record is long as it is has no room for values before.
#[tokio::test]
async fn a_write_of_very_many_points_is_recorded_without() {
    let coils: String = (2..200)
        .map(|address| {
            format!(
                "[[device.point]]\nname = \"gate-{address}\"\ntable = \"coil\"\n\
                 address = {address}\naccess = \"read-write\"\n"
            )
        })
        .collect();
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/site/plant.toml");
    let plant = std::fs::read_to_string(site).unwrap();
    let at = plant.find("[[device.point]]").unwrap();
    let plant = format!("{}{coils}{}", &plant[..at], &plant[at..]);
    let world = World::of(&plant);
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    for (count, reply) in [(100, [15, 0, 2, 0, 100]), (150, [15, 0, 2, 0, 150])] {
        let bytes: u8 = u8::try_from(usize::from(count).div_ceil(8)).unwrap();
        let mut off = vec![15, 0, 2, 0, count, bytes];
        off.extend(vec![0; usize::from(bytes)]);
        for second in 0..2 {
            asked(&mut talk, 1, &off, &reply, later(second)).await;
        }
    }
    assert_eq!(
        known(&world.records(), "gate-2"),
        [None, Some((0.0, 1_000)), None, None]
    );
}

#[tokio::test]
async fn while_a_write_is_under_way_nobody_knows_what_the_next_one_replaces() {
    let world = World::new();
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    asked(&mut talk, 1, &READ_SPEED_ALONE, &SPEED_IS_800, noon()).await;
    // One that waits in its queue and is never sent, and one beside it.
    let queued = talk.authorize(adu(1, 1, &WRITE_SPEED), later(1)).await;
    talk.settled(adu(1, 1, &WRITE_SPEED).transaction);
    let first = sent(&mut talk, 1, &WRITE_SPEED, later(1)).await;
    drop(queued);
    // One that is sent, and one beside it; both are answered.
    let second = sent(&mut talk, 1, &WRITE_SPEED, later(2)).await;
    assert!(first.answer(&WRITE_SPEED, later(3)).is_ok());
    assert!(second.answer(&WRITE_SPEED, later(3)).is_ok());
    asked(&mut talk, 1, &WRITE_SPEED, &WRITE_SPEED, later(4)).await;
    assert_eq!(
        known(&world.records(), "speed_setpoint"),
        [Some((800.0, 1_000)), None, None, Some((850.0, 1_000))]
    );
}
