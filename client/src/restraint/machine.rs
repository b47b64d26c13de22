//! Finds the machine that somebody names, among those that the gateway knows.

use std::collections::BTreeMap;

use interlock_broker::digits::{hash_of_hex, hex};
use interlock_protocols::conduit::{Answer, Ask};

use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::limits::FINGERPRINT_MIN_DIGITS;

/// SHA-256 of the key of a machine, by what people call it: its name, or the beginning of that
/// hash. A whole hash is taken as it is, so that a machine that nobody lists can be revoked too.
pub(super) async fn of_name(gateway: &mut Gateway, name: &str) -> Result<[u8; 32], Failure> {
    if let Some(key) = hash_of_hex(name) {
        return Ok(key);
    }
    let mut known = Vec::new();
    // Whoever may revoke need not see who is enrolled: those who are there may be enough.
    let mut refused = None;
    for ask in [Ask::Sessions, Ask::Identities] {
        match gateway.ask_for_parts(ask).await {
            Ok(parts) => known.extend(parts.into_iter().flat_map(named)),
            Err(failure) => refused = Some(failure),
        }
    }
    match (find(name, known), refused) {
        (Err(failure), Some(refused)) if failure.kind() == Kind::Failed => {
            let what = format!(
                "{}; not all could be looked at: {}",
                failure.what(),
                refused.what()
            );
            Err(Failure::new(failure.kind(), what, failure.next()))
        }
        (found, _) => found,
    }
}

fn named(part: Answer) -> Vec<(String, [u8; 32])> {
    match part {
        Answer::Sessions(rows) => rows
            .into_iter()
            .filter_map(|row| Some((row.machine, row.device_key?)))
            .collect(),
        Answer::Identities(rows) => rows
            .into_iter()
            .map(|row| (row.machine, row.device_key))
            .collect(),
        _ => Vec::new(),
    }
}

fn find(
    name: &str,
    known: impl IntoIterator<Item = (String, [u8; 32])>,
) -> Result<[u8; 32], Failure> {
    let digits = name.to_ascii_lowercase();
    let is_fingerprint = digits.len() >= FINGERPRINT_MIN_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found: BTreeMap<[u8; 32], String> = BTreeMap::new();
    for (machine, key) in known {
        if machine == name || (is_fingerprint && hex(&key).starts_with(&digits)) {
            found.insert(key, machine);
        }
    }
    let mut keys = found.iter();
    match (keys.next(), keys.next()) {
        (Some((key, _)), None) => Ok(*key),
        (None, _) => Err(Failure::new(
            Kind::Failed,
            format!("the gateway knows no machine `{name}`"),
            "name it as `interlock sessions` or `interlock identities` does, or by 8 digits or more of its fingerprint; a device of the plant is frozen or isolated",
        )),
        (Some(_), Some(_)) => {
            let several: Vec<String> = found
                .iter()
                .map(|(key, machine)| format!("{machine} {}", short(key)))
                .collect();
            Err(Failure::new(
                Kind::Usage,
                format!("`{name}` is several machines: {}", several.join(", ")),
                "name the one that you mean by its fingerprint",
            ))
        }
    }
}

/// Enough of it to tell keys apart on a screen, as the gateway's own texts show it.
pub(crate) fn short(key: &[u8; 32]) -> String {
    hex(key).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<(String, [u8; 32])> {
        let (mut a, mut b) = ([0xab; 32], [0xab; 32]);
        (a[5], b[5]) = (1, 2);
        vec![
            ("olga-laptop".into(), a),
            ("olga-laptop".into(), a),
            ("lab".into(), b),
            ("lab".into(), [0xcd; 32]),
        ]
    }

    #[test]
    fn a_machine_is_found_by_its_name_or_the_beginning_of_its_fingerprint() {
        let (_, olga) = known()[0].clone();
        assert_eq!(find("olga-laptop", known()), Ok(olga));
        assert_eq!(find("abababABab01", known()), Ok(olga));
        assert_eq!(find("cdcdcdcd", known()), Ok([0xcd; 32]));
        assert_eq!(hash_of_hex(&hex(&olga)), Some(olga));
        assert_eq!(hash_of_hex("abab"), None);
    }

    #[test]
    fn one_that_is_not_known_or_not_one_is_never_guessed() {
        for (name, words) in [
            ("lab", "is several machines"),
            ("abababab", "is several machines"),
            ("cdcdcd", "knows no machine"),
            ("olga", "knows no machine"),
            ("", "knows no machine"),
        ] {
            let failure = find(name, known()).unwrap_err();
            assert!(failure.what().contains(words), "{name}: {failure}");
        }
    }
}
