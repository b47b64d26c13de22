use std::collections::HashSet;

use base64::Engine as _;
use interlock_protocols::record::kind;
use serde_json::Value;

use super::*;
use crate::sink::samples::{every, hostile, hostile_texts, origin};

fn told(context: &Context, record: &Record) -> (Vec<u8>, Value) {
    let line = line(&origin(), context, record, &record.encode()).unwrap();
    let value = serde_json::from_slice(&line).unwrap();
    (line, value)
}

#[test]
fn golden_events() {
    let (context, records) = every();
    let lines: Vec<String> = records
        .iter()
        .map(|record| String::from_utf8(told(&context, record).0).unwrap())
        .collect();
    let golden: Vec<&str> = include_str!("golden.jsonl").lines().collect();
    for (line, golden) in lines.iter().zip(&golden) {
        assert_eq!(line, golden);
    }
    assert_eq!(lines.len(), golden.len(), "{}", lines.join("\n"));
}

/// What the schema demands of a field.
enum Shape {
    Integer,
    Text,
    Flag,
    Object,
    List,
    Choice(&'static [u64]),
}

/// What 1.5.0 demands or recommends of class 6003 under security_control, by JSON pointer.
const SCHEMA: &[(&str, Shape)] = &[
    ("/activity_id", Shape::Choice(&[0, 1, 2, 3, 4, 99])),
    ("/category_uid", Shape::Choice(&[6])),
    ("/class_uid", Shape::Choice(&[6003])),
    ("/severity_id", Shape::Choice(&[1, 2, 3, 4, 5])),
    ("/action_id", Shape::Choice(&[0, 1, 2])),
    ("/disposition_id", Shape::Choice(&[0, 1, 2, 8, 17])),
    ("/status_id", Shape::Choice(&[0, 1, 2, 99])),
    ("/time", Shape::Integer),
    ("/message", Shape::Text),
    ("/is_alert", Shape::Flag),
    ("/raw_data", Shape::Text),
    ("/unmapped", Shape::Object),
    ("/metadata/version", Shape::Text),
    ("/metadata/product/name", Shape::Text),
    ("/metadata/product/vendor_name", Shape::Text),
    ("/metadata/profiles", Shape::List),
    ("/metadata/uid", Shape::Text),
    ("/metadata/sequence", Shape::Integer),
    ("/metadata/log_name", Shape::Text),
    ("/actor", Shape::Object),
    ("/api/operation", Shape::Text),
    ("/api/service/name", Shape::Text),
    ("/src_endpoint", Shape::Object),
    ("/dst_endpoint", Shape::Object),
];

fn assert_follows_the_schema(event: &Value) {
    for (pointer, shape) in SCHEMA {
        let value = event
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer} in {event:#}"));
        let good = match shape {
            Shape::Integer => value.is_i64() || value.is_u64(),
            Shape::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Shape::Flag => value.is_boolean(),
            Shape::Object => value.as_object().is_some_and(|object| !object.is_empty()),
            Shape::List => value.as_array().is_some_and(|list| !list.is_empty()),
            Shape::Choice(ids) => value.as_u64().is_some_and(|id| ids.contains(&id)),
        };
        assert!(good, "{pointer} is {value} in {event:#}");
    }
    let activity = event["activity_id"].as_u64().unwrap();
    assert_eq!(event["type_uid"].as_u64(), Some(600_300 + activity));
    let one_of = |pointer: &str, names: &[&str]| {
        let object = event.pointer(pointer).unwrap();
        let has = names.iter().any(|name| object.get(name).is_some());
        assert!(has, "none of {names:?} at {pointer} in {event:#}");
    };
    one_of("/actor", &["user", "session", "app_name"]);
    for end in ["/src_endpoint", "/dst_endpoint"] {
        one_of(end, &["ip", "uid", "name", "hostname", "svc_name"]);
    }
    if let Some(request) = event.pointer("/api/request") {
        assert!(request["uid"].is_string(), "{event:#}");
    }
    if let Some(response) = event.pointer("/api/response") {
        assert!(response["code"].is_u64(), "{event:#}");
    }
    for resource in event["resources"].as_array().into_iter().flatten() {
        assert!(resource["uid"].is_string() && resource["type"].is_string());
    }
    for (at, value) in leaves(event) {
        assert!(
            !value.is_null() || at.contains("/data/"),
            "{at} is null in {event:#}"
        );
    }
}

fn leaves(value: &Value) -> Vec<(String, Value)> {
    let below = |name: String, value: &Value| {
        let inner = leaves(value).into_iter();
        inner
            .map(move |(at, value)| (format!("/{name}{at}"), value))
            .collect::<Vec<_>>()
    };
    match value {
        Value::Object(object) => {
            let all = object
                .iter()
                .flat_map(|(name, value)| below(name.clone(), value));
            all.collect()
        }
        Value::Array(list) => {
            let all = list.iter().enumerate();
            all.flat_map(|(at, value)| below(at.to_string(), value))
                .collect()
        }
        leaf => vec![(String::new(), leaf.clone())],
    }
}

#[test]
fn every_kind_has_what_the_schema_demands() {
    let (context, records) = every();
    let kinds: HashSet<u64> = records.iter().map(|record| record.event.kind()).collect();
    assert_eq!(kinds, (1..=kind::LAST).collect());
    for record in &records {
        assert_follows_the_schema(&told(&context, record).1);
        // With nothing remembered as well.
        assert_follows_the_schema(&told(&Context::default(), record).1);
    }
}

#[test]
fn every_event_carries_the_bytes_that_were_hashed() {
    let (context, records) = every();
    for record in &records {
        let (_, event) = told(&context, record);
        let raw = BASE64.decode(event["raw_data"].as_str().unwrap()).unwrap();
        assert_eq!(raw, record.encode());
        assert_eq!(
            event["metadata"]["uid"],
            format!("gate-1:{}", record.sequence)
        );
    }
}

#[test]
fn an_outcome_leads_to_its_intent() {
    let (context, records) = every();
    let (_, intent) = told(&context, &records[3]);
    let (_, outcome) = told(&context, &records[4]);
    assert_eq!(
        outcome["metadata"]["correlation_uid"],
        intent["metadata"]["uid"]
    );
    assert_eq!(outcome["actor"], intent["actor"]);
    assert_eq!(outcome["api"]["operation"], "write-multiple-registers");
    // Also where the intent is not remembered.
    let (_, alone) = told(&Context::default(), &records[4]);
    assert_eq!(
        alone["metadata"]["correlation_uid"],
        intent["metadata"]["uid"]
    );
}

#[test]
fn what_strangers_write_stays_text_of_bounded_length() {
    for text in hostile_texts() {
        let (context, records) = hostile(&text);
        for record in &records {
            // A record longer than the journal takes is not forwarded either.
            let mut bytes = record.encode();
            bytes.truncate(interlock_protocols::limits::RECORD_MAX_BYTES);
            let line = line(&origin(), &context, record, &bytes).unwrap();
            assert!(
                line.len() <= SYSLOG_MESSAGE_MAX_BYTES - crate::sink::rfc5424::HEADER_MAX_BYTES,
                "{} bytes of {}",
                line.len(),
                record.event.name()
            );
            assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            let event: Value = serde_json::from_slice(&line).unwrap();
            let raw = BASE64.decode(event["raw_data"].as_str().unwrap()).unwrap();
            assert_eq!(raw, bytes);
        }
    }
}

#[test]
fn a_text_comes_back_as_it_was() {
    let text = "\u{1b}[2J \u{9b} \"quoted\" \\ \u{feff}Zo\u{eb} \u{202e} \u{1f525} \u{7f}\n";
    let (context, records) = hostile(text);
    let (_, event) = told(&context, &records[2]);
    assert_eq!(event["status_detail"], text);
    assert_eq!(event["actor"]["user"]["uid"], text);
}
