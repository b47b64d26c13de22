//! Whether the disk that the system starts from is encrypted: whether everything below the mount
//! of `/` leads through dm-crypt.

use super::Machine;

/// How many layers a disk may have: LVM on RAID on dm-crypt has three.
const LAYERS_MAX: usize = 8;

pub(super) fn encrypted(machine: &Machine<'_>) -> Option<bool> {
    let mounts = machine.text("proc/self/mountinfo")?;
    // The last mount over `/` is the one that is seen.
    let root = mounts
        .lines()
        .filter_map(Mount::read)
        .rfind(|mount| mount.point == "/")?;
    let device = device(machine, &root)?;
    below(machine, &device, LAYERS_MAX)
}

struct Mount<'a> {
    number: &'a str,
    point: &'a str,
    source: &'a str,
}

impl<'a> Mount<'a> {
    /// proc(5): id, parent, major:minor, root, mount point, options …, a hyphen, type, source.
    fn read(line: &'a str) -> Option<Mount<'a>> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(2);
        let number = left.next()?;
        let point = left.nth(1)?;
        let source = right.split(' ').nth(1)?;
        Some(Mount {
            number,
            point,
            source,
        })
    }
}

/// A block device or a partition of one, by the folder below `sys/block`.
fn device(machine: &Machine<'_>, mount: &Mount<'_>) -> Option<String> {
    let named = |path: &str, wanted: &str| {
        machine
            .text(path)
            .is_some_and(|text| text.trim_end() == wanted)
    };
    let disks = machine.entries("sys/block")?;
    // File systems over several disks have a number of their own, and name one of the disks.
    let by_number = |path: &str| named(&format!("sys/block/{path}/dev"), mount.number);
    let source = mount.source.strip_prefix("/dev/");
    let mapped = source.and_then(|source| source.strip_prefix("mapper/"));
    for disk in &disks {
        let by_name = source == Some(disk)
            || mapped.is_some_and(|name| named(&format!("sys/block/{disk}/dm/name"), name));
        if by_number(disk) || by_name {
            return Some(disk.clone());
        }
        for part in machine.entries(&format!("sys/block/{disk}"))? {
            let path = format!("{disk}/{part}");
            let is_part = machine.has(&format!("sys/block/{path}/partition"));
            if is_part && (by_number(&path) || source == Some(&part)) {
                return Some(path);
            }
        }
    }
    None
}

/// Whether all that a device stands on is encrypted.
fn below(machine: &Machine<'_>, device: &str, layers: usize) -> Option<bool> {
    let uuid = machine.text(&format!("sys/block/{device}/dm/uuid"));
    if uuid.is_some_and(|uuid| uuid.starts_with("CRYPT-")) {
        return Some(true);
    }
    let layers = layers.checked_sub(1)?;
    let slaves = machine.entries(&format!("sys/block/{device}/slaves"));
    let slaves = slaves.unwrap_or_default();
    if slaves.is_empty() {
        return Some(false);
    }
    let mut all = true;
    for slave in slaves {
        all &= below(machine, &slave, layers)?;
    }
    Some(all)
}
