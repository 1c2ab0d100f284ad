//! What may stand around a whole reply, the same in all dialects.

use serde_json::{Value, json};

use crate::attempt::{Carriers, Exchange, Expect, explained};

/// `escaped` is `reply` with keys in escapes.
pub(super) fn add(carriers: &mut Carriers, reply: &Value, harmless: &str, escaped: String) {
    let plain = reply.to_string();
    for (carrier, body) in [
        ("a list of replies", json!([reply]).to_string()),
        (
            "two replies, one behind the other",
            format!("{harmless}\n{plain}"),
        ),
        ("a reply with a letter behind it", format!("{plain}x")),
        ("a reply with a comma behind it", format!("{plain},")),
        ("a reply with a bracket behind it", format!("{plain}]")),
        (
            "a reply behind a byte order mark",
            format!("\u{feff}{plain}"),
        ),
        (
            "a reply that does not end",
            plain.trim_end_matches('}').to_owned(),
        ),
    ] {
        carriers.add(carrier, Exchange::whole(body, Expect::Refused));
    }
    for (carrier, body) in [
        ("white space around the reply", format!("\r\n\t {plain} \n")),
        ("keys in escapes, whole", escaped),
    ] {
        carriers.add(carrier, Exchange::whole(body, explained()));
    }
    carriers.add(
        "a reply in UTF-16",
        Exchange::whole(plain.clone(), Expect::Refused)
            .packed(plain.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    );
}
