//! The texts of a request that may be changed.

use luthien_core::{
    json::{Edits, Json, quote},
    request::{Block, Content, LlmRequest, Role},
};

use super::Finder;

/// The changes to what the person and the system have written.
pub(super) fn edits(request: &LlmRequest, finder: &Finder) -> Edits {
    let mut edits = Edits::default();
    let told = request
        .messages()
        .filter(|message| matches!(message.role, Role::User | Role::System))
        .flat_map(|message| message.blocks());
    for block in request.system().chain(told) {
        if let Some((json, text)) = text_of(&block)
            && let Some(edited) = finder.replace(&text)
        {
            edits.replace(json, quote(&edited));
        }
    }
    edits
}

/// Where the text of a text block stands, and what it says.
fn text_of<'a>(block: &Block<'a>) -> Option<(Json<'a>, std::borrow::Cow<'a, str>)> {
    let Content::Text { text } = block.content else {
        return None;
    };
    // A plain string, or a block with a member.
    let json = match block.json.as_str() {
        Some(_) => block.json,
        None => block.json.get("text")?,
    };
    Some((json, text.decode()))
}
