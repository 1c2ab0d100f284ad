//! Patches: in the form of `apply_patch`, and as `diff` writes them.

use serde_json::Value;

use super::{Act, Effects, PathRef, Place, Write};

const BEGIN: &str = "*** Begin Patch";

/// Whether the text is a patch in the form of `apply_patch`.
pub(super) fn is_one(text: &str) -> bool {
    text.trim_start().starts_with(BEGIN)
}

/// A patch that is the argument of a call: `{"input": "*** Begin Patch…"}`, `["apply_patch", "*** Begin Patch…"]`.
pub(super) fn find(arguments: &Value) -> Option<&str> {
    match arguments {
        Value::String(text) => Some(text.as_str()).filter(|text| is_one(text)),
        Value::Array(items) => {
            let [program, patch] = items.as_slice() else {
                return None;
            };
            (program.as_str() == Some("apply_patch")).then(|| find(patch))?
        }
        Value::Object(members) => ["input", "patch", "command", "cmd"]
            .iter()
            .find_map(|name| find(members.get(*name)?)),
        _ => None,
    }
}

/// Which files it writes, moves and deletes.
pub(super) fn effects(text: &str, place: &Place, effects: &mut Effects) {
    let mut file: Option<&str> = None;
    for line in text.lines() {
        let of = |start: &str| line.strip_prefix(start).map(str::trim);
        let path = |path: &str| PathRef::new(path, place);
        if let Some(name) = of("*** Delete File:") {
            effects.add(
                Act::Delete {
                    path: path(name),
                    recursive: false,
                },
                line,
                false,
            );
        } else if let Some(name) = of("*** Add File:") {
            effects.add(
                Act::Write {
                    path: path(name),
                    how: Write::Replace,
                },
                line,
                false,
            );
        } else if let Some(name) = of("*** Update File:") {
            file = Some(name);
            effects.add(
                Act::Write {
                    path: path(name),
                    how: Write::Edit,
                },
                line,
                false,
            );
        } else if let (Some(to), Some(from)) = (of("*** Move to:"), file) {
            effects.add(
                Act::Move {
                    from: path(from),
                    to: path(to),
                },
                line,
                false,
            );
        }
    }
}
