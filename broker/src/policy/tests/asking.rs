//! The request that a case stands for.

use super::*;

fn request(device: &str, ask: &str) -> Result<Option<(u8, Vec<u8>)>, String> {
    let plant = sample_plant();
    let text = format!(
        "[[case]]\nname = 'n'\nas = 'person/olga'\nexpect = 'deny'\ndevice = '{device}'\n{ask}"
    );
    let bundle = Bundle::of_texts([("tests/t.toml", text)]);
    let cases = bundle.cases(&Estate::from(&plant)).expect("a good case");
    let device = plant.device(device).expect("a device");
    let asked = cases[0].request(device)?;
    Ok(asked.map(|(unit, pdu)| (unit.value(), pdu.as_bytes().to_owned())))
}

#[test]
fn a_case_stands_for_the_request_that_a_tool_would_send() {
    for (device, ask, unit, pdu) in [
        ("press-4", "read = 'speed'", 255, &[4, 0, 0, 0, 1][..]),
        (
            "press-4",
            "read = 'pressure_setpoint'",
            255,
            &[3, 0, 110, 0, 2],
        ),
        ("press-4", "read = 'run'", 255, &[1, 0, 0, 0, 1]),
        ("press-4", "read = 'guard_closed'", 255, &[2, 0, 0, 0, 1]),
        ("pump-2", "read = 'level'", 3, &[4, 0, 0, 0, 1]),
        (
            "press-4",
            "write = 'speed_setpoint=900'",
            255,
            &[6, 0, 100, 0x23, 0x28],
        ),
        ("press-4", "write = 'run=on'", 255, &[5, 0, 0, 0xff, 0]),
        ("press-4", "write = 'run=off'", 255, &[5, 0, 0, 0, 0]),
        (
            "pump-2",
            "write = 'flow_setpoint=-1'",
            3,
            &[6, 0, 20, 0xff, 0xfe],
        ),
        // 8.5 is 4108 0000, low word first.
        (
            "press-4",
            "write = 'pressure_setpoint=8.5'",
            255,
            &[16, 0, 110, 0, 2, 4, 0, 0, 0x41, 8],
        ),
        ("press-4", "request = '11'", 1, &[17]),
        ("pump-2", "request = '11'", 3, &[17]),
        ("pump-2", "request = '11'\nunit = 9", 9, &[17]),
    ] {
        assert_eq!(
            request(device, ask),
            Ok(Some((unit, pdu.to_owned()))),
            "{ask}"
        );
    }
    assert_eq!(request("press-4", "act = 'connect'"), Ok(None));
}

#[test]
fn what_cannot_be_asked_is_said() {
    for (ask, words) in [
        ("read = 'sped'", "no point `sped`"),
        ("write = 'sped=1'", "no point `sped`"),
        ("write = 'speed=1'", "nobody can write"),
        ("write = 'guard_closed=1'", "nobody can write"),
        ("write = 'run=2'", "on and off"),
        ("write = 'speed_setpoint=70000'", "cannot hold"),
        ("write = 'pressure_setpoint=nan'", "cannot hold"),
    ] {
        let error = request("press-4", ask).expect_err(ask);
        assert!(error.contains(words), "{error}");
    }
}
