//! Agents, their providers, and where both find out about each other.

/// Programs that are agents.
pub(super) const AGENTS: &[&str] = &[
    "claude",
    "codex",
    "gemini",
    "aider",
    "opencode",
    "goose",
    "cursor-agent",
    "crush",
    "amp",
    "cline",
    "qwen",
    "copilot",
];
/// Packages of agents, as others start them.
pub(super) const PACKAGES: &[&str] = &[
    "claude-code",
    "openai/codex",
    "gemini-cli",
    "aider-chat",
    "opencode-ai",
];
/// Hosts at which the providers are.
pub(super) const PROVIDERS: &[&str] = &[
    "api.anthropic.com",
    "api.openai.com",
    "chatgpt.com",
    "generativelanguage.googleapis.com",
];
/// Programs that lead connections elsewhere.
pub(super) const ROUTERS: &[&str] = &[
    "iptables",
    "ip6tables",
    "nft",
    "pfctl",
    "ufw",
    "firewall-cmd",
    "ip",
    "route",
    "networksetup",
    "resolvectl",
    "iptables-legacy",
    "iptables-nft",
    "ebtables",
    "ipfw",
    "tc",
    "ipset",
    "redir",
    "socat",
    "mitmproxy",
    "mitmweb",
    "mitmdump",
];
/// Programs that set variables for what starts later.
pub(super) const SETTERS: &[&str] = &[
    "setx",
    "launchctl",
    "systemctl",
    "dbus-update-activation-environment",
    "fish",
];
/// Where shells and agents find variables when they start.
pub(super) const READ_AT_START: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".kshrc",
    ".cshrc",
    ".config/fish",
    ".config/environment.d",
    ".pam_environment",
    ".claude/settings*.json",
    ".claude.json",
    ".codex/config.toml",
    ".codex/.env",
    ".gemini/settings.json",
    ".gemini/.env",
    ".aider.conf.yml",
    ".config/opencode",
];
pub(super) const READ_ANYWHERE: &[&str] = &[
    ".claude/settings*.json",
    ".codex/config.toml",
    ".envrc",
    ".gemini/settings.json",
    ".aider.conf.yml",
    "opencode.json",
    ".vscode/settings.json",
];
pub(super) const READ_FROM_ROOT: &[&str] = &[
    "etc/environment",
    "etc/profile",
    "etc/profile.d",
    "etc/bash.bashrc",
    "etc/zsh*",
    "etc/claude-code",
    "etc/systemd",
    "etc/launchd.conf",
];
/// Commands of the sidecar that change nothing.
pub(super) const QUESTIONS: &[&str] = &[
    "cache-why",
    "check",
    "export",
    "search",
    "sessions",
    "show",
    "policy",
    "demo",
    "help",
    "schema",
    "verify",
    "replay",
    "version",
    "completions",
];
