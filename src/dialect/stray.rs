//! Calls where no call belongs: beside the place in which the dialect has them, in an envelope around a reply, inside a text.
//! Nobody who follows the dialect reads them; somebody who looks for calls wherever they may be would, and what is not read
//! here as a block is judged by nobody.

use super::{Needle, needle};
use crate::{
    json::{Json, Kind},
    reply::Part,
    request::BlockKind,
};

/// Whether anything in `root` looks like a call and is none of those that `parts` speak of.
pub(crate) fn has_stray(root: Json<'_>, parts: &[Part]) -> bool {
    // Each of them has a name, though it may be spelt in escapes: then it is looked for.
    static NAME: Needle = needle!(b"\"name\"");
    static ESCAPE: Needle = needle!(b"\\u00");
    if !(NAME.is_in(root.text()) || ESCAPE.is_in(root.text())) {
        return false;
    }
    let is_read = |json: Json<'_>| is_read(json, parts);
    // An event that repeats a call's arguments may have its name beside them.
    let is_call = parts
        .iter()
        .any(|part| matches!(part, Part::Arguments { .. }));
    if is_call {
        return root.members().any(|(_, inner)| is_astray(inner, &is_read));
    }
    is_astray(root, &is_read)
}

/// Whether a value is a call that was read as one; then all that is in it was.
fn is_read(json: Json<'_>, parts: &[Part]) -> bool {
    let text = json.text();
    parts.iter().any(|part| {
        let (Part::BlockStart { head, .. }
        | Part::BlockStop {
            whole: Some(head), ..
        }) = part
        else {
            return false;
        };
        let is_call = matches!(head.kind, BlockKind::ToolCall | BlockKind::ServerTool);
        // The very same place, not an equal one.
        is_call && head.json.as_ptr() == text.as_ptr() && head.json.len() == text.len()
    })
}

/// As deep as [`Limits`](crate::json::Limits) allow.
fn is_astray(json: Json<'_>, is_read: &impl Fn(Json<'_>) -> bool) -> bool {
    match json.kind() {
        Kind::Object if is_read(json) => false,
        Kind::Object => {
            looks_like_a_call(json) || json.members().any(|(_, inner)| is_astray(inner, is_read))
        }
        Kind::Array => json.items().any(|inner| is_astray(inner, is_read)),
        _ => false,
    }
}

/// A name and arguments, as all calls have them; or the name of a function, in a piece of one.
fn looks_like_a_call(json: Json<'_>) -> bool {
    let is_named = |json: Json<'_>| json.get("name").is_some_and(|name| name.as_str().is_some());
    let has = |name: &&str| json.get(name).is_some();
    let inner = ["function", "custom"].map(|name| json.get(name));
    (is_named(json)
        && ["arguments", "input", "action", "operation"]
            .iter()
            .any(has))
        || inner
            .into_iter()
            .flatten()
            .any(|inner| is_named(inner) && !is_offer(inner))
}

/// Whether it tells how a function is called: a tool that was offered, which some servers say once more.
fn is_offer(function: Json<'_>) -> bool {
    ["parameters", "description"]
        .iter()
        .any(|name| function.get(name).is_some())
}
