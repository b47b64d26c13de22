//! The texts that are signed. Each begins with a domain that no other text begins with, and every
//! part of it has one length, or says its own.

use alloc::vec::Vec;

/// What both ends of a connection ask their TLS for (RFC 8446 §7.5): 32 bytes that no other
/// connection has.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-interlock-identity-1";

const PROOF: &[u8] = b"interlock device proof 1\0";
const PRESENCE: &[u8] = b"interlock user presence 1\0";
const ENROL: &[u8] = b"interlock enrolment 1\0";
const LOGIN: &[u8] = b"interlock login 1\0";
const POSTURE: &[u8] = b"interlock posture 1\0";

/// What a machine's key signs to open a session, and again with each later posture: this
/// connection, the key of the person's certificate, this gateway (by the name in its
/// certificate), and the posture that goes with it.
pub fn proof_statement(
    exporter: &[u8; 32],
    leaf_key: &[u8; 32],
    server_name: &str,
    posture: &[u8; 32],
) -> Vec<u8> {
    let name = sized(server_name.as_bytes());
    [PROOF, exporter, leaf_key, posture, &name].concat()
}

/// What a person's authenticator signs, with a PIN or a touch, inside a session that is open.
pub fn presence_statement(exporter: &[u8; 32], leaf_key: &[u8; 32], server_name: &str) -> Vec<u8> {
    [PRESENCE, exporter, leaf_key, &sized(server_name.as_bytes())].concat()
}

/// What the three keys of an enrolment sign: this connection, the token's hash, and the three
/// keys by their hashes, so that none of them can be exchanged.
pub fn enrol_statement(exporter: &[u8; 32], token: &[u8; 32], keys: &[[u8; 32]; 3]) -> Vec<u8> {
    [ENROL, exporter, token, keys.as_flattened()].concat()
}

/// What the three keys of a renewal sign.
pub fn login_statement(
    exporter: &[u8; 32],
    server_name: &str,
    keys: &[[u8; 32]; 3],
    parent: Option<&[u8; 32]>,
    present: bool,
) -> Vec<u8> {
    let mut statement = [LOGIN, exporter, keys.as_flattened()].concat();
    statement.push(u8::from(present));
    statement.push(u8::from(parent.is_some()));
    statement.extend_from_slice(parent.unwrap_or(&[0; 32]));
    statement.extend_from_slice(&sized(server_name.as_bytes()));
    statement
}

/// What a management server signs.
pub fn posture_statement(posture: &[u8]) -> Vec<u8> {
    [POSTURE, posture].concat()
}

/// What stands in [`proof_statement`] for a report: the hash of this text. `None` where there is
/// no report.
pub fn posture_digest(
    report: Option<&super::PostureReport>,
    sha256: impl FnOnce(&[u8]) -> [u8; 32],
) -> [u8; 32] {
    report.map_or([0; 32], |report| sha256(&crate::strict::to_bytes(report)))
}

fn sized(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), text].concat()
}
