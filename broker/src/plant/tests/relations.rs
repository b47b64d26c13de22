//! What is wrong between the parts of a plant.toml: units and points, sets and points, devices.

use super::*;

#[test]
fn limit_sets_only_narrow() {
    let good = format!("{PRESS}{SPEED}{PRESSURE}{COILS}");
    let set = |points: &str| {
        faults(&format!(
            "{good}\n[[limit_set]]\nname = 'slow'\ngroups = ['vendors']\n[limit_set.points]\n{points}\n"
        ))
    };
    for fine in [
        "'press-4.speed' = { max = 800 }",
        "'press-4.speed' = { min = 0, max = 1200 }",
        "'press-4.speed' = { min = 100 }",
        "'press-4.pressure' = { max = 10.1 }",
        "'press-4.run' = { allowed = ['off'] }",
        "'press-4.reset' = { allowed = ['on'] }",
    ] {
        assert_eq!(set(fine), [""; 0], "{fine}");
    }
    for (points, said) in [
        (
            "'press-4.speed' = { max = 1200.1 }",
            "not inside those of the point, 0 to 1200 rpm",
        ),
        ("'press-4.speed' = { min = 1300 }", "not inside"),
        ("'press-4.pressure' = { min = -0.1 }", "not inside"),
        (
            "'press-4.pressure' = { max = 10.11 }",
            "not inside those of the point, 0 to 10.1 bar",
        ),
        (
            "'press-4.reset' = { allowed = ['off'] }",
            "not inside those of the point, only on",
        ),
        (
            "'press-4.reset' = { allowed = ['on', 'off'] }",
            "not inside",
        ),
        ("'press-4.speed' = { min = 500, max = 400 }", "above `max`"),
        ("'press-4.speed' = { max = 7000 }", "cannot hold"),
        ("'press-4.speed' = { }", "no limit is given"),
        ("'press-4.speed' = { maximum = 3, max = 4 }", "not a key"),
        ("'press-4.speed' = 800", "it must be a table"),
        ("'press-4.run' = { max = 1 }", "`max` is for numbers"),
        ("'press-4.lamp' = { allowed = ['on'] }", "read only"),
        (
            "'press-5.speed' = { max = 800 }",
            "did you mean `press-4.speed`?",
        ),
        (
            "press-4.speed = { max = 800 }",
            "there is no point `press-4`",
        ),
        ("'speed' = { max = 800 }", "there is no point `speed`"),
    ] {
        let all = set(points);
        assert_eq!(all.len(), 1, "{points}: {all:?}");
        assert!(all[0].contains(said), "{points}: {all:?}");
    }
    for (text, said) in [
        ("name = 'a'\ngroups = []\npoints = {}", "holds for nobody"),
        ("name = 'a'\npoints = {}", "`groups` is missing"),
        ("name = 'a'\ngroups = ['g']", "`points` is missing"),
        (
            "name = 'a'\ngroups = ['g']\npoints = {}\n[[limit_set]]\nname = 'a'\ngroups = ['g']\npoints = {}",
            "two limit sets named `a`",
        ),
    ] {
        let all = faults(&format!("{good}[[limit_set]]\n{text}\n"));
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        assert!(all[0].contains(said), "{text}: {all:?}");
    }
}

/// One fault of a point is not said again where a limit set names it.
#[test]
fn a_fault_does_not_spread() {
    let broken = SPEED.replace("max = 1200", "");
    let all = faults(&format!(
        "{PRESS}{broken}[[limit_set]]\nname = 'a'\ngroups = ['g']\npoints = {{ 'press-4.speed' = {{ max = 1 }} }}\n"
    ));
    assert_eq!(all.len(), 1, "{all:?}");
}

fn gateway(rest: &str) -> Vec<String> {
    let head = PRESS.replace("peer = 'direct'", "peer = 'gateway'");
    faults(&format!("{head}{rest}"))
}

#[test]
fn gateways() {
    let point = "\n[[device.point]]\nname = 'x'\ntable = 'input'\naddress = 0\ntype = 'u16'\n";
    let twice = format!(
        "unit_ids = [3, 4]{point}unit_id = 3{}unit_id = 4\n",
        point.replace("'x'", "'y'")
    );
    assert_eq!(
        gateway(&twice),
        [""; 0],
        "one address in two units is no overlap"
    );
    for (rest, said) in [
        (String::new(), "`unit_ids` is missing"),
        ("unit_ids = []".to_owned(), "`unit_ids` is empty"),
        ("unit_ids = [0]".to_owned(), "goes from 1 to 247"),
        ("unit_ids = [255]".to_owned(), "goes from 1 to 247"),
        ("unit_ids = ['3']".to_owned(), "a whole number"),
        ("unit_ids = [3, 3]".to_owned(), "unit id 3 is listed twice"),
        (
            "unit_ids = [3, { north = 4, south = 3 }]".to_owned(),
            "two unit ids lead to unit 3",
        ),
        (
            "unit_ids = [{ north = 4 }]".to_owned(),
            "`south` is missing",
        ),
        (
            "unit_ids = [3]\nsouth_unit_id = 3".to_owned(),
            "for direct devices",
        ),
        (format!("unit_ids = [3]{point}"), "`unit_id` is missing"),
        (
            format!("unit_ids = [3]{point}unit_id = 4"),
            "not listed for this gateway",
        ),
        (
            format!(
                "unit_ids = [3]{point}unit_id = 3{}unit_id = 3",
                point.replace("'x'", "'y'")
            ),
            "`y` shares input 0 (30001) of unit 3 with `x`",
        ),
    ] {
        let all = gateway(&rest);
        assert_eq!(all.len(), 1, "{rest}: {all:?}");
        assert!(all[0].contains(said), "{rest}: {all:?}");
    }
}

#[test]
fn modicon_notation() {
    let head = PRESS.replace("'pdu'", "'modicon'");
    let point = |keys: &str| format!("{head}[[device.point]]\nname = 'x'\n{keys}\n");
    let read = plant(&point("modicon = 40101\ntype = 'u16'"));
    let device = read.device("press-4").expect("it is there");
    assert_eq!(device.points()[0].describe(), "holding 100 (40101)");
    assert_eq!(faults(&point("modicon = '00001'")), [""; 0]);
    for (keys, said) in [
        ("modicon = 101\ntype = 'u16'", "\"00101\" in quotes"),
        ("modicon = 20001\ntype = 'u16'", "leading digit"),
        ("modicon = 465537\ntype = 'u16'", "a table ends at 65536"),
        (
            "table = 'holding'\nmodicon = 40101\ntype = 'u16'",
            "other way of writing",
        ),
    ] {
        let all = faults(&point(keys));
        assert_eq!(all.len(), 1, "{keys}: {all:?}");
        assert!(all[0].contains(said), "{keys}: {all:?}");
    }
    // What a device says for itself goes before the top of the file.
    let own = PRESS.replace("peer =", "addressing = 'modicon'\npeer =");
    let text = format!("{own}[[device.point]]\nname = 'x'\nmodicon = 30001\ntype = 'i16'\n");
    assert_eq!(faults(&text), [""; 0]);
}

#[test]
fn devices_share_nothing() {
    let second = PRESS.split_once("[[device]]").expect("a device").1;
    let with = |changes: &[(&str, &str)]| {
        let second = changes
            .iter()
            .fold(second.to_owned(), |text, (from, to)| text.replace(from, to));
        faults(&format!("{PRESS}[[device]]{second}"))
    };
    let (name, address, local) = (
        ("press-4", "press-5"),
        ("127.0.0.1:5021", "127.0.0.1:5022"),
        ("127.77.0.11", "127.77.0.12"),
    );
    assert_eq!(with(&[name, address, local]), [""; 0]);
    for (changes, said) in [
        ([address, local], "two devices named `press-4`"),
        ([name, local], "two devices have the address 127.0.0.1:5021"),
        (
            [name, address],
            "two devices have the local address 127.77.0.11:1502",
        ),
    ] {
        let all = with(&changes);
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].contains(said), "{all:?}");
    }
    // Port 0 is any free one, so two of them do not meet.
    let free = format!("{PRESS}[[device]]{second}")
        .replacen("press-4", "press-5", 1)
        .replacen("5021", "5022", 1)
        .replace("11:1502", "11:0");
    assert_eq!(faults(&free), [""; 0]);
}

#[test]
fn a_plant_has_zones_and_devices() {
    let all = faults("site = 'a'\naddressing = 'pdu'\n");
    assert_eq!(
        all,
        [
            "plant.toml: `zone` is missing in the file | add at least one [[zone]]",
            "plant.toml: `device` is missing in the file | add at least one [[device]]",
        ]
    );
    let all = faults(&PRESS.replace("[[device]]", "[device]"));
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].contains("two brackets: [[device]]"), "{all:?}");
}
