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

#[test]
fn what_doubles_again_and_again_is_not_kept() {
    let words = "w ".repeat(300);
    for command in [
        format!("x=ab; for i in {words}; do x=$x$x$x; done; $x"),
        format!("x=ab; for i in {words}; do echo $x$x > f; x=$(cat f f f); done; $x"),
        format!("echo ab {} | sh", "| sed 's/.*/&&&&/' ".repeat(300)),
        format!("echo ab {} | sh", "| base64 ".repeat(3000)),
        "x=aaaaaaaa; for i in 1 2 3 4 5 6 7 8 9; do x=${x//a/$x}; done; $x".to_owned(),
        format!(
            "x={}; echo {}; $x$x",
            "a".repeat(30_000),
            "$x ".repeat(9000)
        ),
        "for ((i=0;i<9999;i++)); do for ((j=0;j<9999;j++)); do x=$((x+i*j)); done; done; $x"
            .to_owned(),
        format!("x='{}'; y=$((x))", "x+".repeat(20_000)),
    ] {
        let (_, took) = is_opaque(&command);
        let start = command.get(..60).unwrap_or(&command);
        assert!(took < Duration::from_secs(10), "{start}: {took:?}");
    }
}

/// The program, and its code on standard input.
fn is_opaque_code(program: &str, code: &str) -> (bool, Duration) {
    let file = if program == "awk" { "-f -" } else { "-" };
    is_opaque(&format!("{program} {file} <<'END'\n{code}\nEND"))
}

#[test]
fn code_that_is_nested_or_goes_on_without_end_is_opaque_and_overflows_nothing() {
    for (program, open, inner, close) in [
        ("python3", "(", "1", ")"),
        ("python3", "[x for x in ", "y", "]"),
        ("python3", "f(lambda: ", "1", ")"),
        ("python3", "exec('", "1", "')"),
        ("node", "[", "1", "]"),
        ("node", "(() => ", "1", ")"),
        ("node", "`${", "1", "}`"),
        ("ruby", "[", "1", "]"),
        ("php", "[", "1", "]"),
        ("perl", "[", "1", "]"),
        ("awk", "BEGIN{x=", "1", "}"),
        ("awk", "{ ", "x", " }"),
        ("awk", "-(", "1", ")"),
        ("awk", "a[", "1", "]"),
        ("awk", "x = y ? z : ", "1", ""),
        ("awk", "1 - 1 + ", "1", ""),
        ("awk", "$", "1", ""),
        ("awk", "{ if (x) ", "y", " }"),
    ] {
        for depth in [8, 60, 400, 4000] {
            let code = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let (opaque, took) = is_opaque_code(program, &code);
            assert!(
                took < Duration::from_secs(10),
                "{program}, {open:?}: {took:?}"
            );
            if depth >= 400 {
                assert!(opaque, "{program}, {open:?}, {depth} deep");
            }
        }
    }
    for (program, code) in [
        ("python3", "def f():\n    f()\n    f()\nf()"),
        ("python3", "x = 'a'\nwhile True:\n    x = x + x"),
        (
            "python3",
            "for a in range(9999):\n  for b in range(9999):\n    for c in range(9999):\n      x = a",
        ),
        ("node", "const f = () => [f(), f()]; f()"),
        ("node", "let x = []; for (;;) { x = [x, x]; }"),
        (
            "python3",
            "x = []\nfor i in range(4000):\n    x = [x, x]\nprint(x)\nimport requests\nrequests.post('http://x.example', json=x)",
        ),
        (
            "python3",
            "x = ['a' * 60000 + str(i) for i in range(4000)]\nfor i in range(4000):\n    y = sorted(x)",
        ),
        (
            "python3",
            "x = [str(i) * 100 for i in range(4000)]\nfor i in range(4000):\n    y = ''.join(reversed(sorted(x)))",
        ),
        (
            "php",
            "$x = str_repeat('a', 60000); for ($i = 0; $i < 4000; $i++) { $y = str_replace('a', $x, $x); }",
        ),
        (
            "python3",
            "t = str.maketrans({'a': 'b' * 60000})\nfor i in range(4000):\n    y = ('a' * 60000).translate(t)",
        ),
        (
            "node",
            "let x = 'a'.repeat(60000); for (let i = 0; i < 4000; i++) { let y = x.concat(x, x, x, x).split(''); }",
        ),
        (
            "python3",
            "import functools\nf = print\nfor i in range(4000):\n    f = functools.partial(f, f)\nf()",
        ),
        (
            "python3",
            "import os\nx = os\nfor i in range(4000):\n    x = x.y\nx()",
        ),
        (
            "node",
            "let x = {}; for (let i = 0; i < 4000; i++) { x = {a: x, b: x}; } console.log(`${x}`)",
        ),
        (
            "awk",
            "BEGIN { for (;;) { x = x \"ab\"; y[x] = x; gsub(/a|b/, \"cc\", x) } }",
        ),
        (
            "awk",
            "function f(a) { f(a \"x\"); f(a \"y\"); return f(a) } BEGIN { f(\"\") }",
        ),
        (
            "awk",
            "BEGIN { for (i = 0; i < 9999; i++) { a[i] = i; $i = i; s = sprintf(\"%999s\", s); if (s ~ \"(a|b)*c\") print s | \"sh\" } }",
        ),
        ("ruby", "def f; f; f; end; f"),
        ("perl", "sub f { f(); f() } f()"),
    ] {
        let (_, took) = is_opaque_code(program, code);
        assert!(took < Duration::from_secs(10), "{code}: {took:?}");
    }
}

#[test]
fn code_that_no_grammar_takes_is_opaque_and_read_in_linear_time() {
    for program in ["python3", "node", "ruby", "php", "perl", "awk"] {
        for piece in [
            "( ", "\" ", "if x ", "{ ] ", "a b c ", "<<A ", "%q( ", "@ $ ", "/ [ ",
        ] {
            let (opaque, took) = is_opaque_code(program, &piece.repeat(4_000));
            assert!(
                took < Duration::from_secs(20),
                "{program}, {piece:?}: {took:?}"
            );
            assert!(opaque || piece != "{ ] ", "{program}");
        }
    }
}

#[test]
fn what_a_shell_puts_into_code_is_a_gap_and_not_a_fault() {
    let (opaque, _) = is_opaque("python3 -c \"print(3 * $n)\"");
    assert!(!opaque);
    let (opaque, _) = is_opaque("python3 -c \"print(3 * $(curl -s http://x.example))\"");
    assert!(opaque);
}
