//! Machines made of files: what is found on each, and what is left unknown.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

const NOW_MS: i64 = 1_795_000_000_000;
const DAY_MS: i64 = 24 * 3_600_000;

struct Tree(tempfile::TempDir);

impl Tree {
    fn of(files: &[(&str, &str)]) -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = tree.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    fn machine(&self) -> Machine<'_> {
        Machine {
            root: self.0.path(),
            home: None,
        }
    }

    fn changed(&self, name: &str, days_ago: i64) {
        let at_ms = u64::try_from(NOW_MS - days_ago * DAY_MS).unwrap();
        let file = fs::File::open(self.0.path().join(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_millis(at_ms))
            .unwrap();
    }
}

#[test]
fn of_an_empty_machine_nothing_is_known() {
    let tree = Tree::of(&[]);
    let machine = tree.machine();
    assert_eq!(machine.os_version(), None);
    assert_eq!(machine.patch_age_days(NOW_MS), None);
    assert_eq!(machine.disk_encrypted(), None);
    assert_eq!(machine.screen_lock(), None);
    assert_eq!(machine.firewall(), None);
    assert_eq!(machine.runs("falcon-sensor"), None);
}

#[test]
fn the_distribution_has_a_name() {
    let text = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n";
    let tree = Tree::of(&[("etc/os-release", text)]);
    let name = tree.machine().os_version();
    assert_eq!(name.as_deref(), Some("Debian GNU/Linux 13 (trixie)"));
}

#[test]
fn the_last_upgrade_counts_and_else_the_last_change() {
    let history = "\nStart-Date: 2026-11-01  06:11:22\nUpgrade: a:amd64 (1, 2)\nEnd-Date: 2026-11-01  06:11:30\n\
                   \nStart-Date: 2026-11-10  10:00:00\nInstall: b:amd64 (1)\n\n";
    let tree = Tree::of(&[
        ("var/log/apt/history.log", history),
        ("var/lib/dpkg/status", "x"),
    ]);
    tree.changed("var/lib/dpkg/status", 1);
    // 2026-11-18.
    assert_eq!(tree.machine().patch_age_days(NOW_MS), Some(17));

    // The history was rotated away.
    let tree = Tree::of(&[
        ("var/log/apt/history.log", ""),
        ("var/lib/dpkg/status", "x"),
    ]);
    tree.changed("var/lib/dpkg/status", 40);
    assert_eq!(tree.machine().patch_age_days(NOW_MS), Some(40));
    for file in [
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/Packages",
        "usr/lib/sysimage/rpm/rpmdb.sqlite",
    ] {
        let tree = Tree::of(&[(file, "x")]);
        tree.changed(file, 3);
        assert_eq!(tree.machine().patch_age_days(NOW_MS), Some(3), "{file}");
    }
    // A clock that was set back makes nothing younger than new.
    tree.changed("var/lib/dpkg/status", -3);
    assert_eq!(tree.machine().patch_age_days(NOW_MS), Some(0));
}

const LUKS: (&str, &str) = ("sys/block/dm-0/dm/uuid", "CRYPT-LUKS2-00112233-cryptroot\n");

fn mounted(number: &str, source: &str) -> String {
    format!(
        "22 1 0:21 / /proc rw - proc proc rw\n\
         25 1 {number} / / rw,relatime shared:1 - ext4 {source} rw\n\
         30 25 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
    )
}

#[test]
fn a_root_on_dm_crypt_is_encrypted_and_a_root_on_a_partition_is_not() {
    let luks = Tree::of(&[
        ("proc/self/mountinfo", &mounted("253:0", "/dev/mapper/root")),
        ("sys/block/dm-0/dev", "253:0\n"),
        LUKS,
        ("sys/block/dm-0/slaves/sda2/dev", "8:2"),
    ]);
    assert_eq!(luks.machine().disk_encrypted(), Some(true));

    let plain = Tree::of(&[
        ("proc/self/mountinfo", &mounted("8:2", "/dev/sda2")),
        ("sys/block/dm-0/dev", "253:0\n"),
        LUKS,
        ("sys/block/sda/dev", "8:0\n"),
        ("sys/block/sda/sda2/dev", "8:2\n"),
        ("sys/block/sda/sda2/partition", "2\n"),
    ]);
    assert_eq!(plain.machine().disk_encrypted(), Some(false));
}

#[test]
fn volumes_are_as_encrypted_as_what_they_stand_on() {
    let lvm = |second: &str| {
        Tree::of(&[
            (
                "proc/self/mountinfo",
                &mounted("253:1", "/dev/mapper/vg-root"),
            ),
            ("sys/block/dm-1/dev", "253:1\n"),
            ("sys/block/dm-1/dm/uuid", "LVM-abc\n"),
            ("sys/block/dm-1/slaves/dm-0/dev", ""),
            (&format!("sys/block/dm-1/slaves/{second}/dev"), ""),
            LUKS,
        ])
    };
    assert_eq!(lvm("dm-0").machine().disk_encrypted(), Some(true));
    // Half of it is on a disk that anybody can read.
    assert_eq!(lvm("sdb1").machine().disk_encrypted(), Some(false));

    // A file system with a number of its own names its disk.
    let btrfs = |source: &str| {
        Tree::of(&[
            ("proc/self/mountinfo", &mounted("0:30", source)),
            ("sys/block/dm-0/dev", "253:0\n"),
            ("sys/block/dm-0/dm/name", "cryptroot\n"),
            LUKS,
            ("sys/block/sda/sda2/dev", "8:2\n"),
            ("sys/block/sda/sda2/partition", "2\n"),
        ])
    };
    let found = |source| btrfs(source).machine().disk_encrypted();
    assert_eq!(found("/dev/mapper/cryptroot"), Some(true));
    assert_eq!(found("/dev/dm-0"), Some(true));
    assert_eq!(found("/dev/sda2"), Some(false));
    assert_eq!(found("overlay"), None);
}

#[test]
fn a_firewall_is_on_where_the_system_is_told_to_load_one() {
    let on = |files: &[(&str, &str)]| Tree::of(files).machine().firewall();
    let wanted = "etc/systemd/system/multi-user.target.wants";
    assert_eq!(on(&[("etc/ufw/ufw.conf", "ENABLED=yes\n")]), Some(true));
    assert_eq!(on(&[("etc/ufw/ufw.conf", "ENABLED=no\n")]), Some(false));
    let firewalld = format!("{wanted}/firewalld.service");
    assert_eq!(on(&[(&firewalld, "")]), Some(true));
    assert_eq!(
        on(&[("etc/ufw/ufw.conf", "ENABLED=no\n"), (&firewalld, "")]),
        Some(true)
    );
    let nftables = "etc/systemd/system/sysinit.target.wants/nftables.service";
    let dropping = "table inet filter {\n chain input {\n type filter hook input priority 0; policy drop;\n }\n}\n";
    assert_eq!(
        on(&[(nftables, ""), ("etc/nftables.conf", dropping)]),
        Some(true)
    );
    // What is not loaded, or accepts everything, is none.
    assert_eq!(on(&[("etc/nftables.conf", dropping)]), None);
    let accepting = dropping.replace("policy drop", "policy accept # policy drop");
    assert_eq!(
        on(&[(nftables, ""), ("etc/nftables.conf", &accepting)]),
        None
    );
    let elsewhere = dropping.replace("hook input", "hook forward");
    assert_eq!(
        on(&[(nftables, ""), ("etc/nftables.conf", &elsewhere)]),
        None
    );
}

#[test]
fn a_screen_locks_where_its_desktop_says_so_in_a_file() {
    let kde = |text: &str| {
        let tree = Tree::of(&[("home/.config/kscreenlockerrc", text)]);
        let home = tree.0.path().join("home");
        let machine = Machine {
            root: tree.0.path(),
            home: Some(&home),
        };
        machine.screen_lock()
    };
    assert_eq!(kde("[Daemon]\nTimeout=5\n"), Some(true));
    assert_eq!(kde("[Daemon]\nAutolock=false\n"), Some(false));
    assert_eq!(kde("[Other]\nAutolock=false\n"), Some(true));

    let lock = "/org/gnome/desktop/screensaver/lock-enabled\n";
    let locks = "etc/dconf/db/local.d/locks/screen";
    let set = |value: &str| format!("[org/gnome/desktop/screensaver]\nlock-enabled={value}\n");
    let gnome = |files: &[(&str, &str)]| Tree::of(files).machine().screen_lock();
    let file = "etc/dconf/db/local.d/00-screen";
    assert_eq!(gnome(&[(locks, lock), (file, &set("true"))]), Some(true));
    assert_eq!(gnome(&[(locks, lock), (file, &set("false"))]), Some(false));
    // A user may have changed what is not locked.
    assert_eq!(gnome(&[(locks, ""), (file, &set("true"))]), None);
}

#[test]
fn a_program_runs_by_the_name_that_the_kernel_keeps() {
    let tree = Tree::of(&[
        ("proc/1/comm", "systemd\n"),
        ("proc/812/comm", "falcon-sensor-b\n"),
        ("proc/self/comm", "impostor\n"),
    ]);
    let machine = tree.machine();
    assert_eq!(machine.runs("systemd"), Some(true));
    assert_eq!(machine.runs("falcon-sensor-bpf"), Some(true));
    assert_eq!(machine.runs("falcon"), Some(false));
    assert_eq!(machine.runs("impostor"), Some(false));
}
