//! Secrets put back where their placeholders stand.

use std::sync::Arc;

use luthien_core::decision::Severity;
use secrecy::ExposeSecret;

use super::{placeholder, store::Session};
use crate::policy::{Context, TextEditor, TextEdits};

/// How many placeholders stood for nothing that is known here.
#[derive(Default)]
pub(super) struct Unknown(usize);

impl Unknown {
    pub(super) fn tell(&self, place: &str, cx: &Context) {
        if self.0 > 0 {
            let message = format!(
                "placeholders in {place} that stand for nothing known here: {}",
                self.0
            );
            cx.emit(Severity::Warning, &message);
        }
    }
}

/// The text with secrets in place of those placeholders that are known; `None` if there are none.
pub(super) fn restored(session: &Session, text: &str, unknown: &mut Unknown) -> Option<String> {
    let replacements = replacements(session, text, unknown);
    (!replacements.is_empty()).then(|| {
        let edits = TextEdits {
            settled: text.len(),
            replacements,
        };
        edits.apply(text)
    })
}

fn replacements(
    session: &Session,
    text: &str,
    unknown: &mut Unknown,
) -> Vec<(std::ops::Range<usize>, String)> {
    let mut replacements = Vec::new();
    for span in placeholder::find(text) {
        let secret = text
            .get(span.clone())
            .and_then(|placeholder| session.secret(placeholder));
        match secret {
            Some(secret) => replacements.push((span, secret.expose_secret().to_owned())),
            None => unknown.0 += 1,
        }
    }
    replacements
}

/// Puts secrets back into text that flows.
pub(super) struct Editor {
    session: Arc<Session>,
    cx: Context,
    unknown: Unknown,
}

impl Editor {
    pub(super) fn new(session: Arc<Session>, cx: Context) -> Self {
        Self {
            session,
            cx,
            unknown: Unknown::default(),
        }
    }
}

impl TextEditor for Editor {
    fn look_behind(&self) -> usize {
        placeholder::LONGEST
    }

    fn edit(&mut self, text: &str, last: bool) -> TextEdits {
        let settled = if last {
            text.len()
        } else {
            placeholder::begun(text)
        };
        let shown = text.get(..settled).unwrap_or_default();
        let edits = TextEdits {
            settled,
            replacements: replacements(&self.session, shown, &mut self.unknown),
        };
        if last {
            self.unknown.tell("a text", &self.cx);
        }
        edits
    }
}
