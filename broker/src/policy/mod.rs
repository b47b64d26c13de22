//! Who may do what, under which circumstances: Cedar rules in files, checked strictly, tested
//! like code, decided for every single command.
//!
//! A [`Bundle`] is the files. [`Policy::compile`] checks it wholly and indexes its rules.
//! Each session owns a [`View`] of the policy in force, which answers with a [`Verdict`].
//! [`Bundle::cases`] are what must hold before a policy is activated; [`run`] tries them.
//!
//! Only this folder names Cedar.

mod action;
mod asking;
mod bundle;
mod cases;
mod circumstances;
mod command;
mod compiled;
mod decimal;
mod diagnostic;
mod facts;
mod groups;
mod index;
mod names;
mod rules;
mod runner;
mod schema;
mod snapshot;
mod statements;
mod supposed;
#[cfg(test)]
mod tests;
mod verdict;
mod view;

pub use action::Action;
pub use bundle::Bundle;
pub use cases::{Ask, Case, Expect};
pub use circumstances::{Circumstances, Health, LocalTime, Presence, Transport, Trust};
pub use compiled::{Estate, EstateDevice, Policy};
pub use facts::{CommandFacts, Facts, InvitedFacts, Matter};
pub use runner::{Answer, CaseReport, Report, run};
pub use verdict::{Cause, Verdict};
pub use view::{Resource, View};
