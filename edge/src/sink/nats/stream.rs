//! What a gateway's stream is called, how it must be kept, and the ids of its messages.

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use crate::sink::SinkError;

/// Which history of a journal a record is of: the random part of the last acceptance up to it.
/// Two records of one sequence, one of them cut away, have different ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lineage(String);

impl Lineage {
    pub(super) fn none() -> Lineage {
        Lineage("0".to_owned())
    }

    pub(super) fn of(bytes: [u8; 8]) -> Lineage {
        Lineage(format!("{:016x}", u64::from_be_bytes(bytes)))
    }
}

/// Names are of `a-z`, `0-9`, `_` and `-`, so the `=` keeps two gateways apart whose names would
/// read the same when joined.
pub(super) fn name(site: &str, gateway: &str) -> String {
    format!("interlock={site}={gateway}")
}

/// Where records are published to.
pub(super) fn subject(site: &str, gateway: &str) -> String {
    format!("interlock.{site}.{gateway}.journal")
}

/// The id of a message: `gateway/lineage/sequence`.
pub(super) fn id(gateway: &str, lineage: &Lineage, sequence: u64) -> String {
    format!("{gateway}/{}/{sequence}", lineage.0)
}

/// Reads an id back.
pub(super) fn parse_id(gateway: &str, id: &str) -> Option<(Lineage, u64)> {
    let (lineage, sequence) = id
        .strip_prefix(gateway)?
        .strip_prefix('/')?
        .split_once('/')?;
    let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
    Some((Lineage(lineage.to_owned()), sequence))
}

/// A stream that drops nothing: whoever sets limits on it later does so on purpose.
pub(super) fn config(stream: &str, subject: &str) -> Config {
    Config {
        name: stream.to_owned(),
        subjects: vec![subject.to_owned()],
        description: Some("command journal of an Interlock gateway".to_owned()),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        deny_delete: true,
        num_replicas: 1,
        ..Config::default()
    }
}

/// Whether a stream that is there can be used: what would lose or hide records is refused.
pub(super) fn fit(config: &Config, subject: &str) -> Result<(), SinkError> {
    let wrong = if config.subjects != [subject] {
        format!(
            "its subjects are {:?} and must be `{subject}` alone",
            config.subjects
        )
    } else if config.storage != StorageType::File {
        "it is kept in memory and must be kept in files".to_owned()
    } else if config.retention != RetentionPolicy::Limits {
        "it drops messages once they are read; its retention must be `limits`".to_owned()
    } else if config.no_ack || config.sealed {
        "it acknowledges nothing, or is sealed".to_owned()
    } else {
        return Ok(());
    };
    Err(SinkError::Refused(format!(
        "stream {} cannot be used: {wrong}",
        config.name
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back() {
        let (lineage, sequence) = parse_id("gateway-1", "gateway-1/0/42").unwrap();
        assert_eq!((lineage, sequence), (Lineage::none(), 42));
        let (lineage, _) = parse_id("gateway-1", "gateway-1/00000000000000ff/1").unwrap();
        assert_eq!(lineage, Lineage::of([0, 0, 0, 0, 0, 0, 0, 255]));
        for other in [
            "",
            "gateway-1",
            "gateway-1/0/",
            "gateway-1/0/0",
            "gateway-10/0/1",
            "gateway-2/0/1",
        ] {
            assert_eq!(parse_id("gateway-1", other), None, "{other}");
        }
    }

    #[test]
    fn two_gateways_never_share_a_stream() {
        assert_ne!(name("a-b", "c"), name("a", "b-c"));
        assert_ne!(name("a_b", "c"), name("a", "b_c"));
    }

    #[test]
    fn a_stream_that_loses_records_is_not_used() {
        let good = config("stream", "subject");
        assert!(fit(&good, "subject").is_ok());
        assert!(fit(&good, "other").is_err());
        let bad = [
            Config {
                storage: StorageType::Memory,
                ..good.clone()
            },
            Config {
                retention: RetentionPolicy::WorkQueue,
                ..good.clone()
            },
            Config {
                retention: RetentionPolicy::Interest,
                ..good.clone()
            },
            Config {
                no_ack: true,
                ..good.clone()
            },
            Config {
                sealed: true,
                ..good.clone()
            },
            Config {
                subjects: vec!["subject".into(), ">".into()],
                ..good
            },
        ];
        for config in bad {
            assert!(fit(&config, "subject").is_err(), "{config:?}");
        }
    }
}
