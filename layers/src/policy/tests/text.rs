use super::*;

/// Replaces a word, and keeps only what may be its beginning.
struct Replacing(&'static str, &'static str);

impl Policy for Replacing {
    fn watches(&self) -> Watches {
        Watches::TEXT_EDITS
    }

    fn text_editor(&self, _: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Editor(self.0, self.1)))
    }
}

struct Editor(&'static str, &'static str);

impl TextEditor for Editor {
    fn look_behind(&self) -> usize {
        self.0.len()
    }

    fn edit(&mut self, text: &str, last: bool) -> TextEdits {
        let found: Vec<_> = text
            .match_indices(self.0)
            .map(|(at, word)| (at..at + word.len(), self.1.to_owned()))
            .collect();
        let tail = found.last().map_or(0, |(range, _)| range.end);
        let kept = (1..self.0.len())
            .rev()
            .find(|&length| text[tail..].ends_with(&self.0[..length]))
            .filter(|_| !last)
            .unwrap_or(0);
        TextEdits {
            settled: text.len() - kept,
            replacements: found,
        }
    }
}

#[tokio::test]
async fn a_word_is_replaced_although_it_comes_in_two_pieces() {
    // Two deltas: "Let me ", "look."
    for (dialect, stream, reply) in everywhere() {
        let house = House::new(vec![Entry::new("p", Replacing("me look", "us see"))]);
        let view = house.view(dialect, stream, &reply).await;
        assert!(
            text(&view).starts_with("Let us see"),
            "{dialect} {stream}: {}",
            text(&view)
        );
        assert!(!text(&view).contains("look"));
        let before = check(dialect, stream, &reply).unwrap();
        assert_eq!(calls(&view), calls(&before));
        assert!(house.noted.outcomes().contains(&Outcome::Modify));
    }
}

#[tokio::test]
async fn a_later_editor_works_on_what_an_earlier_one_made() {
    for (dialect, stream, reply) in everywhere() {
        let house = House::new(vec![
            Entry::new("a", Replacing("look", "rest")),
            Entry::new("b", Replacing("me rest", "be")),
        ]);
        let view = house.view(dialect, stream, &reply).await;
        assert!(
            text(&view).starts_with("Let be"),
            "{dialect} {stream}: {}",
            text(&view)
        );
    }
}

#[tokio::test]
async fn text_that_no_editor_changes_leaves_as_the_bytes_that_came() {
    for (dialect, stream, reply) in everywhere() {
        let house = House::new(vec![Entry::new("p", Replacing("nowhere", "x"))]);
        for seed in 0..10 {
            let script = if stream {
                Reply::events(&reply, seed)
            } else {
                Reply::json(&reply, seed)
            };
            let got = house
                .ask(dialect, stream, script)
                .await
                .into_body()
                .unwrap();
            let lines = |bytes: &Bytes| -> Vec<String> {
                String::from_utf8_lossy(bytes)
                    .lines()
                    .map(str::to_owned)
                    .collect()
            };
            for (got, came) in lines(&got).into_iter().zip(lines(&reply)) {
                assert_eq!(got, came, "{dialect} {stream}");
            }
            assert_eq!(got, reply, "{dialect} {stream}");
        }
    }
}

/// Judges whole texts.
struct OnText<F>(F);

impl<F> Policy for OnText<F>
where
    F: Fn(&str) -> Verdict + Send + Sync + 'static,
{
    fn watches(&self) -> Watches {
        Watches::TEXT | Watches::CHANGES
    }

    async fn on_text(&self, text: &Text, _: &Context) -> Result<Verdict, PolicyError> {
        tokio::task::yield_now().await;
        Ok((self.0)(&text.text))
    }
}

#[tokio::test]
async fn a_text_is_judged_whole_and_replaced_or_blocked() {
    for (dialect, stream, reply) in everywhere() {
        let before = check(dialect, stream, &reply).unwrap();
        let house = House::new(vec![Entry::new(
            "p",
            OnText(|text: &str| Verdict::Replace(text.to_uppercase())),
        )]);
        let view = house.view(dialect, stream, &reply).await;
        assert_eq!(
            text(&view),
            text(&before).to_uppercase(),
            "{dialect} {stream}"
        );
        assert_eq!(calls(&view), calls(&before));
        let house = House::new(vec![Entry::new(
            "p",
            OnText(|_: &str| Verdict::Block(Denial::new("t", "not here"))),
        )]);
        let view = house.view(dialect, stream, &reply).await;
        assert!(
            text(&view).contains("not here") && !text(&view).contains("look"),
            "{dialect} {stream}"
        );
        let house = House::new(vec![Entry::new("p", OnText(|_: &str| Verdict::Allow))]);
        let script = if stream {
            Reply::events(&reply, 4)
        } else {
            Reply::json(&reply, 4)
        };
        let got = house
            .ask(dialect, stream, script)
            .await
            .into_body()
            .unwrap();
        if dialect == Dialect::Chat && stream {
            // Two choices: one does not wait for the other's text.
            assert_eq!(check(dialect, stream, &got).unwrap(), before);
        } else {
            assert_eq!(got, reply, "{dialect} {stream}");
        }
    }
}

/// Says something at the end.
struct Signing;

impl Policy for Signing {
    fn watches(&self) -> Watches {
        Watches::END
    }

    fn on_end(&self, end: &ReplyEnd, _: &Context) -> Option<String> {
        end.is_final().then(|| "\n-- signed".to_owned())
    }
}

fn final_turn(dialect: Dialect, stream: bool) -> Bytes {
    let answer = luthien_core::reply::Answer {
        text: "All done.",
        model: Some("m"),
        created: 1,
        id: "1",
    };
    let chunks = answer.chunks(dialect, stream);
    let bytes: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes().to_vec())
        .collect();
    bytes.into()
}

#[tokio::test]
async fn something_is_said_at_the_end_of_the_last_text_of_a_final_turn() {
    for (dialect, stream, reply) in everywhere() {
        let house = House::new(vec![Entry::new("p", Signing)]);
        let view = house
            .view(dialect, stream, &final_turn(dialect, stream))
            .await;
        assert_eq!(
            view.blocks.len(),
            1,
            "{dialect} {stream}: in the same block"
        );
        assert_eq!(text(&view), "All done.\n-- signed", "{dialect} {stream}");
        // Not where tool calls follow.
        let script = if stream {
            Reply::events(&reply, 0)
        } else {
            Reply::json(&reply, 0)
        };
        let got = house
            .ask(dialect, stream, script)
            .await
            .into_body()
            .unwrap();
        assert!(
            !String::from_utf8_lossy(&got).contains("signed") || dialect == Dialect::Chat,
            "{dialect} {stream}"
        );
    }
}

/// A message of the Responses, of which each event says this: the delta, `output_text.done`, `content_part.done`,
/// `output_item.done`, and the end.
fn message_that_says(texts: [&str; 5]) -> Vec<String> {
    let part = |text| format!(r#"{{"type":"output_text","text":"{text}","annotations":[]}}"#);
    let item = |text| {
        let part = part(text);
        format!(
            r#"{{"id":"m","type":"message","role":"assistant","status":"completed","content":[{part}]}}"#
        )
    };
    let [delta, said, done, whole, last] = texts;
    let place = r#""item_id":"m","output_index":0,"content_index":0"#;
    [
        ("response.created", r#""response":{"id":"r","status":"in_progress","output":[]}"#.to_owned()),
        ("response.output_item.added", r#""output_index":0,"item":{"id":"m","type":"message","role":"assistant","content":[]}"#.to_owned()),
        ("response.content_part.added", format!("{place},\"part\":{}", part(""))),
        ("response.output_text.delta", format!(r#"{place},"delta":"{delta}""#)),
        ("response.output_text.done", format!(r#"{place},"text":"{said}""#)),
        ("response.content_part.done", format!("{place},\"part\":{}", part(done))),
        ("response.output_item.done", format!(r#""output_index":0,"item":{}"#, item(whole))),
        ("response.completed", format!(r#""response":{{"id":"r","status":"completed","output":[{}]}}"#, item(last))),
    ]
    .map(|(kind, data)| format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{data}}}\n\n"))
    .into()
}

fn blocks_foul(text: &str) -> Verdict {
    if text.contains("foul") {
        Verdict::Block(Denial::new("test", "not here"))
    } else {
        Verdict::Allow
    }
}

#[tokio::test]
async fn a_text_that_is_said_once_more_otherwise_is_not_let_go() {
    const PLACES: usize = 5;
    let mut cases = vec![(["fine"; PLACES], true)];
    for place in 0..PLACES {
        let mut texts = ["fine"; PLACES];
        texts[place] = "foul";
        cases.push((texts, false));
        texts[place] = "";
        cases.push((texts, false));
    }
    for (texts, is_sound) in cases {
        let stream = message_that_says(texts).concat();
        for entry in [
            Entry::new("judge", OnText(blocks_foul)),
            Entry::new("editor", Replacing("foul", "****")),
        ] {
            let name = entry.name().to_owned();
            let house = House::new(vec![entry]);
            let reply = Reply::events(&stream.clone().into(), 3);
            let response = house.ask(Dialect::Responses, true, reply).await;
            let got = response.into_body().unwrap();
            let got = String::from_utf8_lossy(&got);
            assert!(!got.contains("foul"), "{name}, {texts:?}: {got}");
            assert_eq!(got == stream, is_sound, "{name}, {texts:?}: {got}");
            assert_eq!(got.contains("event: response.failed"), !is_sound, "{got}");
        }
    }
}
