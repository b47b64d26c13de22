//! `[root]`: whose word on approvers and plant counts.

use interlock_broker::document::Section;
use interlock_broker::root::RootKey;

pub(super) fn read(section: &mut Section<'_>) -> Option<RootKey> {
    section.required("key").text_as(|text| {
        RootKey::parse(text).map_err(|error| {
            let hint = "copy the line that `interlock root init` printed on the root's machine";
            (error.to_string(), hint.to_owned())
        })
    })
}
