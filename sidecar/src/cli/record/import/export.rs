//! What `luthien export --format jsonl` has written: an exchange a line.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use luthien::record::{Event, What, import::Foreign};
use serde_json::Value;

use crate::record::VERSION;

/// An exchange out of a line, and its name.
pub(super) fn read(line: &str) -> Result<(String, Foreign), String> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| format!("this is no JSON: {error}"))?;
    let version = value.get("version").and_then(Value::as_u64);
    if version != Some(VERSION.into()) {
        return Err(format!(
            "this is no line of `luthien export --format jsonl` in version {VERSION}"
        ));
    }
    let id = value.get("transaction_id").and_then(Value::as_str);
    let id = id.ok_or("`transaction_id` is missing")?;
    let events = value.get("events").and_then(Value::as_array);
    let events = events.ok_or("`events` are missing")?.iter();
    let events = events.map(|event| {
        let text = event.get("payload").and_then(Value::as_str);
        let event: Event = serde_json::from_str(text.ok_or("an event has no `payload`")?)
            .map_err(|error| format!("an event cannot be read: {error}"))?;
        if *event.transaction_id != *id {
            return Err("an event is about another exchange".to_owned());
        }
        Ok(event)
    });
    let events: Vec<_> = events.collect::<Result<_, String>>()?;
    let begins = events.first().map(|event| &event.what);
    if !matches!(begins, Some(What::RequestReceived(_))) {
        return Err("the exchange does not begin with its request".to_owned());
    }
    let foreign = Foreign {
        events,
        request: bytes(&value, "request")?,
        sent_request: bytes(&value, "sent_request")?,
        reply: bytes(&value, "reply")?,
        received_reply: bytes(&value, "received_reply")?,
    };
    Ok((id.to_owned(), foreign))
}

/// The bytes under this name, if they were kept.
fn bytes(value: &Value, name: &str) -> Result<Option<Bytes>, String> {
    if let Some(text) = value.get(name).and_then(Value::as_str) {
        return Ok(Some(text.to_owned().into()));
    }
    let coded = value.get(format!("{name}_base64")).and_then(Value::as_str);
    let decoded = coded.map(|coded| STANDARD.decode(coded)).transpose();
    let decoded = decoded.map_err(|error| format!("`{name}_base64`: {error}"))?;
    Ok(decoded.map(Bytes::from))
}
