//! The file in which a management server's statement lies on the machine it is about.

use std::fs;
use std::path::Path;

use interlock_protocols::identity::{PostureReport, PostureSource};

use crate::failure::{Failure, Kind};
use crate::limits::POSTURE_FILE_MAX_BYTES;

/// Reads it. Whether it is believed is for the gateway to say.
pub(super) fn read(file: &Path) -> Result<PostureReport, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::new(
            Kind::Configuration,
            format!(
                "the statement about this machine's health in {} cannot be used: {why}",
                file.display()
            ),
            "have the management server write it again (`interlock posture sign`), or take \
             `statement` out of the profile: the machine then tells what it finds itself",
        )
    };
    let length = fs::metadata(file).map_err(|error| unusable(&error))?.len();
    if length > POSTURE_FILE_MAX_BYTES {
        return Err(unusable(&"it is too long"));
    }
    let bytes = fs::read(file).map_err(|error| unusable(&error))?;
    PostureReport::decode(&bytes)
        .ok()
        .filter(|report| report.source == PostureSource::Management)
        .ok_or_else(|| unusable(&"it is no statement"))
}

/// Writes it whole or not at all: the machine may read it at any moment.
pub fn write(file: &Path, report: &PostureReport) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Kind::Failed,
            format!("{} cannot be written: {error}", file.display()),
            "check the folder, and whose it is",
        )
    };
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    fs::write(beside, report.encode()).map_err(failed)?;
    fs::rename(beside, file).map_err(failed)
}
