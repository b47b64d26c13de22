//! From one ADU to a [`Permit`] or a [`Refusal`]: the walk of a command through the policy
//! decision point.
//!
//! [`decide`] is pure. [`Conversation::authorize`] is the only way to a permit: it decides,
//! makes the INTENT durable, and mints, with nothing public in between (I2).

mod acceptance;
mod activity;
mod administering;
mod allowance;
mod arrival;
mod break_glass;
mod broker;
mod conversation;
mod decide;
mod duty;
mod gate;
mod health;
mod heard;
mod ledger;
mod oversight;
mod permit;
mod refusal;
mod restraint;
mod roll;
mod schedule;
mod session;
mod standing;
mod taking;
mod telling;
mod window;

pub use acceptance::NotAccepted;
pub use arrival::Arrival;
pub use break_glass::{Breaking, Broken, NotBroken};
pub use broker::Broker;
pub use conversation::{Authorized, Conversation};
pub use decide::{Allowed, Decision, Denied, decide};
pub(crate) use decide::{decide_holding, reason_of};
pub use gate::Isolation;
pub use oversight::{Oversight, TookWriter, Watch, Writer};
pub use permit::{Answer, Awaiting, Handed, Permit, Redeemed};
pub use refusal::{Reason, Refusal, Wire};
pub use restraint::{NotReinstated, NotRestricted};
pub use schedule::{SessionTimes, Warning};
pub use session::Session;
pub use standing::{Lost, Standing};
pub use taking::Taken;
pub use window::{Holding, NotInForce, Shut};
