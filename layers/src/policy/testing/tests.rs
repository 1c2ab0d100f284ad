use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::policy::{
    Context, Denial, Entry, Fail, Mode, Outcome, Policy, PolicyError, RequestVerdict, Text,
    TextEditor, TextEdits, ToolCall, Verdict, Watches, find,
};
use luthien_core::{Dialect, request::LlmRequest};

fn noop() -> Entry {
    find("noop").unwrap().build(&json!({})).unwrap()
}

#[tokio::test]
async fn what_the_model_says_is_what_the_client_sees() {
    let input = json!({"path": "a \"quoted\" ü 🌍", "n": [1, 2.5, null]});
    let case = || {
        Case::of([noop()])
            .reply_thinking("First, I think. Grüße 🌍")
            .reply_text("Hello.")
            .reply_text("World, in many words: äöü \"x\" \\ \n end")
            .reply_tool_call("read", input.clone())
            .reply_tool_call("list", json!({}))
    };
    let seen = case().run().await;
    assert_eq!(seen.status(), 200);
    assert_eq!(seen.thinking(), "First, I think. Grüße 🌍");
    assert_eq!(
        seen.text(),
        "Hello.\n\nWorld, in many words: äöü \"x\" \\ \n end"
    );
    let calls = [
        ("read".to_owned(), input.clone()),
        ("list".to_owned(), json!({})),
    ];
    assert_eq!(seen.tool_calls(), calls);
    assert_eq!(seen.stop_reason(), "tool_use");
    assert!(seen.decisions().is_empty());
    assert_eq!(
        seen.upstream_request().unwrap()["messages"][0]["content"],
        "Hello"
    );

    let cut = case().reply_cut_short().run().await;
    assert_eq!(cut.stop_reason(), "max_tokens");
    let end = Case::of([noop()]).reply_text("Bye.").run().await;
    assert_eq!(end.stop_reason(), "end_turn");
    let nothing = Case::of([noop()]).run().await;
    assert_eq!(
        (nothing.text(), nothing.tool_calls()),
        (String::new(), vec![])
    );
}

/// Edits each piece of text as if it were the whole.
struct PieceByPiece;

impl Policy for PieceByPiece {
    fn watches(&self) -> Watches {
        Watches::TEXT_EDITS
    }

    fn text_editor(&self, _cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Self))
    }
}

impl TextEditor for PieceByPiece {
    fn look_behind(&self) -> usize {
        0
    }

    fn edit(&mut self, text: &str, _last: bool) -> TextEdits {
        let found = text
            .match_indices("foo")
            .map(|(at, _)| (at..at + 3, "bar".to_owned()));
        TextEdits {
            settled: text.len(),
            replacements: found.collect(),
        }
    }
}

#[tokio::test]
#[should_panic(expected = "differ in text")]
async fn a_policy_that_forgets_that_text_comes_in_pieces_is_found_out() {
    Case::new(PieceByPiece)
        .reply_text("foo foo foo")
        .run()
        .await;
}

/// Blocks every other call, whoever makes it.
struct Moody(AtomicUsize);

impl Policy for Moody {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS
    }

    async fn on_tool_call(&self, _call: &ToolCall, _cx: &Context) -> Result<Verdict, PolicyError> {
        Ok(match self.0.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Verdict::Allow,
            _ => Verdict::Block(Denial::new("moody", "not today")),
        })
    }
}

#[tokio::test]
#[should_panic(expected = "differ in")]
async fn a_policy_that_keeps_an_exchange_in_its_fields_is_found_out() {
    let moody = Moody(AtomicUsize::new(0));
    Case::new(moody).reply_tool_call("f", json!({})).run().await;
}

/// Does with a request what its first message says.
struct Obedient;

impl Policy for Obedient {
    fn watches(&self) -> Watches {
        Watches::REQUEST | Watches::TEXT
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        assert_eq!(cx.exchange().model.as_deref(), request.model());
        let said = String::from_utf8_lossy(request.bytes());
        let denial = || Denial::new("told", "it was told to");
        Ok(match () {
            () if said.contains("please answer") => RequestVerdict::Answer(denial()),
            () if said.contains("please refuse") => RequestVerdict::Refuse(denial()),
            () if said.contains("please panic") => panic!("as told"),
            () => RequestVerdict::Allow,
        })
    }

    async fn on_text(&self, text: &Text, _cx: &Context) -> Result<Verdict, PolicyError> {
        Ok(match text.text.as_str() {
            "change me" => Verdict::Replace("changed".into()),
            _ => Verdict::Allow,
        })
    }
}

fn asked(words: &str) -> serde_json::Value {
    json!({"model": "m", "messages": [{"role": "user", "content": words}], "max_tokens": 10})
}

#[tokio::test]
async fn requests_are_answered_refused_and_let_pass() {
    let answered = Case::new(Obedient)
        .request(asked("please answer"))
        .run()
        .await;
    assert_eq!(
        (answered.status(), answered.stop_reason()),
        (200, "end_turn")
    );
    assert!(
        answered.text().contains("it was told to"),
        "{}",
        answered.text()
    );
    assert!(answered.upstream_request().is_none());
    assert_eq!(answered.outcomes(), [Outcome::Block]);

    let refused = Case::new(Obedient)
        .request(asked("please refuse"))
        .run()
        .await;
    assert!(refused.is_error());
    assert!(
        refused.body().contains("it was told to"),
        "{}",
        refused.body()
    );
    assert!(refused.upstream_request().is_none());

    let closed = Case::new(Obedient)
        .request(asked("please panic"))
        .run()
        .await;
    assert!(closed.is_error());
    let open = Entry::new("open", Obedient).with_fail(Fail::Open);
    let open = Case::of([open])
        .request(asked("please panic"))
        .reply_text("Hi")
        .run()
        .await;
    assert_eq!(open.text(), "Hi");

    let passed = Case::new(Obedient)
        .request(asked("hello"))
        .reply_text("change me")
        .run()
        .await;
    assert_eq!(passed.text(), "changed");
    assert_eq!(passed.upstream_request().unwrap()["max_tokens"], 10);
}

#[tokio::test]
async fn shadows_are_waited_for() {
    let shadow = Entry::new("shadow", Obedient).with_mode(Mode::Shadow);
    let seen = Case::of([shadow])
        .request(asked("please refuse"))
        .dialect(Dialect::Chat)
        .reply_text("change me")
        .run()
        .await;
    assert_eq!(seen.text(), "change me");
    assert_eq!(seen.outcomes(), [Outcome::Block, Outcome::Modify]);
}

/// Says of each thing what the thing says.
struct Told;

fn told(word: &str, change: impl FnOnce() -> String) -> Result<Verdict, PolicyError> {
    let denial = || Denial::new("told", "so it was told");
    match word.to_lowercase().chars().next() {
        Some('r') => Ok(Verdict::Replace(change())),
        Some('d') => Ok(Verdict::Drop("(taken out)".into())),
        Some('b') => Ok(Verdict::Block(denial())),
        Some('k') => Ok(Verdict::Ask(denial())),
        Some('e') => Err(PolicyError::new("told so")),
        _ => Ok(Verdict::Allow),
    }
}

impl Policy for Told {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::TEXT | Watches::CHANGES
    }

    async fn on_tool_call(&self, call: &ToolCall, _cx: &Context) -> Result<Verdict, PolicyError> {
        told(call.name(), || r#"{"changed":true}"#.into())
    }

    async fn on_text(&self, text: &Text, _cx: &Context) -> Result<Verdict, PolicyError> {
        told(&text.text, || "changed".into())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_decided_every_client_sees_the_same(
        text in "([rdbkeax][a-z ü]{0,12})?",
        calls in prop::collection::vec("[rdbkeax][a-z]{0,2}", 0..5),
        mode in prop::sample::select(vec![Mode::Enforce, Mode::Warn, Mode::Observe]),
        fail in prop::sample::select(vec![Fail::Closed, Fail::Open]),
        edits: bool,
    ) {
        let told = Entry::new("told", Told).with_mode(mode).with_fail(fail);
        let caps = find("all-caps").unwrap().build(&json!({})).unwrap();
        let indicator = find("indicator").unwrap().build(&json!({})).unwrap();
        let entries = [Some(told), edits.then_some(caps), Some(indicator)];
        let mut case = Case::of(entries.into_iter().flatten()).reply_thinking("hm");
        if !text.is_empty() {
            case = case.reply_text(&text);
        }
        for call in &calls {
            case = case.reply_tool_call(call, json!({"a": call}));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let seen = runtime.block_on(case.run());
        prop_assert_eq!(seen.status(), 200);
        let gone = if fail == Fail::Open { "dbk" } else { "dbke" };
        let enforced = mode == Mode::Enforce;
        let expected: Vec<_> = calls.iter().filter_map(|call| {
            let word = call.chars().next().unwrap();
            let input = if enforced && word == 'r' { json!({"changed": true}) } else { json!({"a": call}) };
            (!enforced || !gone.contains(word)).then(|| (call.clone(), input))
        }).collect();
        // The same call denied three times running ends the attempt.
        let repeated = seen.text().contains("this attempt ends here");
        if !repeated {
            prop_assert_eq!(seen.tool_calls(), expected);
        }
    }
}
