//! Where the client says that it works.

use luthien_core::request::LlmRequest;

use crate::policy::effects::Place;

/// Words before the working directory: in what Claude Code says of its surroundings, and in what Codex does.
const BEFORE: [&str; 3] = ["orking directory: ", "<cwd>", "\"cwd\":\""];
/// How much of a request is looked through. Both say it early.
const MOST: usize = 256 << 10;

/// What a request says of it, beside what is known anyway.
pub(in super::super) fn said_by(request: &LlmRequest, known: &Place) -> Place {
    let mut place = known.clone();
    let bytes = request.root().text();
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(MOST)).unwrap_or_default());
    let after = |before: &str| {
        let (_, rest) = text.split_once(before)?;
        let end = rest.find(['\n', '\\', '<', '"'])?;
        rest.get(..end)
            .map(str::trim)
            .filter(|path| path.starts_with('/'))
            .map(str::to_owned)
    };
    place.cwd = BEFORE.iter().find_map(|before| after(before));
    if place.home.is_none() {
        place.home = after("ome directory: ").or_else(|| place.cwd.as_deref().and_then(home_of));
    }
    place
}

/// `/home/me` of `/home/me/shop`.
fn home_of(path: &str) -> Option<String> {
    let mut parts = path.split('/').skip(1);
    match (parts.next()?, parts.next()) {
        (base @ ("home" | "Users"), Some(name)) => Some(format!("/{base}/{name}")),
        ("root", _) => Some("/root".to_owned()),
        _ => None,
    }
}
