use super::{Checked, ensure};

/// An event as a client's parser hands it on.
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: String,
}

/// Reads a stream by the letter of the HTML standard. What has no data is no event; the last one must be complete.
pub(super) fn read(bytes: &[u8]) -> Checked<Vec<Event>> {
    let text = std::str::from_utf8(bytes).map_err(|_| "no UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let (mut name, mut data) = (String::new(), Vec::new());
    let mut lines: Vec<_> = text.split('\n').collect();
    let rest = lines.pop().unwrap_or_default();
    for line in lines {
        if line.is_empty() {
            if !data.is_empty() {
                events.push(Event {
                    name: std::mem::take(&mut name),
                    data: data.join("\n"),
                });
            }
            (name, data) = (String::new(), Vec::new());
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data.push(value),
            "" | "id" | "retry" => {}
            _ => return Err(format!("a field nobody knows: {line:?}")),
        }
    }
    ensure(
        rest.is_empty() && data.is_empty(),
        "the last event is not complete",
    )?;
    Ok(events)
}
