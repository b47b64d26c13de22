use serde_json::Value;

use super::*;
use crate::sink::samples::{every, hostile, hostile_texts, origin};

fn told(context: &Context, record: &Record) -> Option<Vec<u8>> {
    line(&origin(), context, record).unwrap()
}

fn parsed(context: &Context, record: &Record) -> Value {
    serde_json::from_slice(&told(context, record).unwrap()).unwrap()
}

#[test]
fn golden_lines() {
    let (context, records) = every();
    let lines = records.iter().filter_map(|record| told(&context, record));
    let lines: Vec<String> = lines.map(|line| String::from_utf8(line).unwrap()).collect();
    let golden: Vec<&str> = include_str!("golden.jsonl").lines().collect();
    for (line, golden) in lines.iter().zip(&golden) {
        assert_eq!(line, golden);
    }
    assert_eq!(lines.len(), golden.len(), "{}", lines.join("\n"));
}

/// Whether a value is of the type that Zeek writes.
type Typed = fn(&Value) -> bool;

/// Fields of the log as the parser of either layout defines them.
const FIELDS: &[(&str, Typed)] = &[
    ("_path", Value::is_string),
    ("ts", Value::is_f64),
    ("uid", Value::is_string),
    ("id.orig_h", is_address),
    ("id.orig_p", Value::is_u64),
    ("id.resp_h", is_address),
    ("id.resp_p", Value::is_u64),
    ("is_orig", Value::is_boolean),
    ("source_h", is_address),
    ("source_p", Value::is_u64),
    ("destination_h", is_address),
    ("destination_p", Value::is_u64),
    ("tid", Value::is_u64),
    ("unit", Value::is_u64),
    ("func", Value::is_string),
    ("request_response", Value::is_string),
    ("address", Value::is_u64),
    ("quantity", Value::is_u64),
    ("values", Value::is_string),
    ("request_values", Value::is_array),
    ("response_values", Value::is_array),
    ("modbus_detailed_link_id", Value::is_string),
    ("matched", Value::is_boolean),
    ("request_subfunction_code", Value::is_string),
    ("error_code", Value::is_string),
    ("mei_type", Value::is_string),
];

fn is_address(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.parse::<IpAddr>().is_ok())
}

#[test]
fn every_field_is_one_of_the_log_or_begins_with_our_name() {
    let (context, records) = every();
    for record in &records {
        let Some(line) = told(&context, record) else {
            continue;
        };
        let line: Value = serde_json::from_slice(&line).unwrap();
        for (name, value) in line.as_object().unwrap() {
            if name.starts_with("interlock_") {
                continue;
            }
            let (_, typed) = FIELDS
                .iter()
                .find(|(field, _)| field == name)
                .unwrap_or_else(|| panic!("{name} is no field"));
            assert!(typed(value), "{name} is {value}");
        }
    }
}

#[test]
fn commands_have_a_line_and_nothing_else_has() {
    let (context, records) = every();
    for record in &records {
        let command = matches!(
            record.event,
            Event::Intent(_)
                | Event::Outcome(_)
                | Event::Denial(_)
                | Event::DenialSummary(_)
                | Event::ReadSummary(_)
        );
        assert_eq!(
            told(&context, record).is_some(),
            command,
            "{}",
            record.event.name()
        );
    }
}

#[test]
fn request_and_response_are_one_pair() {
    let (context, records) = every();
    let request = parsed(&context, &records[3]);
    let response = parsed(&context, &records[4]);
    assert_eq!(request["func"], "WRITE_MULTIPLE_REGISTERS");
    assert_eq!(request["request_values"], serde_json::json!([7, 256]));
    assert_eq!(request["values"], "7,256");
    assert_eq!(response["is_orig"], false);
    assert_eq!(response["matched"], true);
    for field in [
        "uid",
        "tid",
        "func",
        "address",
        "modbus_detailed_link_id",
        "id.orig_h",
    ] {
        assert_eq!(request[field], response[field], "{field}");
    }
    assert_eq!(response["source_h"], request["destination_h"]);
    assert_eq!(
        parsed(&context, &records[5])["error_code"],
        "ILLEGAL_DATA_ADDRESS"
    );
}

#[test]
fn a_denial_says_that_it_is_one() {
    let (context, records) = every();
    let denied = parsed(&context, &records[8]);
    assert_eq!(denied["interlock_decision"], "deny");
    assert_eq!(denied["interlock_reason"], "limit");
    assert_eq!(denied["func"], "WRITE_SINGLE_REGISTER");
    assert_eq!(denied["error_code"], "ILLEGAL_FUNCTION");
    assert_eq!(parsed(&context, &records[9])["func"], "PROGRAM_UNITY");
}

#[test]
fn what_strangers_write_stays_text_of_bounded_length() {
    for text in hostile_texts() {
        let (context, records) = hostile(&text);
        for record in &records {
            let Some(line) = told(&context, record) else {
                continue;
            };
            assert!(
                line.len() <= SYSLOG_MESSAGE_MAX_BYTES - crate::sink::rfc5424::HEADER_MAX_BYTES
            );
            assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            serde_json::from_slice::<Value>(&line).unwrap();
        }
    }
}
