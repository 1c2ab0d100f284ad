use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::TARGET;
use crate::policy::{find, testing::Case};

/// Remembers the lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

async fn lines(with: Value) -> Vec<String> {
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    let entry = find("debug-log").unwrap().build(&with).unwrap();
    let request = json!({
        "model": "m",
        "messages": [{"role": "user", "content": "my key is sk-abcdefghijklmno"}],
        "metadata": {"password": "hunter2"},
    });
    let input = json!({"command": "export API_KEY=xyzzy", "token": "t0k3n"});
    let seen = Case::of([entry])
        .dialect(luthien_core::Dialect::Chat)
        .request(request)
        .reply_text("take ghp_abcdefghijklmnopqrst with you")
        .reply_tool_call("Bash", input.clone())
        .run()
        .await;
    drop(guard);
    assert_eq!(seen.text(), "take ghp_abcdefghijklmnopqrst with you");
    assert_eq!(seen.tool_calls(), [("Bash".to_owned(), input)]);
    let lines = lines.0.lock().unwrap();
    lines.clone()
}

#[tokio::test]
async fn kinds_names_and_sizes_are_written_and_nothing_that_was_said() {
    let lines = lines(Value::Null).await;
    let whole = lines.join("\n");
    for written in [
        "message=request",
        "message=head",
        "message=text",
        "message=tool call",
    ] {
        assert!(whole.contains(written), "{written} in {whole}");
    }
    assert!(
        whole.contains(r#"tool="Bash""#) && whole.contains("bytes=38"),
        "{whole}"
    );
    for said in ["my key", "take", "export", "hunter2"] {
        assert!(!whole.contains(said), "{said} in {whole}");
    }
}

#[tokio::test]
async fn bodies_are_written_with_secrets_masked() {
    let lines = lines(json!({"bodies": true})).await;
    let whole = lines.join("\n");
    for said in [
        "my key is ****",
        "take **** with you",
        "export API_KEY=****",
        "content-type: ",
    ] {
        assert!(whole.contains(said), "{said} in {whole}");
    }
    for secret in ["sk-abc", "ghp_", "xyzzy", "t0k3n", "hunter2"] {
        assert!(!whole.contains(secret), "{secret} in {whole}");
    }
}
