//! The sample site is what people copy from, so it must read.

use super::*;
use interlock_protocols::modbus::DataType;

const SAMPLE: &str = include_str!("../../../../deploy/site/plant.toml");

#[test]
fn it_reads() {
    let plant = plant(SAMPLE);
    assert_eq!(plant.site(), "waterworks");
    let zones: Vec<&str> = plant.zones().iter().map(Zone::name).collect();
    assert_eq!(zones, ["dewatering", "intake"]);
    let devices: Vec<&str> = plant.devices().iter().map(|device| device.name()).collect();
    assert_eq!(devices, ["press-4", "pump-2"]);
    assert_eq!(plant.device_index("pump-2"), Some(1));
    assert_eq!(plant.device_index("pump-3"), None);
}

#[test]
fn its_press_is_direct() {
    let plant = plant(SAMPLE);
    let press = plant.device("press-4").expect("it is there");
    assert_eq!(press.peer(), Peer::Direct);
    assert_eq!(press.zone(), "dewatering");
    assert_eq!(press.address(), "127.0.0.1:5021");
    assert_eq!(press.local_address().to_string(), "127.77.0.11:1502");
    assert_eq!(press.link().pause.as_millis(), 5);
    assert_eq!(press.link().idle_close, None);
    assert!(!press.unnamed_writes());
    for north in [0, 1, 255] {
        assert_eq!(press.south_unit(UnitId::new(north)), Some(UnitId::new(255)));
    }
    for north in [2, 247, 248, 254] {
        assert_eq!(press.south_unit(UnitId::new(north)), None, "{north}");
    }
    let speed = press.point("speed_setpoint").expect("it is there");
    assert_eq!(speed.describe(), "holding 100 (40101)");
    assert_eq!(speed.decode(&[8_500]), Some(850.0));
    assert_eq!((speed.min(), speed.max()), (Some(0.0), Some(1200.0)));
    let pressure = press.point("pressure_setpoint").expect("it is there");
    let order = match pressure.kind() {
        Kind::Number {
            data_type: DataType::F32,
            order,
            ..
        } => order,
        other => panic!("{other:?}"),
    };
    assert_eq!(order, WordOrder::Cdab);
    assert!(
        press
            .point("last_fault")
            .expect("it is there")
            .read_effect()
    );
}

#[test]
fn its_pump_is_behind_a_gateway() {
    let plant = plant(SAMPLE);
    let pump = plant.device("pump-2").expect("it is there");
    assert_eq!(pump.peer(), Peer::Gateway);
    assert_eq!(pump.unit_ids(), [UnitId::new(3)]);
    for north in 0..=255 {
        let routed = (north == 3).then_some(UnitId::new(3));
        assert_eq!(pump.south_unit(UnitId::new(north)), routed, "{north}");
    }
    let flow = pump.point("flow_setpoint").expect("it is there");
    assert_eq!(flow.describe(), "holding 20 (40021)");
    assert_eq!(flow.unit_id(), UnitId::new(3));
    let level = pump.point("level").expect("it is there");
    assert_eq!(level.decode(&[0x0141]), Some(1.21));
    assert_eq!(level.show(1.21), "1.21 m");
}

#[test]
fn its_limit_set_binds_vendors() {
    let plant = plant(SAMPLE);
    let press = plant.device("press-4").expect("it is there");
    let fast = write_one(100, 9_000);
    assert_eq!(judged_for(press, &fast, &["operators"]), "passes");
    assert_eq!(
        judged_for(press, &fast, &["vendors"]),
        "value-outside-limits"
    );
    assert_eq!(judged_for(press, &coil(0, false), &["vendors"]), "passes");
    assert_eq!(
        judged_for(press, &coil(0, true), &["vendors"]),
        "state-not-allowed"
    );
    let sets: Vec<&str> = plant.limit_sets().iter().map(|set| set.name()).collect();
    assert_eq!(sets, ["contractors"]);
}
