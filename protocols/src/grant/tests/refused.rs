//! What no grant says, field by field.

use super::*;

#[track_caller]
fn refused(draft: &Draft) -> NotAGrant {
    let bytes = draft.encode().unwrap();
    let error = Grant::read(&bytes).unwrap_err();
    assert!(!error.to_string().is_empty());
    error
}

#[track_caller]
fn refuses(change: impl FnOnce(&mut Draft)) -> NotAGrant {
    let mut changed = draft();
    change(&mut changed);
    refused(&changed)
}

#[track_caller]
fn refuses_sealed(change: impl FnOnce(&mut Draft)) -> NotAGrant {
    let mut changed = sealed();
    change(&mut changed);
    refused(&changed)
}

#[track_caller]
fn refuses_point(change: impl FnOnce(&mut Point)) {
    let mut points = points();
    change(&mut points[1]);
    assert_eq!(
        refuses(|draft| draft.points = points),
        NotAGrant::Field("points")
    );
}

#[test]
fn a_head_of_something_else_is_no_grant() {
    let bytes = signed_window();
    let with = |at: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        Grant::read(&changed).unwrap_err()
    };
    assert_eq!(with(0, b'I'), NotAGrant::Domain);
    assert_eq!(with(15, 2), NotAGrant::Version(2));
    assert_eq!(with(16, 0), NotAGrant::Field("its kind"));
    assert_eq!(with(16, 3), NotAGrant::Field("its kind"));
    assert_eq!(with(17, 4), NotAGrant::Field("its flags"));
    assert_eq!(
        Grant::read(&[0; GRANT_MAX_BYTES + 1]),
        Err(NotAGrant::Length)
    );
    let mut behind = bytes.clone();
    behind.push(0);
    assert_eq!(Grant::read(&behind), Err(NotAGrant::Length));
}

#[test]
fn a_text_is_a_name_and_most_are_needed() {
    for text in [
        "",
        "a b",
        "a\nb",
        "a\u{7f}",
        "caf\u{e9}",
        "\u{202e}1-wg",
        "a\0",
    ] {
        for part in 0..3 {
            let error = refuses(|draft| {
                let part = [&mut draft.site, &mut draft.gateway, &mut draft.device]
                    .into_iter()
                    .nth(part);
                *part.unwrap() = text.into();
            });
            assert_eq!(error, NotAGrant::Text, "{text:?}");
        }
    }
    assert_eq!(refuses(|draft| draft.guard = "a b".into()), NotAGrant::Text);
    assert_eq!(
        refuses(|draft| draft.holder = "a b".into()),
        NotAGrant::Text
    );
    let long = "x".repeat(256);
    assert_eq!(
        Draft {
            site: long,
            ..draft()
        }
        .encode(),
        Err(TooLong)
    );
}

#[test]
fn a_window_has_a_holder_and_enough_approvers() {
    let quorum = NotAGrant::Field("its quorum");
    let approvers = NotAGrant::Field("approvers");
    let holder = NotAGrant::Field("its holder");
    assert_eq!(refuses(|draft| draft.quorum = 0), quorum);
    assert_eq!(refuses(|draft| draft.quorum = 4), quorum);
    assert_eq!(refuses(|draft| draft.approvers.clear()), approvers);
    assert_eq!(refuses(|draft| draft.approvers[0] = [1; 32]), approvers);
    let many = (0..33_u8).map(|byte| [byte; 32]).collect();
    assert_eq!(refuses(|draft| draft.approvers = many), approvers);
    assert_eq!(refuses(|draft| draft.holder.clear()), holder);
    assert_eq!(refuses(|draft| draft.open_s = 1), holder);
}

#[test]
fn a_sealed_grant_has_neither_and_one_time() {
    let approvers = NotAGrant::Field("approvers");
    let (holder, time) = (NotAGrant::Field("its holder"), NotAGrant::Field("its time"));
    assert_eq!(refuses_sealed(|draft| draft.quorum = 1), approvers);
    assert_eq!(
        refuses_sealed(|draft| draft.approvers.push([1; 32])),
        approvers
    );
    assert_eq!(refuses_sealed(|draft| draft.holder = "x".into()), holder);
    assert_eq!(refuses_sealed(|draft| draft.holder_key[31] = 1), holder);
    assert_eq!(refuses_sealed(|draft| draft.supervised = true), holder);
    assert_eq!(refuses_sealed(|draft| draft.hold = true), holder);
    assert_eq!(refuses_sealed(|draft| draft.open_s = 0), time);
    let long = GRANT_OPEN_MAX_S + 1;
    assert_eq!(refuses_sealed(|draft| draft.open_s = long), time);
    let two = draft().spans;
    assert_eq!(refuses_sealed(|draft| draft.spans = two), time);
    let spans = NotAGrant::Field("spans");
    let long = GRANT_SEALED_MAX_S + 1;
    assert_eq!(
        refuses_sealed(|draft| draft.spans[0].length_s = long),
        spans
    );
}

#[test]
fn spans_are_in_order_apart_and_of_some_length() {
    let spans = NotAGrant::Field("spans");
    let span = |start_ms, length_s| Span { start_ms, length_s };
    for wrong in [
        vec![],
        vec![span(0, 0)],
        vec![span(0, GRANT_SPAN_MAX_S + 1)],
        // The second overlaps the first, begins where it ends, or comes before it.
        vec![span(0, 2), span(1_999, 1)],
        vec![span(0, 2), span(2_000, 1)],
        vec![span(5_000, 1), span(0, 1)],
        vec![span(0, 1), span(0, 1)],
        // Past the end of every calendar.
        vec![span(i64::MAX.cast_unsigned(), 1)],
        vec![span(u64::MAX, GRANT_SPAN_MAX_S)],
        (0..54).map(|week| span(week * 10_000, 1)).collect(),
    ] {
        assert_eq!(
            refuses(|draft| draft.spans = wrong.clone()),
            spans,
            "{wrong:?}"
        );
    }
    let just = vec![span(0, 2), span(2_001, 1)];
    let bytes = Draft {
        spans: just,
        ..draft()
    }
    .encode()
    .unwrap();
    assert!(Grant::read(&bytes).is_ok());
}

#[test]
fn a_point_says_what_its_table_can_hold_and_do() {
    use FunctionCode as F;
    // A function of another table, or of none; no function at all.
    refuses_point(|point| point.functions = Functions::NONE);
    refuses_point(|point| point.functions = point.functions.with(F::ReadHoldingRegisters));
    refuses_point(|point| point.functions = point.functions.with(F::ReadFifoQueue));
    refuses_point(|point| point.functions = point.functions.with(F::Diagnostics));
    // A range, and nothing that writes.
    refuses_point(|point| point.raw_max = 1);
    // A register that holds a bit, a bit that holds a number, an order where there is none.
    refuses_point(|point| point.data_type = None);
    refuses_point(|point| point.table = Table::DiscreteInputs);
    refuses_point(|point| point.order = WordOrder::Dcba);
    // The second half of a number outside the table.
    refuses_point(|point| {
        point.data_type = Some(DataType::U32);
        point.first = Address::new(u16::MAX);
    });
}

#[test]
fn a_range_is_spelt_as_its_type_and_holds_a_value() {
    use FunctionCode as F;
    let register = |data_type, raw_min, raw_max| {
        move |point: &mut Point| {
            *point = Point {
                table: Table::HoldingRegisters,
                first: Address::new(10),
                data_type: Some(data_type),
                functions: Functions::NONE.with(F::WriteMultipleRegisters),
                raw_min,
                raw_max,
                ..*point
            }
        }
    };
    refuses_point(register(DataType::U16, 5, 4));
    refuses_point(register(DataType::U16, 0, 0x1_0000));
    // -1 and 1 turned round, a positive number too large, a negative one that is not widened.
    refuses_point(register(DataType::I16, 1, 0xFFFF_FFFF));
    refuses_point(register(DataType::I16, 0, 0x8000));
    refuses_point(register(DataType::I16, 0xFFFE_FFFF, 0));
    refuses_point(register(DataType::I32, 1, 0xFFFF_FFFF));
    refuses_point(register(DataType::U32, 2, 1));
    // NaN, infinities, zero with a sign.
    for odd in [0x7FC0_0000, 0x7F80_0001, 0x7F80_0000] {
        refuses_point(register(DataType::F32, 0, odd));
    }
    refuses_point(register(DataType::F32, 0xFF80_0000, 0));
    refuses_point(register(DataType::F32, 0x8000_0000, 0));
    refuses_point(register(DataType::F32, 0x4000_0000, 0x3F80_0000));
    refuses_point(|point| {
        *point = Point {
            raw_max: 2,
            first: Address::new(10),
            ..points()[0]
        }
    });
}

#[test]
fn points_are_in_order_and_share_no_address() {
    let order = NotAGrant::Field("the order of points");
    let bytes = draft().encode().unwrap();
    let at = bytes.len() - 1 - 2 * SPAN_BYTES - 4 * POINT_BYTES;
    let mut swapped = bytes.clone();
    let (one, other) = swapped[at..].split_at_mut(POINT_BYTES);
    one.swap_with_slice(&mut other[..POINT_BYTES]);
    assert_eq!(Grant::read(&swapped), Err(order));
    let wide = points()[3];
    let shifted = Point {
        first: Address::new(wide.first.value() + 1),
        ..wide
    };
    assert_eq!(refuses(|draft| draft.points = vec![wide, wide]), order);
    assert_eq!(refuses(|draft| draft.points = vec![wide, shifted]), order);
    assert_eq!(
        refuses(|draft| draft.points.clear()),
        NotAGrant::Field("points")
    );
    let many: Vec<Point> = (0..65)
        .map(|at| Point {
            first: Address::new(at),
            ..points_of_a_register()
        })
        .collect();
    assert_eq!(
        refuses(|draft| draft.points = many),
        NotAGrant::Field("points")
    );
}

#[test]
fn signatures_are_in_order_and_of_those_who_may() {
    let bytes = draft().encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    let signatures = Err(NotAGrant::Field("signatures"));
    let one = ([1; 32], [5; 64]);
    assert_eq!(signed(&grant, &[one, one]), signatures);
    assert_eq!(signed(&grant, &[([9; 32], [5; 64])]), signatures);
    let with = |places: &[u8]| {
        let mut bytes = Vec::from(grant.body);
        bytes.push(u8::try_from(places.len()).unwrap());
        for place in places {
            bytes.push(*place);
            bytes.extend([5; 64]);
        }
        Grant::read(&bytes).map(|grant| grant.signatures().len())
    };
    assert_eq!(with(&[0, 1, 2]), Ok(3));
    assert_eq!(with(&[1, 0]), Err(NotAGrant::Field("signatures")));
    assert_eq!(with(&[1, 1]), Err(NotAGrant::Field("signatures")));
    assert_eq!(with(&[3]), Err(NotAGrant::Field("signatures")));
    let bytes = sealed().encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    // One root signs it, once.
    let twice = [([1; 32], [5; 64]), ([2; 32], [6; 64])];
    assert_eq!(signed(&grant, &twice), signatures);
}
