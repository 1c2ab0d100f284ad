//! Text that is too long or too deep is said to be so, and harms nobody.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Act, Effects, Place};
use crate::policy::ToolCall;

fn is_opaque(command: &str) -> (bool, Duration) {
    let call = ToolCall::new("Bash", json!({ "command": command }).to_string());
    let start = Instant::now();
    let effects = Effects::of(&call, &Place::default());
    let is_opaque = effects
        .iter()
        .any(|effect| matches!(effect.act, Act::Opaque { .. }));
    (is_opaque, start.elapsed())
}

#[test]
fn what_is_nested_without_end_is_opaque_and_overflows_nothing() {
    for (open, inner, close) in [
        ("( ", "ls", " )"),
        ("{ ", "ls", "; }"),
        ("echo $(", "ls", ")"),
        ("if true; then ", "ls", "; fi"),
        ("f() { ", "ls", "; }; f"),
        ("eval ", "ls", ""),
        ("sudo ", "ls", ""),
        ("echo ${x:-", "ls", "}"),
    ] {
        for depth in [8, 24, 40, 400, 3000] {
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let (opaque, _) = is_opaque(&text);
            if depth >= 400 {
                assert!(opaque, "{open:?}, {depth} deep");
            }
        }
    }
}

#[test]
fn what_is_longer_than_is_looked_at_is_opaque() {
    for text in [
        "ls; ".repeat(40_000),
        format!("echo {}", "x ".repeat(60_000)),
        format!("cat <<X\n{}\nX", "y\n".repeat(80_000)),
    ] {
        let (opaque, took) = is_opaque(&text);
        assert!(opaque);
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}
