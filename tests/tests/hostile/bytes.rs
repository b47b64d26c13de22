//! Bytes that are no request, or one that must not pass: one row each.

use interlock_tests::harness::{Bench, Fate, PATIENCE, adu};

use crate::{exchange, hex};

/// A request that is answered by an exception.
struct Refused {
    reason: &'static str,
    exception: u8,
    pdu: Vec<u8>,
    name: &'static str,
}

/// Asked by somebody whom policy permits everything: what stops here stops for everybody.
/// Reason, exception, PDU, and in words.
const REFUSED: &str = "\
# What the bytes say of themselves.
structure             3  03 0064 0001 0002 0000 0006 01 06 0064 03E8       a whole ADU hidden in the tail
structure             3  06 0064 2328 00                                   a byte too many after a write
structure             3  06 0064 23                                        a byte too few
structure             3  10 0064 0001 02 2328 00                           a byte too many after registers
structure             3  10 0064 8001 02 2328                              8001 hex registers in two bytes
structure             3  0F 0000 07D0 01 FF                                2,000 coils in one byte
structure             3  10 0064 007C F8 2328                              124 registers in 248 bytes, of which two came
structure             3  10 0064 0001 04 2328 0000                         a byte count that is too high
structure             3  0F 0000 0001 01 03                                pad bits that are not zero
structure             3  05 0000 0001                                      a coil that is neither on nor off
structure             3  01 0000 0000                                      no coils
structure             3  01 0000 07D1                                      2,001 coils
structure             3  02 0000 07D1                                      2,001 discrete inputs
structure             3  03 0064 0000                                      no registers
structure             3  03 0064 007E                                      126 registers
structure             3  04 0000 007E                                      126 input registers
structure             3  0F 0000 0000 00                                   writing no coils
structure             3  10 0064 0000 00                                   writing no registers
structure             3  17 0064 007E 0064 0001 02 2328                    reading 126 while writing one
structure             3  17 0064 0001 0064 0000 00                         writing none while reading one
# Past the last address, in 16 bits and in 32.
address               2  03 FFFF 0002                                      two registers from the last on
address               2  10 FFFF 0002 04 2328 2328                         writing two registers from the last on
address               2  17 0064 0001 FFFF 0002 04 2328 2328               writing past the end while reading
# Whole requests that the limits of the plant stop.
register-not-named    1  10 0064 0003 06 2328 000A 0001                    registers of which the last has no name
value-outside-limits  1  10 0064 0002 04 2328 03E8                         a sane speed and a wild ramp
state-not-allowed     1  05 0001 0000                                      a coil that may be switched one way, the other way
point-read-only       1  10 0078 0002 04 0000 0000                         a point that is read-only
register-not-named    1  17 0064 0001 0066 0001 02 0001                    reading what may be read, writing what has no name
value-outside-limits  1  17 0064 0001 0064 0001 02 FFFF                    reading what may be read, writing a wild speed
part-of-point         1  10 006E 0001 02 4100                              the first half of a float
part-of-point         1  06 006F 4100                                      the second half of a float, as a single register
part-of-point         1  10 006E 0003 06 0000 4108 4108                    half a float behind a whole one
mask-outside-limits   1  16 0064 FFFF 8000                                 a mask that may leave a wild speed
# 8.52 in the order of one point is 32,833 in that of the other.
value-outside-limits  1  10 006E 0002 04 4108 4700                         a value that is sane only in ABCD, for a point in CDAB
value-outside-limits  1  10 0070 0002 04 4700 4108                         a value that is sane only in CDAB, for a point in ABCD
policy-failed         1  10 006E 0002 04 0000 7FC0                         not a number
# Whole requests that a rule forbids, whatever another permits.
rule-forbids          1  0F 0000 0002 01 03                                a coil that a rule forbids, next to one that it does not
rule-forbids          1  17 0064 0001 0065 0001 02 0032                    reading what may be read, writing what a rule forbids
rule-forbids          1  08 0001 0000                                      a restart of communications
rule-forbids          1  08 0004 0000                                      forced listen-only
rule-forbids          1  08 000A 0000                                      clearing the counters
# Functions that nobody here can judge.
unknown-function      1  2B 0D 00 00                                       CANopen in function 43
unknown-function      1  5A 00 41 FF 00                                    the stop of a program by function 90
unknown-function      1  41 00 00                                          a function of a maker
unknown-function      1  00 0064 0001                                      function 0
";

/// Bytes for which the connection is closed without a word: no header of Modbus/TCP can follow
/// where one was wrong. Nothing stands behind these headers: they are judged as they come.
const CLOSED: &str = "\
not-modbus     C000 0001 0006 01 03 0064 0001             another protocol
not-modbus     C001 0000 0000                             length 0
not-modbus     C002 0000 0001                             length 1
not-modbus     C003 0000 00FF                             length 255
not-modbus     C004 0000 FFFF                             length 65,535
not-modbus     4745 5420 2F20 4854 5450 2F31 2E31 0D0A    plain text
not-a-request  C006 0000 0003 01 83 02                    an answer
not-a-request  C007 0000 0006 01 FF 0064 0001             a function above 127
";

/// Like the pressure and next to it, but in the other word order.
const ABCD_POINT: &str = r#"
[[device.point]]
name = "pressure_alarm"
table = "holding"
address = 112
type = "f32"
order = "abcd"
unit = "bar"
access = "read-write"
min = 0
max = 12.5

[[device.point]]
name = "operating_hours"
"#;

/// Max may do everything, but for the forbids of the site and two points.
const MAX: &str = r#"
@id("max-does-anything")
permit (principal == Interlock::Person::"max", action, resource);

@id("max-runs-nothing")
forbid (
    principal == Interlock::Person::"max",
    action in Interlock::Action::"write",
    resource == Interlock::Device::"press-4"
)
when { context.points.contains("run") };

@id("max-ramps-by-writes-alone")
forbid (
    principal == Interlock::Person::"max",
    action == Interlock::Action::"read-write-multiple-registers",
    resource == Interlock::Device::"press-4"
)
when { context.points.contains("ramp") };
"#;

fn bench() -> Bench {
    Bench::start_with(|gateway| {
        let before = "\n[[device.point]]\nname = \"operating_hours\"\n";
        gateway.edit("plant.toml", before, ABCD_POINT);
        gateway.append("policy/max.cedar", MAX);
        let (one, two) = (
            "engineers = [\"person/emil\"]",
            "engineers = [\"person/emil\", \"person/max\"]",
        );
        gateway.edit("policy/groups.toml", one, two);
    })
}

/// Cuts a row at each run of two or more spaces.
fn columns(row: &'static str) -> Vec<&'static str> {
    row.split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

fn refused() -> Vec<Refused> {
    let rows = REFUSED.lines().filter(|row| !row.starts_with('#'));
    rows.map(|row| match columns(row)[..] {
        [reason, exception, pdu, name] => Refused {
            reason,
            exception: exception.parse().unwrap(),
            pdu: hex(pdu),
            name,
        },
        _ => panic!("{row}"),
    })
    .collect()
}

#[test]
fn what_must_not_pass_is_answered_recorded_and_kept_from_the_plc() {
    let mut bench = bench();
    let connected = bench.gateway.connect("person/max", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    let refused = refused();
    for (transaction, row) in (0xA000..).zip(&refused) {
        let answer = adu(transaction, 1, &[row.pdu[0] | 0x80, row.exception]);
        let got = exchange(&mut tool, transaction, 1, &row.pdu);
        assert_eq!(got, Fate::Answer(answer), "{}", row.name);
        // The connection is as good as before.
        let read = exchange(&mut tool, transaction, 1, &hex("03 0064 0001"));
        let answer = adu(transaction, 1, &hex("03 02 0000"));
        assert_eq!(read, Fate::Answer(answer), "after {}", row.name);
    }
    // What is sane in the order of its own point does pass, and what no rule forbids.
    for (pdu, answer) in [
        ("10 006E 0002 04 4700 4108", "10 006E 0002"),
        ("10 0070 0002 04 4108 4700", "10 0070 0002"),
        ("05 0001 FF00", "05 0001 FF00"),
        ("06 0065 0032", "06 0065 0032"),
    ] {
        let written = exchange(&mut tool, 0xD000, 1, &hex(pdu));
        assert_eq!(written, Fate::Answer(adu(0xD000, 1, &hex(answer))));
    }
    assert_eq!(connected.end(), 0);

    let records = bench.settle();
    let seen = bench.press.seen();
    assert_eq!(seen.commands_of(&[3]).len(), refused.len());
    assert_eq!(
        seen.commands().len(),
        refused.len() + 4,
        "all that the PLC saw"
    );
    assert_eq!(records.commands.len(), 4);
    assert_eq!(records.denials.len(), refused.len());
    for ((transaction, row), denial) in (0xA000..).zip(&refused).zip(&records.denials) {
        let name = row.name;
        assert_eq!(denial.transaction, transaction, "{name}");
        assert_eq!(denial.reason, row.reason, "{name}: {denial:?}");
        assert_eq!(denial.pdu, row.pdu, "{name}");
        assert_eq!(denial.exception, Some(row.exception), "{name}");
        assert_eq!(denial.subject, "spiffe://waterworks/person/max");
        assert_eq!((denial.device.as_str(), denial.unit), ("press-4", 1));
    }
}

#[test]
fn what_is_no_modbus_closes_the_connection_and_is_recorded() {
    let mut bench = bench();
    let connected = bench.gateway.connect("person/max", &["press-4"]);
    let mut reasons = Vec::new();
    for row in CLOSED.lines() {
        let [reason, bytes, name] = columns(row)[..] else {
            panic!("{row}");
        };
        let mut tool = connected.modbus("press-4");
        tool.send(&hex(bytes));
        assert_eq!(tool.next(PATIENCE), Fate::Closed, "{name}");
        assert_eq!(tool.leftover(), [0; 0], "{name}");
        reasons.push(reason);
    }
    // What stands behind a wrong header is never looked at.
    let write = hex("06 0064 2328");
    let mut tool = connected.modbus("press-4");
    let mut segment = hex("C100 0001 0006 01 06 0064 03E8");
    segment.extend(adu(0xC101, 1, &write));
    tool.send(&segment);
    assert_eq!(tool.next(PATIENCE), Fate::Closed);
    reasons.push("not-modbus");
    // Other connections of the session go on.
    let mut tool = connected.modbus("press-4");
    assert_eq!(
        exchange(&mut tool, 0xC200, 1, &write),
        Fate::Answer(adu(0xC200, 1, &write))
    );
    assert_eq!(connected.end(), 0);

    let records = bench.settle();
    let recorded: Vec<_> = records
        .denials
        .iter()
        .map(|denial| denial.reason.as_str())
        .collect();
    assert_eq!(recorded, reasons);
    assert!(
        records
            .denials
            .iter()
            .all(|denial| denial.exception.is_none())
    );
    assert_eq!(bench.press.seen().commands(), [(255, write)]);
}

#[test]
fn units_that_are_not_routed_reach_nobody() {
    let mut bench = bench();
    let connected = bench.gateway.connect("person/emil", &["press-4", "pump-2"]);
    let mut pump = connected.modbus("pump-2");
    let mut press = connected.modbus("press-4");
    // 20.0 m³/h; every unit id, broadcast and the reserved ones among them.
    let flow = hex("06 0014 0028");
    for unit in 0..=255 {
        let routed = unit == 3;
        let answer = if routed { flow.clone() } else { hex("86 0A") };
        let got = exchange(&mut pump, 0xA000 + u16::from(unit), unit, &flow);
        assert_eq!(
            got,
            Fate::Answer(adu(0xA000 + u16::from(unit), unit, &answer)),
            "unit {unit}"
        );
        // Towards a device itself 0 and 255 mean the device.
        let routed = matches!(unit, 0 | 1 | 255);
        let answer = if routed {
            hex("03 02 0000")
        } else {
            hex("83 0A")
        };
        let got = exchange(
            &mut press,
            0xB000 + u16::from(unit),
            unit,
            &hex("03 0064 0001"),
        );
        assert_eq!(
            got,
            Fate::Answer(adu(0xB000 + u16::from(unit), unit, &answer)),
            "unit {unit}"
        );
    }
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(bench.pump.seen().commands(), [(3, flow)]);
    assert_eq!(
        bench.press.seen().commands(),
        vec![(255, hex("03 0064 0001")); 3]
    );
    // A sweep is recorded or counted, every one of it, at a bounded cost.
    let [recorded, counted] = [
        records.denials.len() as u64,
        records.denied("not-routed") + records.denied("various"),
    ];
    assert_eq!(counted, 255 + 253);
    assert!(recorded < 100, "{recorded} denials recorded in full");
}
