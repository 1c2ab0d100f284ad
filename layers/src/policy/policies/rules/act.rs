//! What a rule puts in place of something.

use cel::Context as Cel;
use luthien_core::json::{Document, Edits, Kind, Limits};

use crate::policy::{
    ToolCall,
    cel::{Expression, Failed, Scope},
};

/// What stands in place of what was said.
pub(super) struct Change {
    /// Arguments of a call.
    pub(super) set: Vec<(String, Expression)>,
    /// A text.
    pub(super) to: Option<Expression>,
}

impl Change {
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let set = self.set.iter().map(|(_, expression)| expression);
        set.chain(&self.to)
    }

    /// The arguments of a call with those in place that are set; the others stay as the bytes that came.
    pub(super) fn of_call(
        &self,
        call: &ToolCall,
        cx: &Cel<'_, '_>,
        scope: &Scope<'_>,
    ) -> Result<String, Failed> {
        let unreadable = || Failed::Error("its arguments are no object".to_owned());
        let bytes = call.input().as_bytes().to_vec();
        let document = Document::parse(bytes.into(), &Limits::default());
        let document = document.map_err(|_| unreadable())?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(unreadable());
        }
        let mut edits = Edits::default();
        for (name, expression) in &self.set {
            let value = expression.json(cx, scope)?;
            edits.set_member(root, name, value.to_string());
        }
        let changed = edits.apply(document.bytes());
        String::from_utf8(changed.to_vec()).map_err(|_| unreadable())
    }

    /// The text in place of a text.
    pub(super) fn of_text(&self, cx: &Cel<'_, '_>, scope: &Scope<'_>) -> Result<String, Failed> {
        let value = self.to.as_ref().map(|to| to.json(cx, scope)).transpose()?;
        match value {
            Some(serde_json::Value::String(text)) => Ok(text),
            _ => Err(Failed::Type("`to` is no text".to_owned())),
        }
    }
}
