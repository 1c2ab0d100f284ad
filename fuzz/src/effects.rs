//! What a call does: any bytes as a command, as code, as the text of a tool, and as its arguments. There is no panic, and no more than
//! a bounded answer; the same text has the same effects; and what is added behind a comment sign changes none.

use luthien::policy::{
    ToolCall,
    effects::{Effects, MAX_TEXT, Place},
};
use serde_json::json;

/// `data` as what the model may have written.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let place = Place::known(Some("/home/me/shop"), None);
    let command = json!({ "command": text }).to_string();
    let words: Vec<_> = text.split(' ').collect();
    let programs = ["python3", "node", "ruby", "perl", "php", "awk -f"];
    let code = programs.map(|program| {
        let command = format!("{program} - <<'FUZZED'\n{text}\nFUZZED");
        ("Bash", json!({ "command": command }).to_string())
    });
    let others = [
        ("Bash", command.clone()),
        ("shell", json!({ "command": words }).to_string()),
        (
            "exec_command",
            json!({ "cmd": text, "workdir": text }).to_string(),
        ),
        ("apply_patch", text.to_string()),
        (
            "Write",
            json!({ "file_path": text, "content": text }).to_string(),
        ),
        ("mcp__db__query", json!({ "sql": text }).to_string()),
        ("anything", text.to_string()),
        (&*text, command.clone()),
    ];
    for (tool, input) in others.into_iter().chain(code) {
        let call = ToolCall::new(tool, input);
        let effects = Effects::of(&call, &place);
        assert!(effects.iter().count() <= Effects::MAX + 1);
        assert_eq!(effects, Effects::of(&call, &place));
        if text.len() <= MAX_TEXT {
            let shown: usize = effects.iter().map(|effect| effect.evidence.len()).sum();
            assert!(shown <= (Effects::MAX + 1) * 1024);
        }
    }
}
