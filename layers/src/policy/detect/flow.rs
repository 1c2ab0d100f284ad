use std::{fmt, ops::Range};

use super::{Class, Detector, Finding, Rest, Text, armour, text::Span};

/// The same search in a text that comes in pieces. One for each text.
pub struct Flow {
    detector: Detector,
    /// The end of what is settled: matchers look back at it.
    before: String,
    /// What is being found, and is longer than was waited for.
    rest: Option<(Class, Rest)>,
}

/// What is settled of a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// So many bytes: the rest is to be shown again, with what follows it.
    pub bytes: usize,
    /// What was found in them.
    pub findings: Vec<Finding>,
    /// The first bytes, if they belong to the finding before: nothing is found anew.
    pub goes_on: Option<Range<usize>>,
}

/// How far matchers look back.
const BACK: usize = 128;

impl Flow {
    /// The most bytes that are ever kept back.
    pub const MOST: usize = 4_096;

    /// At the beginning of a text.
    pub fn new(detector: Detector) -> Self {
        Self {
            detector,
            before: String::new(),
            rest: None,
        }
    }

    /// Looks at what has not been settled, and what came since. `last` tells that nothing follows: then all is settled.
    pub fn push(&mut self, piece: &str, last: bool) -> Settled {
        let from = self.before.len();
        let mut all = std::mem::take(&mut self.before);
        all.push_str(piece);
        let mut settled = Settled::default();
        let mut text = Text {
            bytes: all.as_bytes(),
            from,
            last,
        };
        let mut end = all.len();
        if let Some((_, rest)) = self.rest {
            let body = armour::goes_on(&text, rest);
            settled.goes_on = (body.end > from).then(|| 0..body.end - from);
            text.from = body.end;
            if body.is_open {
                end = body.end;
            } else {
                self.rest = None;
            }
        }
        if self.rest.is_none() {
            let found = self.detector.search(&text);
            end = if last {
                end
            } else {
                all.floor_char_boundary(found.open.max(text.from))
            };
            let long: Option<&Span> = found.spans.last().filter(|span| span.rest.is_some());
            if let Some((span, rest)) = long.and_then(|span| Some((span, span.rest?))) {
                self.rest = Some((span.class, rest));
                end = if last { end } else { span.end };
            }
            let finding = |span: &Span| Finding {
                span: span.start - from..span.end - from,
                class: span.class,
            };
            settled.findings = found.spans.iter().map(finding).collect();
        }
        if last {
            end = all.len();
        }
        settled.bytes = end - from;
        let back = all.floor_char_boundary(end.saturating_sub(BACK));
        self.before = all.get(back..end).unwrap_or_default().to_owned();
        settled
    }
}

/// Not what it keeps.
impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("detector", &self.detector)
            .field("in_the_middle_of", &self.rest.map(|(class, _)| class))
            .finish_non_exhaustive()
    }
}
