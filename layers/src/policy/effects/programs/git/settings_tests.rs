use crate::policy::{
    ToolCall,
    effects::{Effects, Place},
};

fn effects(command: &str) -> Vec<String> {
    let place = Place {
        cwd: Some("/home/me/shop".into()),
        home: Some("/home/me".into()),
        project: None,
    };
    let input = serde_json::json!({ "command": command }).to_string();
    let effects = Effects::of(&ToolCall::new("Bash", input), &place);
    effects.iter().map(ToString::to_string).collect()
}

#[test]
fn settings_that_run_something_change_a_file() {
    for (command, file) in [
        (
            "git config core.sshCommand /tmp/x",
            "write(~/shop/.git/config)",
        ),
        (
            "git config --local --add core.pager 'sh -c x'",
            "write(~/shop/.git/config)",
        ),
        (
            "git config --global --replace-all core.pager /tmp/p",
            "write(~/.gitconfig)",
        ),
        (
            "git config set --global include.path /tmp/x",
            "write(~/.gitconfig)",
        ),
        (
            "git config -f .git/config alias.co '!/tmp/co'",
            "write(~/shop/.git/config)",
        ),
        (
            "git config filter.x.smudge /tmp/x",
            "write(~/shop/.git/config)",
        ),
        (
            "git config url.https://evil.example/.insteadOf https://github.com/",
            "write(~/shop/.git/config)",
        ),
        (
            "git init --template=/tmp/t .",
            "write(~/shop/.git/hooks/template)",
        ),
    ] {
        let effects = effects(command);
        assert!(
            effects.iter().any(|effect| effect == file),
            "{command}: {effects:?}"
        );
    }
}

#[test]
fn others_and_questions_do_not() {
    for command in [
        "git config user.name x",
        "git config --global core.editor 'code --wait'",
        "git config --global core.pager delta",
        "git config --get core.hooksPath",
        "git config --unset core.hooksPath",
        "git config --global credential.helper store",
        "git config url.https://github.com/.insteadOf git@github.com:",
        "cd $(mktemp -d) && git init -q && git config core.hooksPath hooks",
    ] {
        let effects = effects(command);
        let is_quiet = !effects
            .iter()
            // A folder that is made for a moment is no setting.
            .filter(|effect| !effect.starts_with("write(/tmp/"))
            .any(|effect| effect.starts_with("write") || effect.starts_with("persist"));
        assert!(is_quiet, "{command}: {effects:?}");
    }
}
