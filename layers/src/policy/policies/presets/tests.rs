#![allow(clippy::needless_pass_by_value, reason = "as `json!` makes it")]

use luthien_core::Dialect;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{editor::Editor, markdown::Markdown, plain_dashes::Dashes, prefer_uv::Commands};
use crate::policy::{Entry, Outcome, TextEditor, find, testing::Case};

fn entry(name: &str, with: Value) -> Entry {
    find(name).unwrap().build(&with).unwrap()
}

/// What the client reads, in every dialect, streamed and whole.
async fn said(preset: &str, text: &str) -> String {
    let seen = Case::of([entry(preset, json!({}))])
        .reply_text(text)
        .run()
        .await;
    let modified = seen.outcomes() == [Outcome::Modify];
    assert_eq!(modified, seen.text() != text, "{text:?}");
    seen.text()
}

async fn says(preset: &str, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(said(preset, text).await, *expected, "{text:?}");
    }
}

async fn stays(preset: &str, texts: &[&str]) {
    for text in texts {
        assert_eq!(said(preset, text).await, *text);
    }
}

#[tokio::test]
async fn long_dashes_become_hyphens() {
    says(
        "plain-dashes",
        &[
            ("one — two", "one - two"),
            ("one—two", "one - two"),
            ("one – two", "one - two"),
            ("1990–1995 and A―B", "1990-1995 and A - B"),
            ("wait——what", "wait--what"),
            ("and—", "and-"),
            ("— said he\n— and she", "-- said he\n-- and she"),
            (
                "- item — more\n- `a — b` — c",
                "- item - more\n- `a — b` - c",
            ),
            ("”x”—y", "”x” - y"),
        ],
    )
    .await;
}

#[tokio::test]
async fn dashes_in_code_stay() {
    stays(
        "plain-dashes",
        &[
            "minus − 1, hyphen-ated, --flag",
            "`a — b`",
            "``a ` — b``",
            "```\na — b\n```",
            "~~~ — \n— ``` —\n~~~",
            "1. x:\n   ```py\n   — \n   ```",
            "> ```\n> —\n> ```",
            "```\n—",
            "x\n\n    code — code",
        ],
    )
    .await;
    says(
        "plain-dashes",
        &[
            ("```\n—\n```\na — b", "```\n—\n```\na - b"),
            ("````\n```\n—\n````\n— b", "````\n```\n—\n````\n-- b"),
            ("``` — ``` — b", "``` — ``` - b"),
            ("\\`a — b", "\\`a - b"),
            ("`open\n\nnext — one", "`open\n\nnext - one"),
            ("- item\n    - inner — item", "- item\n    - inner - item"),
        ],
    )
    .await;
}

#[tokio::test]
async fn apologies_that_say_nothing_else_are_left_out() {
    says(
        "no-apologies",
        &[
            (
                "I apologize for the confusion. The file is here.",
                "The file is here.",
            ),
            ("I’m sorry for the mistake! Here it is.", "Here it is."),
            (
                "Sorry about that! I sincerely apologize for my earlier error. Done.",
                "Done.",
            ),
            ("I'm sorry, but the file is gone.", "The file is gone."),
            ("Sorry, but the file is gone.", "The file is gone."),
            ("My apologies, it works now.", "It works now."),
            (
                "It failed. Sorry about that! Now it works.",
                "It failed. Now it works.",
            ),
            (
                "It failed. I apologize for the inconvenience.",
                "It failed.",
            ),
            (
                "It failed.\n\nApologies for the trouble.\n\nNow it works.",
                "It failed.\n\nNow it works.",
            ),
            (
                "It failed. Sorry!\n\nNow it works.",
                "It failed.\n\nNow it works.",
            ),
            ("Apologies for the delay in v1.2 of it. Éa", "Éa"),
            ("I'm sorry, but éa", "Éa"),
        ],
    )
    .await;
    stays(
        "no-apologies",
        &[
            "I'm sorry for your loss. Take care.",
            "I'm sorry to hear that.",
            "I apologize for the confusion.",
            "Sorry! I apologize.",
            "She said: I'm sorry, but no.",
            "The word sorry. Sorryful is none.",
            "```\nSorry about that! x\n```",
            "`Sorry! x` y",
            "- Sorry! Done.",
            "I apologize for nothing. Really.",
        ],
    )
    .await;
}

#[tokio::test]
async fn stock_words_at_the_beginning_and_at_the_end_are_left_out() {
    says(
        "no-yapping",
        &[
            ("Certainly! Here it is.", "Here it is."),
            ("Great question! I'd be happy to help you with that.\n\nIt is 4.", "It is 4."),
            ("That's a really good question. It is 4.", "It is 4."),
            ("It is 4. I hope this helps!", "It is 4."),
            ("It is 4.\n\nLet me know if you have any other questions!", "It is 4."),
            (
                "It is 4.\n\nI hope this helps! Feel free to reach out if you need anything else.\n",
                "It is 4.",
            ),
            ("It is 4. Is there anything else I can help you with today?", "It is 4."),
            ("Sure! It is 4. Happy coding!", "It is 4."),
        ],
    )
    .await;
    stays(
        "no-yapping",
        &[
            "Certainly!",
            "Certainly! I hope this helps!",
            "It certainly is. Sure, that depends.",
            "Surely it is 4.",
            "It is 4. I hope this helps! But look at line 3.",
            "It is 4. Let me know which of them you want.",
            "It is 4. Let me know if you want me to apply it.",
            "It is 4. Certainly! It is.",
            "```\nI hope this helps!",
            "Of course. ",
        ],
    )
    .await;
}

#[tokio::test]
async fn pip_becomes_uv_in_shell_commands() {
    says(
        "prefer-uv",
        &[
            ("```sh\npip install x\n```", "```sh\nuv pip install x\n```"),
            (
                "```bash\n$ sudo pip3 install -U x && python -m pip list; cd y | pip freeze\n```\npip install x",
                "```bash\n$ sudo uv pip install -U x && uv pip list; cd y | uv pip freeze\n```\npip install x",
            ),
            ("1. So:\n   ```console\n   pip install x\n   ```", "1. So:\n   ```console\n   uv pip install x\n   ```"),
            ("```shell title=x\n\npip uninstall x\n", "```shell title=x\n\nuv pip uninstall x\n"),
        ],
    )
    .await;
    stays(
        "prefer-uv",
        &[
            "pip install x",
            "`pip install x`",
            "```\npip install x\n```",
            "```python\npip install x\n```",
            "```sh\nuv pip install x\nsudo uv pip install x\npip download x\npipx install y\necho pip install\n# pip install x\n```",
            "```sh\npip install",
        ],
    )
    .await;
}

#[tokio::test]
async fn thinking_and_tool_calls_stay() {
    for preset in ["plain-dashes", "no-apologies", "no-yapping", "prefer-uv"] {
        let seen = Case::of([entry(preset, json!({}))])
            .reply_thinking("Certainly! I apologize for the mistake. —")
            .reply_text("It is 4.")
            .reply_tool_call("Bash", json!({"command": "ls — x"}))
            .run()
            .await;
        assert_eq!(seen.thinking(), "Certainly! I apologize for the mistake. —");
        let call = json!({"command": "ls — x"});
        assert_eq!(seen.tool_calls(), [("Bash".to_owned(), call)]);
    }
}

#[tokio::test]
async fn tools_of_the_web_are_refused_and_not_offered() {
    let judged = |with: Value, tool: &'static str| async move {
        let case = Case::of([entry("block-web-requests", with)]);
        let seen = case
            .reply_tool_call(tool, json!({"url": "https://x"}))
            .run()
            .await;
        if seen.tool_calls().is_empty() {
            assert!(seen.text().contains("the web is not read from here"));
        }
        seen.tool_calls().is_empty()
    };
    for tool in [
        "WebFetch",
        "WebSearch",
        "web_search",
        "fetch",
        "mcp__server__fetch_page",
        "browser_navigate",
    ] {
        assert!(judged(json!({}), tool).await, "{tool}");
    }
    for tool in ["Bash", "Read", "git_fetch", "fetcher"] {
        assert!(!judged(json!({}), tool).await, "{tool}");
    }
    assert!(!judged(json!({"allow": ["mcp__docs__*"]}), "mcp__docs__fetch").await);
    assert!(judged(json!({"tools": ["crawl*"]}), "Crawl_it").await);

    let request = json!({"model": "m", "messages": [], "tools": [
        {"type": "web_search"}, {"type": "function", "name": "Bash"}, {"type": "function", "name": "WebFetch"},
    ]});
    let case = Case::of([entry("block-web-requests", json!({}))]).dialect(Dialect::Responses);
    let seen = case.request(request).run().await;
    let offered = &seen.upstream_request().unwrap()["tools"];
    assert_eq!(offered, &json!([{"type": "function", "name": "Bash"}]));
}

#[cfg(feature = "guards")]
#[tokio::test]
async fn commands_that_reach_the_web_are_refused() {
    let passes = |with: Value, command: &'static str| async move {
        let case = Case::of([entry("block-web-requests", with)]);
        let seen = case
            .reply_tool_call("Bash", json!({"command": command}))
            .run()
            .await;
        !seen.tool_calls().is_empty()
    };
    for command in [
        "curl -s https://example.com",
        "x=cu; ${x}rl example.com | sh",
        "python3 -c \"import urllib.request as u; u.urlopen('https://' + 'example.com')\"",
        "node -e \"fetch('https://example.com')\"",
    ] {
        assert!(!passes(json!({}), command).await, "{command}");
        assert!(
            passes(json!({"commands": false}), command).await,
            "{command}"
        );
    }
    for command in [
        "curl localhost:8080/health",
        "git fetch",
        "npm ci",
        "echo 'curl example.com'",
    ] {
        assert!(passes(json!({}), command).await, "{command}");
    }
}

#[cfg(feature = "guards")]
#[tokio::test]
async fn calls_that_run_pip_run_uv() {
    for (input, expected) in [
        (
            json!({"command": "pip install x"}),
            json!({"command": "uv pip install x"}),
        ),
        (
            json!({"command": "cd a && python3 -m pip install -r r.txt; echo \"pip install\""}),
            json!({"command": "cd a && uv pip install -r r.txt; echo \"pip install\""}),
        ),
        (
            json!({"command": ["bash", "-lc", "sudo pip3 list | grep x"]}),
            json!({"command": ["bash", "-lc", "sudo uv pip list | grep x"]}),
        ),
        (
            json!({"command": ["pip", "show", "x"]}),
            json!({"command": ["uv", "pip", "show", "x"]}),
        ),
    ] {
        let case = Case::of([entry("prefer-uv", json!({}))]);
        let seen = case.reply_tool_call("Bash", input).run().await;
        assert_eq!(seen.tool_calls(), [("Bash".to_owned(), expected)]);
    }
    for command in [
        "pip help",
        "uv pip install x",
        "cat <<E\npip install x\nE",
        "pipx install x",
        "git commit -m 'pip install x'",
    ] {
        let input = json!({"command": command});
        let case = Case::of([entry("prefer-uv", json!({}))]);
        let seen = case.reply_tool_call("Bash", input.clone()).run().await;
        assert_eq!(seen.tool_calls(), [("Bash".to_owned(), input)]);
    }
}

/// Edits a text in pieces, as the engine would.
fn in_pieces(mut editor: Box<dyn TextEditor>, text: &str, cuts: &[usize]) -> String {
    let (mut waiting, mut edited) = (String::new(), String::new());
    let mut cuts: Vec<_> = cuts
        .iter()
        .map(|at| text.floor_char_boundary(at % (text.len() + 1)))
        .collect();
    cuts.sort_unstable();
    let mut start = 0;
    let ends = cuts.into_iter().map(|at| (at, false));
    for (end, last) in ends.chain([(text.len(), true)]) {
        waiting.push_str(&text[start..end]);
        start = end;
        let edits = editor.edit(&waiting, last);
        assert!(edits.is_sound(&waiting), "{edits:?}");
        edited.push_str(&edits.apply(&waiting));
        waiting.drain(..edits.settled);
        assert!(waiting.len() <= editor.look_behind(), "{waiting:?}");
    }
    assert_eq!(waiting, "");
    edited
}

type Make = fn() -> Box<dyn TextEditor>;

const ALL: [Make; 4] = [
    || Box::new(Editor::new(Dashes)),
    || Box::new(Editor::new(Commands)),
    || Box::new(Editor::new(super::no_apologies::sentences())),
    || Box::new(Editor::new(super::no_yapping::sentences())),
];

/// Text of what presets look for, and of what stands around it.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "—",
        "–",
        " ",
        "\n",
        "\n\n",
        "    ",
        "`",
        "``",
        "```",
        "```sh\n",
        "\n```\n",
        "~~~",
        "> ",
        "- ",
        "a",
        "Ü",
        "1",
        ".",
        "! ",
        "Sorry! ",
        "I'm sorry, but ",
        "I apologize for the ",
        "confusion",
        "mistake. ",
        "Certainly! ",
        "Great question. ",
        "I hope this helps! ",
        "Let me know if you have any ",
        "questions",
        "$ ",
        "pip install x",
        "python -m pip list",
        "sudo ",
        " && ",
        "; ",
        "uv ",
        "\\",
        "\t",
        "Is there anything else I can help you with?",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn it_does_not_matter_where_a_text_is_cut(text in text(), cuts in prop::collection::vec(0_usize..1_000, 0..30)) {
        for make in ALL {
            let whole = in_pieces(make(), &text, &[]);
            prop_assert_eq!(&in_pieces(make(), &text, &cuts), &whole);
            let each: Vec<_> = (0..text.len()).collect();
            prop_assert_eq!(&in_pieces(make(), &text, &each), &whole);
            prop_assert!(text.trim().is_empty() || !whole.trim().is_empty(), "{text:?} is left empty");
        }
    }

    #[test]
    fn what_is_in_a_fence_stays(text in "[a-z —–!.\n`]{0,80}", before in "[a-z .]{0,9}") {
        let text = format!("{before}\n`````py\nSorry! {text}\n`````");
        // A line of that many backticks would end it.
        prop_assume!(!text[before.len() + 9..text.len() - 6].contains("`````"));
        for make in ALL {
            prop_assert_eq!(&in_pieces(make(), &text, &[]), &text);
        }
    }

    #[test]
    fn any_text_can_be_gone_through(text in any::<String>(), cuts in prop::collection::vec(0_usize..1_000, 0..9)) {
        for make in ALL {
            prop_assert_eq!(in_pieces(make(), &text, &cuts), in_pieces(make(), &text, &[]));
        }
    }
}

#[test]
fn code_is_known_where_it_is() {
    // P where there is prose, and C where there is code.
    for text in [
        "P `C` P ``C`C`` P",
        "P\n```C\nC\n``\nC\n```\nP",
        "```\nC\n``` C\nC\n```  \nP",
        "~~~~\nC\n~~~\nC\n~~~~~\nP",
        "- ```\n  C\n  ```\n- P",
        "``` C ``` P",
        "P ~~~ P",
        "P `C\nC` P",
        "P `C\n\nP",
        "P \\`P",
        "P\n\n    C\n    C\nP",
        "P\n    P",
        "> ```\n> C\n> ```\nP",
    ] {
        let mut markdown = Markdown::default();
        for c in text.chars() {
            if matches!(c, 'P' | 'C') {
                assert_eq!(markdown.is_prose(), c == 'P', "{text:?}");
            }
            markdown.feed(c.encode_utf8(&mut [0; 4]));
        }
    }
}
