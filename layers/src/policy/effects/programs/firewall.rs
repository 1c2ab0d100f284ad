//! What keeps a machine safe, and how it is switched off.

use super::{Command, args::joined};
use crate::policy::effects::{
    Act,
    shell::{Data, Shell, State},
};

pub(super) fn run(
    shell: &mut Shell<'_>,
    _state: &mut State,
    command: &Command<'_>,
) -> Option<Data> {
    let words = command.words;
    let text = joined(words);
    let has = |word: &str| words.iter().any(|given| given == word);
    let input = command.stdin.text.as_deref().unwrap_or_default();
    let is_off = match command.name {
        "setenforce" => has("0") || text.to_lowercase().contains("permissive"),
        "aa-teardown" | "aa-disable" | "aa-complain" => true,
        "apparmor_parser" => has("-R") || has("--remove"),
        "spctl" | "csrutil" | "mokutil" | "authenticated-root" => text.contains("disable"),
        "ufw" => {
            let args: Vec<&str> = words
                .iter()
                .map(String::as_str)
                .filter(|word| !word.starts_with('-'))
                .collect();
            match args.as_slice() {
                // Off, or from everywhere, to everything.
                ["disable" | "reset", ..]
                | ["default", "allow", ..]
                | [.., "allow", "from", "any"]
                | ["allow", "in"]
                | ["allow", "from", "any", "to", "any"]
                | ["allow", "proto", _, "from", "any"] => true,
                _ => false,
            }
        }
        "iptables" | "ip6tables" | "iptables-legacy" | "iptables-nft" => tables(words, &text),
        "iptables-restore" | "ip6tables-restore" => {
            input.contains(":INPUT ACCEPT") && !input.contains("-A INPUT")
        }
        "nft" => {
            let code = format!("{text} {input}");
            [
                "flush ruleset",
                "delete table",
                "flush table",
                "flush chain",
                "destroy table",
                "policy accept",
            ]
            .iter()
            .any(|what| code.contains(what))
        }
        "firewall-cmd" => {
            text.contains("panic-o")
                || text.contains("set-default-zone=trusted")
                || text.contains("zone=trusted --add")
        }
        "auditctl" => has("-D") || text.contains("-e 0"),
        "pfctl" => has("-d") || has("-F"),
        "tmutil" => text.contains("disable") || text.starts_with("delete"),
        "socketfilterfw" => text.contains("off"),
        "setsebool" => text.contains("=1") || text.contains(" on") || text.ends_with(" 1"),
        "semanage" => text.starts_with("permissive -a"),
        "grubby" | "bcdedit" => {
            text.contains("selinux=0")
                || text.contains("mitigations=off")
                || text.contains("apparmor=0")
        }
        "sysctl" => {
            let weakens = [
                "randomize_va_space=0",
                "kernel.yama.ptrace_scope=0",
                "kernel.panic",
                "sysrq-trigger",
                "kptr_restrict=0",
                "unprivileged_bpf_disabled=0",
                "protected_symlinks=0",
                "protected_hardlinks=0",
                "suid_dumpable=2",
                "kernel.core_pattern=|",
            ];
            let text = text.replace(' ', "");
            weakens.iter().any(|setting| text.contains(setting))
        }
        _ => return None,
    };
    if !is_off {
        return None;
    }
    shell.act(Act::Disarm {
        what: format!("{} {text}", command.name),
    });
    Some(Data::default())
}

/// Rules that are all gone, or let everybody in, or nobody.
fn tables(words: &[String], text: &str) -> bool {
    let has = |word: &str| words.iter().any(|given| given == word);
    let chooses = words.iter().any(|word| {
        matches!(
            word.as_str(),
            "-s" | "-d"
                | "-p"
                | "--dport"
                | "--sport"
                | "-i"
                | "-o"
                | "-m"
                | "--source"
                | "--destination"
                | "--protocol"
        )
    });
    let adds = has("-A") || has("-I") || has("--append") || has("--insert");
    let ends = text.contains("-j ACCEPT") || text.contains("-j DROP") || text.contains("-j REJECT");
    let policy = (has("-P") || has("--policy"))
        && [
            "INPUT ACCEPT",
            "FORWARD ACCEPT",
            "INPUT DROP",
            "OUTPUT DROP",
            "OUTPUT ACCEPT",
        ]
        .iter()
        .any(|policy| text.contains(policy));
    has("-F") || has("--flush") || has("-X") || policy || adds && ends && !chooses
}

/// Services that keep a machine safe.
pub(super) fn is_guard(text: &str) -> bool {
    let guards = [
        "firewalld",
        "ufw",
        "apparmor",
        "auditd",
        "clamav",
        "falcon",
        "crowdstrike",
        "fail2ban",
        "selinux",
        "iptables",
        "nftables",
        "osquery",
        "wazuh",
        "rsyslog",
        "sentinel",
        "defender",
        "mdatp",
        "carbonblack",
        "snort",
        "suricata",
        "cbdefense",
        "esets",
        "sophos",
        "syslog",
    ];
    guards
        .iter()
        .any(|guard| text.to_lowercase().contains(guard))
}
