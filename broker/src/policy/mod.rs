//! Who may do what, under which circumstances: Cedar rules in files, checked strictly, tested
//! like code, decided for every single command.
//!
//! A [`Bundle`] is the files. [`Policy::compile`] checks it wholly and indexes its rules.
//! Each session owns a [`View`] of the policy in force, which answers with a [`Verdict`].
//! [`Bundle::cases`] are what must hold before a policy is activated; [`run`] tries them.
//!
//! Only this folder names Cedar.

mod action;
mod asked;
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
mod obligations;
mod question;
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
mod window;

pub use action::Action;
pub use asked::WindowAsked;
pub use bundle::Bundle;
pub use cases::{Case, Expect};
pub use circumstances::{Circumstances, Health, LocalTime, Presence, Transport, Trust};
pub use compiled::{Estate, EstateDevice, Policy};
pub use facts::{CommandFacts, Facts, InvitedFacts, Matter};
pub use obligations::Obligations;
pub use question::Ask;
pub use runner::{Answer, CaseReport, Report, run};
pub use verdict::{Cause, Verdict};
pub use view::{Resource, View};
pub use window::{WindowFacts, WindowInForce};
