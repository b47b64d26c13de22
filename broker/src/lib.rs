//! The policy decision point of Interlock: who somebody is, what a command touches, whether it
//! may pass, and the record of all that. It opens no socket and, outside [`clock`], reads no
//! clock: time is an argument.
#![forbid(unsafe_code)]

pub mod activation;
pub mod authority;
pub mod clock;
pub mod digits;
pub mod document;
pub mod enrolment;
pub mod finding;
pub mod index;
pub mod join;
pub mod journal;
pub mod limits;
pub mod mediation;
mod offers;
pub mod plant;
pub mod policy;
pub mod posture;
pub mod proof;
pub mod register;
pub mod root;
pub mod state;
pub mod subject;
pub mod timekeeping;
pub mod token;
pub mod window;
pub mod witness;
pub mod wording;
