//! Whether the screen locks by itself. Desktops keep that where only their own services read it;
//! what can be read from files is KDE's setting, and what the administrator of a machine with GNOME
//! has locked.

use super::{Machine, text};

pub(super) fn locks(machine: &Machine<'_>) -> Option<bool> {
    kde(machine).or_else(|| gnome(machine))
}

/// `[Daemon] Autolock`, which is on unless it is switched off.
fn kde(machine: &Machine<'_>) -> Option<bool> {
    let text = text(&machine.home?.join(".config/kscreenlockerrc"))?;
    let autolock = value(&text, "[Daemon]", "Autolock").unwrap_or("true");
    Some(autolock == "true")
}

/// Only where users cannot change it: what they have set is in a file of another format.
fn gnome(machine: &Machine<'_>) -> Option<bool> {
    const FOLDER: &str = "etc/dconf/db/local.d";
    const KEY: &str = "/org/gnome/desktop/screensaver/lock-enabled";
    let locks = machine.entries(&format!("{FOLDER}/locks"))?;
    let locked = locks.iter().any(|name| {
        machine
            .text(&format!("{FOLDER}/locks/{name}"))
            .is_some_and(|text| text.lines().any(|line| line.trim() == KEY))
    });
    if !locked {
        return None;
    }
    let mut files = machine.entries(FOLDER)?;
    // Later files win, by their names.
    files.sort_unstable();
    let set = files.iter().rev().find_map(|name| {
        let text = machine.text(&format!("{FOLDER}/{name}"))?;
        let value = value(&text, "[org/gnome/desktop/screensaver]", "lock-enabled")?;
        Some(value == "true")
    });
    // It is on unless it is switched off.
    Some(set.unwrap_or(true))
}

/// The value of a key below a heading.
fn value<'t>(text: &'t str, heading: &str, key: &str) -> Option<&'t str> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| *line == heading)?;
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}
