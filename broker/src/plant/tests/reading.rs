//! What is wrong with a plant.toml, and that all of it is said.

use super::*;

/// Ten faults of ten kinds, each said once, in the order of the file.
#[test]
fn all_faults_at_once() {
    let text = "\
site = 'waterworks'
addressing = 'pdu'
[[zone]]
name = 'hall'
[[device]]
name = 'press-4'
zone = 'hal'
adress = '127.0.0.1:5021'
local_address = '192.0.2.1:1502'
peer = 'direct'
link = { timeout_ms = 5 }
[[device.point]]
name = 'speed'
table = 'holding'
address = 100
type = 'u16'
access = 'read-write'
[[device.point]]
name = 'pressure'
table = 'holding'
address = 99
type = 'f32'
order = 'abdc'
[[device.point]]
name = 'run'
modicon = '00001'
table = 'coil'
address = 0
[[device.point]]
name = 'run'
table = 'coil'
address = 1
min = 0
[[limit_set]]
name = 'slow'
groups = ['vendors']
[limit_set.points]
'press-4.sped' = { max = 800 }
";
    assert_eq!(
        faults(text),
        [
            "plant.toml:7: there is no zone `hal` | did you mean `hall`?",
            "plant.toml:8: `adress` is not a key of `device` | did you mean `address`?",
            "plant.toml:9: `local_address` is 192.0.2.1:1502, which other machines could reach | it is where the client listens on its user's own machine: take one from 127.0.0.0/8, such as 127.77.0.11:1502",
            "plant.toml:11: `timeout_ms` is 5, which is out of range | it goes from 10 to 60000",
            "plant.toml:12: `min` and `max` are missing, and this point may be written | write the lowest and highest value that is ever sane, in engineering units; where the process truly takes anything, write the ends of the type",
            "plant.toml:23: `order` is `abdc`: that word is not known here | did you mean `abcd`?",
            "plant.toml:26: `modicon` belongs to the other way of writing addresses | write `table` and `address`, counted from 0: 40101 is table = \"holding\", address = 100",
            "plant.toml:30: there are two points named `run` | give one of them another name; the first is on line 25",
            "plant.toml:33: `min` is for numbers | write allowed = [\"on\"] or [\"off\"]",
            "plant.toml:38: there is no point `press-4.sped` | did you mean `press-4.speed`?",
        ]
    );
}

/// Lines to add to, or change in, a good file, and a part of what is then said. Each fault is
/// said exactly once.
#[test]
fn each_fault_is_said_once() {
    let good = format!("{PRESS}{SPEED}{PRESSURE}{COILS}");
    assert_eq!(faults(&good), [""; 0]);
    for (from, to, said) in [
        ("site = 'waterworks'", "", "`site` is missing in the file"),
        (
            "site = 'waterworks'",
            "site = 'Water Works'",
            "not a site name",
        ),
        ("addressing = 'pdu'", "", "`addressing` is missing"),
        (
            "addressing = 'pdu'",
            "addressing = 'plc'",
            "the words are `pdu` and `modicon`",
        ),
        ("name = 'press-4'", "name = 'Press 4'", "that is not a name"),
        ("name = 'press-4'", "", "`name` is missing in `device`"),
        ("zone = 'hall'", "zone = 'yard'", "there is no zone `yard`"),
        ("zone = 'hall'", "", "`zone` is missing in `device`"),
        ("127.0.0.1:5021", "127.0.0.1", "not a host with a port"),
        ("127.0.0.1:5021", "127.0.0.1:0", "not a host with a port"),
        (
            "127.77.0.11:1502",
            "localhost:1502",
            "not an IP address with a port",
        ),
        (
            "127.77.0.11:1502",
            "0.0.0.0:1502",
            "other machines could reach",
        ),
        ("peer = 'direct'", "", "`peer` is missing"),
        (
            "peer = 'direct'",
            "peer = 'directly'",
            "did you mean `direct`?",
        ),
        (
            "peer = 'direct'",
            "peer = 'direct'\nunit_ids = [0]",
            "goes from 1 to 247",
        ),
        (
            "peer = 'direct'",
            "peer = 'direct'\nunit_ids = [248]",
            "goes from 1 to 247",
        ),
        (
            "peer = 'direct'",
            "peer = 'direct'\nsouth_unit_id = 0",
            "not sent to a device",
        ),
        (
            "peer = 'direct'",
            "peer = 'direct'\nsouth_unit_id = 254",
            "not sent to a device",
        ),
        (
            "peer = 'direct'",
            "peer = 'direct'\nunnamed_writes = 1",
            "true or false",
        ),
        (
            "peer = 'direct'",
            "peer = 'direct'\nlink = { queue = 0 }",
            "goes from 1 to 1024",
        ),
        (
            "peer = 'direct'",
            "peer = 'direct'\nlink = { backoff_min_ms = 40000 }",
            "longer than the longest",
        ),
        (
            "type = 'u16'",
            "type = 'uint16'",
            "the words are `u16`, `i16`",
        ),
        ("type = 'u16'", "type = 'bool'", "a register is not a bool"),
        ("type = 'u16'", "", "`type` is missing"),
        (
            "type = 'u16'",
            "type = 'u16'\norder = 'abcd'",
            "`order` is for 32-bit types",
        ),
        (
            "type = 'u16'",
            "type = 'u16'\nunit_id = 1",
            "for points behind a gateway",
        ),
        (
            "type = 'u16'",
            "type = 'u16'\nallowed = ['on']",
            "`allowed` is for coils",
        ),
        (
            "scale = 0.1",
            "scale = 0",
            "cannot be computed with exactly",
        ),
        ("scale = 0.1", "scale = inf", "write a finite number"),
        (
            "scale = 0.1",
            "scale = 0.1\noffset = 1e10",
            "`offset` cannot be computed",
        ),
        ("unit = 'rpm'", "unit = \"r\\npm\"", "control character"),
        ("address = 100", "address = 65536", "goes from 0 to 65535"),
        (
            "address = 100",
            "address = 110",
            "`pressure` shares holding 110 (40111) with `speed`",
        ),
        (
            "address = 100",
            "address = 111",
            "`pressure` shares holding 111 (40112) with `speed`",
        ),
        ("address = 110", "address = 65535", "ends outside the table"),
        ("order = 'cdab'", "", "`order` is missing"),
        (
            "min = 0\nmax = 1200",
            "min = 0",
            "`max` is missing, and this point may be written",
        ),
        (
            "min = 0\nmax = 1200",
            "max = 1",
            "`min` is missing, and this point may be written",
        ),
        (
            "min = 0\nmax = 1200",
            "min = 2\nmax = 1",
            "`min` is 2, above `max`",
        ),
        ("max = 1200", "max = 6554", "cannot hold"),
        ("min = 0\nmax = 1200", "min = -1\nmax = 1200", "cannot hold"),
        ("max = 1200", "max = 1200\nsafe_value = 0.25", "cannot hold"),
        ("max = 1200", "max = 1200\nsafe_value = 7000", "cannot hold"),
        (
            "max = 1200",
            "max = 1200\nsafe_value = 1300",
            "`safe_value` is 1300 rpm, which its limits do not allow | stay inside them: 0 to 1200 rpm",
        ),
        (
            "max = 10.1",
            "max = 10.1\nsafe_value = 10.2",
            "do not allow",
        ),
        ("max = 1200", "max = 1200\nsafe_value = 'off'", "safe_value"),
        (
            "allowed = ['on']",
            "allowed = ['on']\nsafe_value = 'off'",
            "its limits do not allow | stay inside them: only on",
        ),
        (
            "allowed = ['on']",
            "allowed = ['on']\nsafe_value = 0",
            "safe_value",
        ),
        (
            "name = 'lamp'",
            "name = 'lamp'\nsafe_value = 'off'",
            "for points that may be written",
        ),
        ("max = 1200", "max = nan", "write a finite number"),
        ("max = 10.1", "max = 1e39", "cannot hold"),
        ("allowed = ['on']", "allowed = []", "`allowed` is empty"),
        (
            "allowed = ['on']",
            "allowed = ['up']",
            "the words are `on` and `off`",
        ),
        (
            "table = 'coil'\naddress = 0",
            "table = 'discrete-input'\naddress = 0",
            "inputs cannot be written",
        ),
        (
            "table = 'coil'\naddress = 0",
            "table = 'coils'\naddress = 0",
            "did you mean `coil`?",
        ),
        (
            "table = 'coil'\naddress = 1",
            "table = 'coil'\naddress = 0",
            "`reset` shares coil 0",
        ),
        (
            "table = 'coil'\naddress = 1",
            "table = 'coil'\naddress = 1\ntype = 'u16'",
            "not a number",
        ),
        ("name = 'reset'", "name = 'run'", "two points named `run`"),
    ] {
        assert!(good.contains(from), "{from}");
        let all = faults(&good.replacen(from, to, 1));
        assert_eq!(all.len(), 1, "{to}: {all:?}");
        assert!(all[0].contains(said), "{to}: {all:?}");
    }
}

proptest::proptest! {
    /// Random damage to a good file ends in a plant or in findings, never in a panic.
    #[test]
    fn damage_is_answered(cut in 0usize..800, skip in 0usize..40, insert in "[a-z0-9='\\[\\]{}\n.-]{0,8}") {
        let good = format!("{PRESS}{SPEED}{PRESSURE}{COILS}");
        let start: String = good.chars().take(cut).collect();
        let end: String = good.chars().skip(cut + skip).collect();
        let damaged = format!("{start}{insert}{end}");
        if let Err(findings) = Plant::parse(Path::new("plant.toml"), &damaged) {
            proptest::prop_assert!(!findings.is_empty());
        }
    }
}
