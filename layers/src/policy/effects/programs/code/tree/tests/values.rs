//! What values are, that are written in unusual ways, and what grows without end.

use super::{deletes, shell, with_code};

#[test]
fn characters_have_names() {
    for code in [
        r"import shutil; shutil.rmtree('\N{SOLIDUS}etc')",
        r"import shutil; e = 'etc'; shutil.rmtree(f'\N{solidus}{e}')",
        r"import os; os.system('rm \N{HYPHEN-MINUS}rf /et\N{LATIN SMALL LETTER C}')",
        "import unicodedata as u, shutil; shutil.rmtree(u.lookup('SOLIDUS') + 'etc')",
    ] {
        deletes("python3", code, "/etc");
    }
    deletes("perl", r#"system("rm -rf \N{SOLIDUS}etc");"#, "/etc");
    deletes("perl", r#"system("rm -rf \N{U+2F}etc");"#, "/etc");
}

#[test]
fn ruby_counts_on() {
    for code in [
        r#"system("rk".succ.succ + " -rf /etc")"#,
        r#"system("rl".next + " -rf /etc")"#,
        r#"system("rm -rf #{46.succ.chr}etc")"#,
        r#"system("rm -rf #{48.pred.chr}etc")"#,
        r#"s = +"rm"; s << " -rf " << "/etc"; system(s)"#,
    ] {
        deletes("ruby", code, "/etc");
    }
}

#[track_caller]
fn grows(wanted: bool, program: &str, code: &str) {
    let effects = shell(&with_code(program, code));
    let grows = effects.iter().any(|one| one == "exhaust(memory)");
    assert_eq!(grows, wanted, "{code}: {effects:?}");
}

#[test]
fn what_is_put_into_itself_again_and_again_grows_without_end() {
    for (program, code) in [
        ("ruby", "s = 'x'; s << s while s"),
        ("ruby", "a = [0]; a.concat(a) while a"),
        ("ruby", "s = 'x'; loop { s << s }"),
        ("python3", "s = 'x'\nwhile True: s += s"),
        ("python3", "s = 'x'\nwhile s: s = s + s"),
        ("python3", "a = [0]\nwhile a: a *= 2"),
        ("python3", "a = [0]\nwhile a: a.extend(a)"),
        ("node", "let s = 'x'; while (s) s += s"),
    ] {
        grows(true, program, code);
    }
    for (program, code) in [
        ("python3", "n = 1\nwhile n < 1000: n += n"),
        (
            "python3",
            "n = 1\nwhile n:\n    n *= 2\n    if n > 99: break",
        ),
        (
            "python3",
            "todo = [1]\nwhile todo:\n    one = todo.pop()\n    todo.extend(more(one))",
        ),
        (
            "python3",
            "todo = [1]\nwhile todo: todo = todo[1:] + more(todo)",
        ),
        ("ruby", "s = +''; while (l = gets) do s << l end"),
        ("ruby", "s = 'x'; s << s while s.size < 1000"),
        ("node", "let s = 'x'; while (s.length < 80) s += s"),
    ] {
        grows(false, program, code);
    }
}
