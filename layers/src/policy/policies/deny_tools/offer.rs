//! Requests without the tools that would be denied anyway.

use luthien_core::{
    json::{Edits, Json},
    request::LlmRequest,
};

/// Where requests list their tools, and where they demand one.
const LISTS: [&str; 2] = ["tools", "functions"];
const DEMANDS: [&str; 2] = ["tool_choice", "function_call"];

/// Takes the definitions of denied tools out of a request; none, if it could not stand without them.
/// What the provider runs itself may have no name, and is then meant by its type.
pub(in crate::policy::policies) fn without(
    request: &LlmRequest,
    is_denied: impl Fn(&str) -> bool,
) -> Edits {
    let mut edits = Edits::default();
    let denied: Vec<_> = request
        .tools()
        .filter(|tool| {
            let kind = || tool.json.get("type")?.as_str();
            let name = tool.name.or_else(kind);
            name.is_some_and(|name| is_denied(&name.decode()))
        })
        .map(|tool| tool.json.span())
        .collect();
    if denied.is_empty() || demands(request, is_denied) {
        return edits;
    }
    for list in LISTS.iter().filter_map(|name| request.root().get(name)) {
        // Some refuse an empty list, or calls in the history without any.
        if list.items().any(|item| !denied.contains(&item.span())) {
            edits.remove_items(list, |_, item| denied.contains(&item.span()));
        }
    }
    edits
}

/// Whether a denied tool is named where the model is told which to call.
fn demands(request: &LlmRequest, is_denied: impl Fn(&str) -> bool) -> bool {
    let root = request.root();
    let mut demands = DEMANDS.iter().filter_map(|name| root.get(name));
    demands.any(|demand| names(demand, &is_denied))
}

/// Whether a denied tool is named anywhere in the value: `{"name"}`, `{"function":{"name"}}`, `{"tools":[{"name"}]}`.
fn names(value: Json<'_>, is_denied: &impl Fn(&str) -> bool) -> bool {
    value.members().any(|(key, value)| match value.as_str() {
        Some(text) => key.is("name") && is_denied(&text.decode()),
        None => names(value, is_denied),
    }) || value.items().any(|value| names(value, is_denied))
}
