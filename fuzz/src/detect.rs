//! The search for secrets and personal data: what is found lies in the text, between characters, in order, and is the same
//! wherever the text was cut while it came; no more is kept back than is said.

use std::ops::Range;

use luthien::policy::detect::{Class, Classes, Detector, Flow};

use crate::{Dice, cuttings};

/// Any bytes, as the text that they would be shown as.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let classes: Classes = Class::ALL.into_iter().collect();
    let whole: Vec<_> = Detector::new(classes)
        .find(&text)
        .into_iter()
        .map(|finding| (finding.class, finding.span))
        .collect();
    let mut end = 0;
    for (class, span) in &whole {
        assert!(
            end <= span.start && span.start < span.end,
            "{class} out of order"
        );
        assert!(
            text.get(span.clone()).is_some(),
            "{class} inside of a character"
        );
        end = span.end;
    }
    for half in [Classes::secrets(), Classes::personal()] {
        // Each alone finds what both together do, save what another class had taken.
        let found = Detector::new(half).find(&text);
        assert!(found.iter().all(|finding| half.has(finding.class)));
    }
    let mut dice = Dice::of(data);
    for cutting in cuttings(text.as_bytes(), &mut dice) {
        assert_eq!(
            in_pieces(&text, cutting.iter().map(bytes::Bytes::len)),
            whole
        );
    }
}

fn in_pieces(text: &str, lengths: impl Iterator<Item = usize>) -> Vec<(Class, Range<usize>)> {
    let mut flow = Flow::new(Detector::new(Class::ALL.into_iter().collect()));
    let mut found: Vec<(Class, Range<usize>)> = Vec::new();
    let (mut start, mut come) = (0, 0);
    let mut ends: Vec<_> = lengths
        .map(|length| {
            come += length;
            (text.floor_char_boundary(come), false)
        })
        .collect();
    ends.push((text.len(), true));
    for (end, last) in ends {
        let settled = flow.push(text.get(start..end).expect("between characters"), last);
        if let Some(more) = settled.goes_on {
            let (_, span) = found.last_mut().expect("something goes on");
            assert_eq!(span.end, start + more.start);
            span.end = start + more.end;
        }
        for finding in settled.findings {
            found.push((
                finding.class,
                start + finding.span.start..start + finding.span.end,
            ));
        }
        start += settled.bytes;
        assert!(end - start <= Flow::MOST, "{} bytes kept back", end - start);
    }
    assert_eq!(start, text.len());
    found
}
