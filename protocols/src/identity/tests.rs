//! That no two statements are ever equal, whatever their parts.

use super::*;
use alloc::vec::Vec;

#[test]
fn no_statement_is_another() {
    let (a, b) = ([1; 32], [2; 32]);
    let statements: Vec<Vec<u8>> = Vec::from([
        proof_statement(&a, &b, "gateway", &a),
        proof_statement(&a, &a, "gateway", &b),
        proof_statement(&a, &b, "gatewa", &a),
        presence_statement(&a, &b, "gateway"),
        enrol_statement(&a, &b, &[a, a, b]),
        enrol_statement(&a, &b, &[a, b, a]),
        login_statement(&a, "gateway", &[a, a, b], None, false),
        login_statement(&a, "gateway", &[a, a, b], None, true),
        login_statement(&a, "gateway", &[a, a, b], Some(&[0; 32]), false),
        posture_statement(b"gateway"),
    ]);
    for (place, statement) in statements.iter().enumerate() {
        for other in &statements[place + 1..] {
            assert_ne!(statement, other);
            assert!(!other.starts_with(statement) && !statement.starts_with(other));
        }
    }
}
