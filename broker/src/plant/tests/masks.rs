//! Function 22, against every current value there is.

use super::*;

/// Masks that set, clear, keep and mix the sign bit and others.
const MASKS: [u16; 12] = [
    0x0000, 0xFFFF, 0x00FF, 0xFF00, 0x7FFF, 0x8000, 0x0001, 0x5555, 0xAAAA, 0x0F0F, 0xF00F, 0x00F2,
];

/// The outcome by trying all 65,536 current values, as the standard defines function 22.
fn stays_inside(point: &Point, and: u16, or: u16) -> bool {
    (0..=u16::MAX).all(|current| {
        let result = (current & and) | (or & !and);
        let value = point.decode(&[result]).expect("one register");
        point.bounds().allow(value)
    })
}

#[test]
fn a_mask_passes_where_every_current_value_ends_inside() {
    let mut passed = 0;
    let mut refused = 0;
    for (data_type, scale, min, max) in [
        ("u16", "0.1", 0.0, 1200.0),
        ("u16", "1", 0.0, 65_535.0),
        ("u16", "1", 240.0, 4_095.0),
        ("u16", "1", 16.0, 65_500.0),
        ("i16", "1", -32_000.0, 32_000.0),
        ("u16", "-1", -255.0, 0.0),
        ("i16", "1", -32_768.0, 32_767.0),
        ("i16", "1", -1.0, 255.0),
        ("i16", "1", -32_768.0, -1.0),
        ("i16", "0.5", -20.0, 180.0),
        ("i16", "-1", -255.0, 32_768.0),
    ] {
        let text = SPEED
            .replace("'u16'", &format!("'{data_type}'"))
            .replace("scale = 0.1", &format!("scale = {scale}"))
            .replace("min = 0", &format!("min = {min}"))
            .replace("max = 1200", &format!("max = {max}"));
        let device = press(&text);
        let point = device.point("speed").expect("it is there");
        for and in MASKS {
            for or in MASKS {
                let wanted = stays_inside(point, and, or);
                let judged = judged(&device, &mask(100, and, or));
                let case = format!("{data_type} * {scale} in {min}..={max}, {and:#06x} {or:#06x}");
                // The limits are an interval and both its ends are reached by some current
                // value, so the judgement is exact and not merely safe.
                assert_eq!(judged == "passes", wanted, "{case}: {judged}");
                if wanted {
                    passed += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(
        passed > 100 && refused > 100,
        "{passed} passed, {refused} refused"
    );
}
