//! Where something does not go as it should, the tour stops and says what was expected.

use std::fmt::Display;

use crate::failure::{Failure, Kind};

/// A step of the tour; 0 before the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step(u8);

impl Step {
    pub(super) const fn new(number: u8) -> Step {
        Step(number)
    }

    /// Goes on only if it is so.
    pub(super) fn expect(self, is_so: bool, what: &str, came: &dyn Display) -> Result<(), Failure> {
        if is_so {
            Ok(())
        } else {
            Err(self.surprise(what, came))
        }
    }

    /// What came of something that should work; a failure is a surprise.
    pub(super) fn works<T>(self, what: &str, came: Result<T, Failure>) -> Result<T, Failure> {
        came.map_err(|failure| self.surprise(what, &failure.what()))
    }

    /// What was expected, and what came.
    pub(super) fn surprise(self, what: &str, came: &dyn Display) -> Failure {
        let step = self.0;
        Failure::new(
            Kind::Failed,
            format!("the demo met a surprise in step {step}\n  expected: {what}\n  came: {came}"),
            "this is a fault of Interlock and not yours: please report it",
        )
    }
}
