use std::path::Path;
use std::time::Duration;

use interlock_protocols::conduit::{WindowLimit, WindowRequest, WindowSpan};
use interlock_protocols::grant;
use interlock_protocols::modbus::{FunctionCode as F, Request, UnitId};

use crate::clock::{Mono, Now};
use crate::plant::Plant;
use crate::window::range::NoRange;
use crate::window::resolve::{Asked, Scope, Wrong};

const NOW_MS: i64 = 1_795_000_000_000;
const HOUR_MS: u64 = 3_600_000;

fn now() -> Now {
    Now::new(NOW_MS, Mono::at(Duration::ZERO))
}

fn plant() -> Plant {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    // A point that counts downwards, and one whose limits lie between steps.
    let more = r#"
[[device]]
name = "oven"
zone = "intake"
address = "127.0.0.1:5023"
local_address = "127.77.0.13:1502"
peer = "direct"
south_unit_id = 9
[[device.point]]
name = "depth"
table = "holding"
address = 0
type = "i16"
scale = -0.5
access = "read-write"
min = -10.3
max = 10.3
[[device.point]]
name = "power"
table = "holding"
address = 10
type = "u32"
order = "cdab"
access = "read-write"
min = 0
max = 100000
[[device.point]]
name = "heat"
table = "holding"
address = 12
type = "f32"
order = "abcd"
access = "read-write"
min = -1.1
max = 10.1
"#;
    let text = text.replace(
        "# ------------------------------------------------------------------------------------ limit sets",
        &format!("{more}\n# limit sets"),
    );
    Plant::parse(Path::new("plant.toml"), &text).unwrap()
}

fn span(start_h: i64, length_s: u32) -> WindowSpan {
    let start_ms = NOW_MS + start_h * HOUR_MS.cast_signed();
    WindowSpan {
        start_ms: start_ms.cast_unsigned(),
        length_s,
    }
}

fn request(points: &[&str], functions: &[F]) -> WindowRequest {
    let writes = functions.iter().any(|it| it.code() > 4);
    WindowRequest {
        device: "press-4".into(),
        points: points.iter().map(|it| (*it).to_owned()).collect(),
        functions: functions.iter().map(|it| it.code()).collect(),
        spans: vec![span(1, 7_200)],
        max_writes: if writes { 20 } else { 0 },
        limits: Vec::new(),
        reason: "WO-1234".into(),
        waits_s: 3_600,
        extends: None,
        supervised: false,
        hold: false,
    }
}

fn draft(points: Vec<grant::Point>) -> Vec<u8> {
    let draft = grant::Draft {
        kind: grant::Kind::Window,
        supervised: false,
        hold: false,
        quorum: 1,
        id: [7; 16],
        site: "w".into(),
        gateway: "g".into(),
        device: "d".into(),
        guard: String::new(),
        holder: "h".into(),
        holder_key: [1; 32],
        plant: [2; 32],
        max_writes: 1,
        open_s: 0,
        approvers: vec![[3; 32]],
        points,
        spans: vec![grant::Span {
            start_ms: 1,
            length_s: 1,
        }],
    };
    draft.encode().unwrap()
}

fn limit(point: &str, min: f64, max: f64) -> WindowLimit {
    WindowLimit {
        point: point.into(),
        min,
        max,
    }
}

fn resolved(request: &WindowRequest, groups: &[&str]) -> Result<Scope, Wrong> {
    let plant = plant();
    let device = plant.device(&request.device).unwrap();
    let groups: Vec<String> = groups.iter().map(|it| (*it).to_owned()).collect();
    Asked::read(request, now())?.resolve(device, &groups)
}

fn wrong(change: impl FnOnce(&mut WindowRequest)) -> Wrong {
    let mut request = request(&["speed_setpoint", "ramp"], &[F::WriteSingleRegister]);
    change(&mut request);
    resolved(&request, &[]).unwrap_err()
}

#[test]
fn a_request_becomes_addresses_and_raw_values_as_they_are_sent() {
    let mut request = request(
        &["ramp", "speed_setpoint", "run", "speed"],
        &[F::WriteSingleRegister, F::WriteMultipleRegisters],
    );
    request.limits = vec![limit("speed_setpoint", 0.0, 800.0)];
    let scope = resolved(&request, &[]).unwrap();
    assert_eq!(scope.names, ["run", "speed", "speed_setpoint", "ramp"]);
    let point = |name: &str| {
        let at = scope.names.iter().position(|it| it == name).unwrap();
        scope.points[at]
    };
    let speed = point("speed_setpoint");
    assert_eq!(speed.unit, UnitId::new(255), "the one that is sent");
    assert_eq!((speed.raw_min, speed.raw_max), (0, 8_000));
    let functions: Vec<F> = speed.functions.iter().collect();
    let written = [
        F::ReadHoldingRegisters,
        F::WriteSingleRegister,
        F::WriteMultipleRegisters,
    ];
    assert_eq!(functions, written);
    assert_eq!((point("ramp").raw_min, point("ramp").raw_max), (5, 100));
    // What none of the functions writes may be read.
    for (name, function) in [("run", F::ReadCoils), ("speed", F::ReadInputRegisters)] {
        assert_eq!(point(name).functions.iter().collect::<Vec<F>>(), [function]);
        assert_eq!((point(name).raw_min, point(name).raw_max), (0, 0));
    }
}

#[test]
fn the_order_is_that_of_grants() {
    let request = request(
        &["speed", "alarm_reset", "run", "ramp", "guard_closed"],
        &[],
    );
    let scope = resolved(&request, &[]).unwrap();
    let bytes = draft(scope.points.clone());
    let grant = grant::Grant::read_unsigned(&bytes).unwrap();
    assert_eq!(grant.points().collect::<Vec<_>>(), scope.points);
}

#[test]
fn the_limits_of_a_group_narrow_what_its_people_get() {
    let writes = [
        F::WriteSingleRegister,
        F::WriteMultipleRegisters,
        F::WriteSingleCoil,
    ];
    let points = ["speed_setpoint", "pressure_setpoint", "run", "alarm_reset"];
    let scope = resolved(&request(&points, &writes), &["vendors"]).unwrap();
    let range = |name: &str| {
        let at = scope.names.iter().position(|it| it == name).unwrap();
        let point = scope.points[at];
        (point.number(point.raw_min), point.number(point.raw_max))
    };
    assert_eq!(range("speed_setpoint"), (1_000.0, 8_000.0));
    assert_eq!(range("pressure_setpoint"), (0.0, 8.0));
    assert_eq!(range("run"), (0.0, 0.0), "off alone");
    assert_eq!(range("alarm_reset"), (1.0, 1.0), "on alone");
}

#[test]
fn no_value_outside_the_limits_is_ever_covered() {
    let mut request = request(&["depth", "heat"], &[F::WriteMultipleRegisters]);
    request.device = "oven".into();
    let scope = resolved(&request, &[]).unwrap();
    let [depth, heat] = [scope.points[0], scope.points[1]];
    assert_eq!(depth.unit, UnitId::new(9));
    // -0.5 a step: 10.3 would be -20.6, and -10.3 20.6.
    let range = [depth.raw_min, depth.raw_max].map(|raw| depth.number(raw));
    assert_eq!(range, [-20.0, 20.0]);
    let plant = plant();
    let device = plant.device("oven").unwrap();
    for point in [depth, heat] {
        let known = device
            .points()
            .iter()
            .find(|it| it.area().range.first() == point.first);
        let known = known.unwrap();
        for raw in [point.raw_min, point.raw_max] {
            let words: &[u16] = match point.registers() {
                1 => &[raw as u16],
                _ => &[(raw >> 16) as u16, raw as u16],
            };
            let value = known.decode(words).unwrap();
            assert!(known.bounds().allow(value), "{} = {value}", known.name());
        }
    }
    // The ends of what a float can hold of 10.1 are in it, and nothing beyond.
    assert_eq!(f32::from_bits(heat.raw_max), 10.1);
    assert_eq!(f32::from_bits(heat.raw_min), -1.1);
}

#[test]
fn what_is_granted_covers_a_command_at_the_end_of_its_range_and_none_beyond() {
    let mut request = request(&["power"], &[F::WriteMultipleRegisters]);
    request.device = "oven".into();
    request.limits = vec![limit("power", 0.0, 70_000.0)];
    let scope = resolved(&request, &[]).unwrap();
    let bytes = draft(scope.points.clone());
    let grant = grant::Grant::read_unsigned(&bytes).unwrap();
    let covers = |value: u32| {
        let [a, b, c, d] = value.to_be_bytes();
        let pdu = [16, 0, 10, 0, 2, 4, c, d, a, b];
        grant.covers(UnitId::new(9), &Request::decode(&pdu).unwrap())
    };
    assert_eq!(covers(70_000), Ok(()));
    assert!(covers(70_001).is_err());
}

#[test]
fn each_wrong_input_has_its_own_words() {
    let no_point = |wrong| matches!(wrong, Wrong::NoPoint { .. });
    assert!(no_point(wrong(|it| it.points = vec!["pressure".into()])));
    assert_eq!(wrong(|it| it.points.clear()), Wrong::Points);
    assert_eq!(wrong(|it| it.points = vec!["p".into(); 65]), Wrong::Points);
    let twice = wrong(|it| it.points = vec!["ramp".into(), "ramp".into()]);
    assert_eq!(twice, Wrong::Twice("ramp".into()));
    assert_eq!(
        wrong(|it| it.functions = vec![99]),
        Wrong::UnknownFunction(99)
    );
    let stray = wrong(|it| it.functions = vec![8]);
    assert_eq!(stray, Wrong::NotForPoints(F::Diagnostics));
    let unfit = wrong(|it| it.functions = vec![6, 5]);
    assert_eq!(unfit, Wrong::FitsNoPoint(F::WriteSingleCoil));
    // One register of two is a part.
    let part = wrong(|it| it.points = vec!["pressure_setpoint".into()]);
    assert_eq!(part, Wrong::FitsNoPoint(F::WriteSingleRegister));
    let read_only = wrong(|it| {
        it.points = vec!["operating_hours".into()];
        it.functions = vec![16];
    });
    assert_eq!(read_only, Wrong::ReadOnly("operating_hours".into()));
    assert_eq!(wrong(|it| it.max_writes = 0), Wrong::NoWrites);
    assert_eq!(wrong(|it| it.functions = vec![3]), Wrong::OnlyReads(20));
    for reason in ["", "  ", "a\nb", &"x".repeat(1_025)] {
        assert_eq!(wrong(|it| it.reason = reason.into()), Wrong::Reason);
    }
    assert_eq!(wrong(|it| it.waits_s = 0), Wrong::Waits);
    assert_eq!(wrong(|it| it.waits_s = 14 * 86_400 + 1), Wrong::Waits);
}

#[test]
fn each_wrong_time_has_its_own_words() {
    let week_s = 7 * 86_400;
    assert_eq!(wrong(|it| it.spans.clear()), Wrong::Spans);
    assert_eq!(wrong(|it| it.spans = vec![span(1, 1); 54]), Wrong::Spans);
    assert_eq!(wrong(|it| it.spans = vec![span(1, 0)]), Wrong::Length);
    assert_eq!(
        wrong(|it| it.spans = vec![span(1, week_s + 1)]),
        Wrong::Length
    );
    assert_eq!(wrong(|it| it.spans = vec![span(-2, 7_200)]), Wrong::Past);
    let past = wrong(|it| it.spans = vec![span(-9, 60), span(1, 60)]);
    assert_eq!(past, Wrong::Past);
    assert_eq!(
        wrong(|it| it.spans = vec![span(24 * 400, 3_600)]),
        Wrong::Far
    );
    let endless = WindowSpan {
        start_ms: u64::MAX,
        length_s: 60,
    };
    assert_eq!(wrong(|it| it.spans = vec![endless]), Wrong::Far);
    let overlap = wrong(|it| it.spans = vec![span(2, 7_200), span(1, 7_200)]);
    assert_eq!(overlap, Wrong::Overlap);
    let touch = wrong(|it| it.spans = vec![span(1, 3_600), span(2, 3_600)]);
    assert_eq!(touch, Wrong::Overlap);
}

#[test]
fn times_are_put_in_order_and_it_waits_no_longer_than_they_last() {
    let mut request = request(&["ramp"], &[]);
    request.spans = vec![span(48, 60), span(-1, 3_601), span(24, 60)];
    request.waits_s = 14 * 86_400;
    let asked = Asked::read(&request, now()).unwrap();
    let starts = asked.spans.iter().map(|it| it.start_ms);
    assert!(starts.is_sorted());
    assert_eq!(asked.waits_until_ms, NOW_MS + 48 * 3_600_000 + 60_000);
}

#[test]
fn each_wrong_limit_has_its_own_words() {
    let no_range = |point: &str, min, max, groups: &[&str]| {
        let all = ["speed_setpoint", "run", "pressure_setpoint"];
        let mut request = request(&all, &[F::WriteMultipleRegisters, F::WriteSingleCoil]);
        request.limits = vec![limit(point, min, max)];
        match resolved(&request, groups).unwrap_err() {
            Wrong::Limit { why, .. } => why,
            other => panic!("{other}"),
        }
    };
    for (min, max) in [(800.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        assert_eq!(
            no_range("speed_setpoint", min, max, &[]),
            NoRange::NotARange
        );
    }
    let wider = no_range("speed_setpoint", 0.0, 1_300.0, &[]);
    let allowed = |text: &str| text.to_owned();
    let own = NoRange::Wider {
        allowed: allowed("0 to 1200 rpm"),
        set: None,
    };
    assert_eq!(wider, own);
    let set = NoRange::Wider {
        allowed: allowed("100 to 800 rpm"),
        set: Some("contractors".into()),
    };
    assert_eq!(no_range("speed_setpoint", 0.0, 800.0, &["vendors"]), set);
    let between = NoRange::NotHeld {
        asked: allowed("799.95 rpm"),
        nearest: Some(allowed("800 rpm")),
    };
    assert_eq!(no_range("speed_setpoint", 0.0, 799.95, &[]), between);
    let beyond = no_range("speed_setpoint", 0.0, 1e9, &[]);
    assert!(
        matches!(beyond, NoRange::NotHeld { nearest: None, .. }),
        "{beyond}"
    );
    assert_eq!(no_range("run", 0.0, 0.5, &[]), NoRange::NotAState);
    let on = no_range("run", 0.0, 1.0, &["vendors"]);
    assert!(matches!(on, NoRange::Wider { .. }), "{on}");
    let stray = wrong(|it| it.limits = vec![limit("run", 0.0, 1.0)]);
    assert_eq!(stray, Wrong::StrayLimit("run".into()));
    let again = wrong(|it| it.limits = vec![limit("ramp", 5.0, 9.0); 2]);
    assert_eq!(again, Wrong::StrayLimit("ramp".into()));
    let idle = wrong(|it| {
        it.points.push("run".into());
        it.limits = vec![limit("run", 0.0, 1.0)];
    });
    assert_eq!(idle, Wrong::IdleLimit("run".into()));
}
