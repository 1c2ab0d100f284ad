//! Readers of event streams, by the letter and otherwise.

/// An event as a client's parser hands it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub name: Option<String>,
    pub data: String,
}

/// How a client reads lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// By the letter of the HTML standard: what is not complete at the end is no event.
    Standard,
    /// The same, and what stands at the end without a blank line is an event, as it is to the vendors' SDKs.
    Flushed,
    /// Whatever looks like data is data, each line by itself; as many write it by hand.
    Sloppy,
}

impl Lines {
    pub const ALL: [Self; 3] = [Self::Standard, Self::Flushed, Self::Sloppy];

    pub fn read(self, bytes: &[u8]) -> Vec<Event> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if self == Self::Sloppy {
            return sloppy(&text);
        }
        let mut events = Vec::new();
        let (mut name, mut data): (Option<String>, Vec<&str>) = (None, Vec::new());
        let mut lines: Vec<_> = text.split('\n').collect();
        let rest = lines.pop().unwrap_or_default();
        if self == Self::Flushed {
            lines.extend([rest, ""]);
        }
        for line in lines {
            if line.is_empty() {
                let name = name.take();
                if !data.is_empty() {
                    events.push(Event {
                        name,
                        data: data.join("\n"),
                    });
                }
                data.clear();
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => name = Some(value.to_owned()),
                "data" => data.push(value),
                _ => {}
            }
        }
        events
    }
}

fn sloppy(text: &str) -> Vec<Event> {
    let noise = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    let mut events = Vec::new();
    let mut name = None;
    for line in text.lines() {
        let line = line.trim_matches(noise);
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match field.trim().to_lowercase().as_str() {
            "event" => name = Some(value.to_owned()),
            "data" => events.push(Event {
                name: name.clone(),
                data: value.to_owned(),
            }),
            // As a line of JSON.
            _ if line.starts_with('{') || line.starts_with('[') => {
                events.push(Event {
                    name: name.clone(),
                    data: line.to_owned(),
                });
            }
            _ => {}
        }
    }
    events
}
