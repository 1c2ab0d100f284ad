//! Agents' own programs that change what agents may do, and which programs they start.

use super::Command;
use crate::policy::effects::{
    Act, Write,
    shell::{Data, Shell, State},
};

/// A program, the words that it begins with, and what it then writes.
const CHANGES: &[(&[&str], &[&str], &str)] = &[
    (&["claude"], &["mcp", "add"], "~/.claude.json"),
    (&["claude"], &["mcp", "add-json"], "~/.claude.json"),
    (
        &["claude"],
        &["mcp", "add-from-claude-desktop"],
        "~/.claude.json",
    ),
    (&["claude"], &["mcp", "remove"], "~/.claude.json"),
    (&["claude"], &["config", "set"], "~/.claude/settings.json"),
    (&["claude"], &["config", "add"], "~/.claude/settings.json"),
    (
        &["claude"],
        &["config", "remove"],
        "~/.claude/settings.json",
    ),
    (&["claude"], &["plugin", "install"], "~/.claude/plugins"),
    (&["claude"], &["plugin", "i"], "~/.claude/plugins"),
    (&["claude"], &["plugin", "enable"], "~/.claude/plugins"),
    (&["claude"], &["plugin", "disable"], "~/.claude/plugins"),
    (
        &["claude"],
        &["plugin", "marketplace", "add"],
        "~/.claude/plugins",
    ),
    (&["codex"], &["mcp", "add"], "~/.codex/config.toml"),
    (&["codex"], &["mcp", "remove"], "~/.codex/config.toml"),
    (&["codex"], &["features", "enable"], "~/.codex/config.toml"),
    (&["codex"], &["features", "disable"], "~/.codex/config.toml"),
    (
        &["gemini", "qwen"],
        &["mcp", "add"],
        "~/.gemini/settings.json",
    ),
    (
        &["gemini", "qwen"],
        &["mcp", "remove"],
        "~/.gemini/settings.json",
    ),
    (
        &["gemini", "qwen"],
        &["extensions", "install"],
        "~/.gemini/extensions",
    ),
    (
        &["gemini", "qwen"],
        &["extensions", "link"],
        "~/.gemini/extensions",
    ),
    (
        &["gemini", "qwen"],
        &["extensions", "enable"],
        "~/.gemini/extensions",
    ),
    (
        &["gemini", "qwen"],
        &["extensions", "disable"],
        "~/.gemini/extensions",
    ),
    (
        &["gemini", "qwen"],
        &["extensions", "update"],
        "~/.gemini/extensions",
    ),
    (
        &["gemini", "qwen"],
        &["extensions", "uninstall"],
        "~/.gemini/extensions",
    ),
    (&["cursor-agent"], &["mcp", "enable"], "~/.cursor/mcp.json"),
    (&["cursor-agent"], &["mcp", "add"], "~/.cursor/mcp.json"),
    (
        &["opencode"],
        &["mcp", "add"],
        "~/.config/opencode/opencode.json",
    ),
    (
        &["opencode"],
        &["plugin"],
        "~/.config/opencode/opencode.json",
    ),
    (&["goose"], &["configure"], "~/.config/goose/config.yaml"),
    (&["amp"], &["mcp", "add"], "~/.config/amp/settings.json"),
    (&["copilot"], &["mcp", "add"], "~/.copilot/mcp-config.json"),
    (
        &["copilot"],
        &["plugin", "install"],
        "~/.copilot/mcp-config.json",
    ),
    (&["droid"], &["mcp", "add"], "~/.factory/mcp.json"),
    (
        &["q", "kiro", "kiro-cli"],
        &["mcp", "add"],
        "~/.aws/amazonq/mcp.json",
    ),
    (&["auggie"], &["mcp", "add"], "~/.augment/settings.json"),
    (
        &["mcp", "fastmcp"],
        &["install"],
        "~/.config/claude/claude_desktop_config.json",
    ),
    (
        &["smithery", "cli", "mcp-get", "install-mcp", "add-mcp"],
        &["install"],
        "~/.config/claude/claude_desktop_config.json",
    ),
];
/// Editors with agents in them, and where those have their servers.
const EDITORS: &[(&str, &str)] = &[
    ("code", "~/.config/Code/User/mcp.json"),
    ("code-insiders", "~/.config/Code/User/mcp.json"),
    ("codium", "~/.config/Code/User/mcp.json"),
    ("cursor", "~/.cursor/mcp.json"),
    ("windsurf", "~/.codeium/windsurf/mcp_config.json"),
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let mut verbs = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'));
    let changed = CHANGES.iter().find(|(programs, wanted, _)| {
        programs.contains(&command.name)
            && wanted.iter().copied().eq(verbs.clone().take(wanted.len()))
    });
    let editor = EDITORS.iter().find(|(name, _)| {
        *name == command.name
            && words.iter().any(|word| {
                word.starts_with("--add-mcp")
                    || !name.starts_with("cod") && word.starts_with("--install-extension")
            })
    });
    let file = changed
        .map(|(.., file)| *file)
        .or_else(|| editor.map(|(_, file)| *file))?;
    // For the project alone.
    let is_project = words
        .windows(2)
        .any(|pair| matches!(pair, [option, scope] if matches!(option.as_str(), "-s" | "--scope") && scope == "project"))
        || words.iter().any(|word| word == "--scope=project");
    let file = match (is_project, verbs.next()) {
        (true, Some("mcp")) if command.name == "claude" => ".mcp.json",
        (true, _) => file.strip_prefix("~/").unwrap_or(file),
        _ => file,
    };
    let path = shell.path(state, file);
    shell.act(Act::Write {
        path,
        how: Write::Edit,
    });
    super::executes(shell, command.name, words);
    Some(Data::hidden())
}

/// Whether words start an agent, by itself or by its package.
pub(super) fn starts(words: &[String]) -> bool {
    const AGENTS: [&str; 9] = [
        "claude",
        "codex",
        "gemini",
        "aider",
        "opencode",
        "goose",
        "cursor-agent",
        "crush",
        "qwen",
    ];
    const PACKAGES: [&str; 5] = [
        "claude-code",
        "openai/codex",
        "gemini-cli",
        "aider-chat",
        "opencode-ai",
    ];
    const RUNNERS: [&str; 8] = ["npx", "bunx", "pnpx", "pnpm", "yarn", "uvx", "pipx", "deno"];
    let is_agent = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        AGENTS.contains(&name)
    };
    words.first().is_some_and(is_agent)
        || words
            .first()
            .is_some_and(|word| RUNNERS.contains(&word.as_str()))
            && words
                .iter()
                .take(8)
                .any(|word| PACKAGES.iter().any(|package| word.contains(package)))
        || words.windows(2).any(|pair| {
            pair.first().is_some_and(|word| word == "-c") && {
                let code = pair.last().map(String::as_str).unwrap_or_default();
                code.split([' ', ';', '&', '|'])
                    .any(|word| AGENTS.contains(&word))
            }
        })
}
