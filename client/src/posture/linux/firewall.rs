//! Whether a firewall is switched on. The rules in the kernel are for root alone to see, so what
//! counts is what the system is told to load when it starts.

use super::Machine;

const WANTS: [&str; 3] = ["multi-user", "sysinit", "basic"];

pub(super) fn active(machine: &Machine<'_>) -> Option<bool> {
    let ufw = ufw(machine);
    let any = ufw == Some(true)
        || wanted(machine, "firewalld.service")
        || (wanted(machine, "nftables.service") && nftables_filters(machine))
        || (wanted(machine, "netfilter-persistent.service") && iptables_filters(machine));
    // That none of those is there says nothing: there are others.
    if any { Some(true) } else { ufw }
}

fn ufw(machine: &Machine<'_>) -> Option<bool> {
    let text = machine.text("etc/ufw/ufw.conf")?;
    let enabled = text
        .lines()
        .find_map(|line| line.strip_prefix("ENABLED="))?;
    Some(enabled.trim().trim_matches('"').eq_ignore_ascii_case("yes"))
}

fn wanted(machine: &Machine<'_>, service: &str) -> bool {
    WANTS.iter().any(|target| {
        let link = format!("etc/systemd/system/{target}.target.wants/{service}");
        machine.has(&link)
    })
}

/// Whether a chain for what comes in drops what no rule accepts. The file that comes with the
/// package accepts everything.
fn nftables_filters(machine: &Machine<'_>) -> bool {
    let text = machine
        .text("etc/nftables.conf")
        .or_else(|| machine.text("etc/sysconfig/nftables.conf"));
    let Some(text) = text else { return false };
    let lines = text.lines().map(|line| line.split('#').next());
    let words: Vec<&str> = lines
        .flatten()
        .flat_map(|line| line.split([' ', '\t', ';', '{', '}']))
        .filter(|word| !word.is_empty())
        .collect();
    words
        .split(|word| *word == "chain")
        .skip(1)
        .any(|chain| has(chain, ["hook", "input"]) && has(chain, ["policy", "drop"]))
}

fn has(words: &[&str], pair: [&str; 2]) -> bool {
    words.windows(2).any(|two| two == pair)
}

fn iptables_filters(machine: &Machine<'_>) -> bool {
    machine
        .text("etc/iptables/rules.v4")
        .is_some_and(|text| text.lines().any(|line| line.starts_with(":INPUT DROP")))
}
