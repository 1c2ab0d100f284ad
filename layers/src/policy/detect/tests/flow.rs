//! The same in a text that comes in pieces.

use proptest::prelude::*;

use super::*;

/// Finds in pieces, as an editor would: classes, and what was found, in the text as it was.
fn in_pieces(text: &str, cuts: &[usize]) -> (Vec<(Class, Range<usize>)>, usize) {
    let mut flow = Flow::new(Detector::new(Class::ALL.into_iter().collect()));
    let mut cuts: Vec<_> = cuts
        .iter()
        .map(|at| text.floor_char_boundary(at % (text.len() + 1)))
        .collect();
    cuts.sort_unstable();
    let (mut found, mut most): (Vec<(Class, Range<usize>)>, usize) = (Vec::new(), 0);
    let mut start = 0;
    for (end, last) in cuts
        .into_iter()
        .map(|at| (at, false))
        .chain([(text.len(), true)])
    {
        let settled = flow.push(&text[start..end], last);
        if let Some(more) = settled.goes_on {
            assert_eq!(found.last().unwrap().1.end, start + more.start);
            found.last_mut().unwrap().1.end = start + more.end;
        }
        for finding in settled.findings {
            assert!(
                finding.span.end <= settled.bytes,
                "{finding:?} of {}",
                settled.bytes
            );
            found.push((
                finding.class,
                start + finding.span.start..start + finding.span.end,
            ));
        }
        start += settled.bytes;
        assert!(text.is_char_boundary(start));
        most = most.max(end - start);
    }
    assert_eq!(start, text.len());
    (found, most)
}

fn whole(text: &str) -> Vec<(Class, Range<usize>)> {
    let all = Detector::new(Class::ALL.into_iter().collect());
    all.find(text)
        .into_iter()
        .map(|finding| (finding.class, finding.span))
        .collect()
}

/// Pieces of which most texts about secrets are made, in any order.
fn piece() -> impl Strategy<Value = String> {
    let pieces = vec![
        checked("ghp_"),
        checked("npm_"),
        key(3),
        "-----BEGIN PRIVATE KEY-----".to_owned(),
        "-----END ".to_owned(),
        format!("AKIA{}", random(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
        format!(
            "eyJ{}.eyJ{}.{}",
            random(20, BASE62),
            random(30, BASE62),
            random(30, BASE62)
        ),
        format!("sk-ant-{}", random(40, BASE62)),
        "password".to_owned(),
        "\"api_key\": \"".to_owned(),
        "q7Rk2mZx9LpT4vWn".to_owned(),
        "\\n".to_owned(),
        "%3D".to_owned(),
        "\\u0022".to_owned(),
        "://u:".to_owned(),
        "https".to_owned(),
        "Authorization: Bearer ".to_owned(),
        "@acme.io".to_owned(),
        "ann.lee".to_owned(),
        "+49 30 9018".to_owned(),
        "2011".to_owned(),
        "(212)".to_owned(),
        "736-5001".to_owned(),
        "4539 5787 6362 1486".to_owned(),
        "GB33 BUKB 2020 1555 5555 55".to_owned(),
        "536-22-8726".to_owned(),
        "93.184.216.34".to_owned(),
        "2a00:1450:4001:81b::200e".to_owned(),
        "born ".to_owned(),
        "12 March 1980".to_owned(),
        "12/03/1980".to_owned(),
        random(70, BASE62),
    ];
    prop_oneof![
        4 => prop::sample::select(pieces),
        3 => "[ \n=:\"'.,@+()/-]{1,3}",
        1 => "[a-zA-Z0-9ü ]{1,6}",
        1 => "\\PC{1,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn it_does_not_matter_where_a_text_is_cut(
        pieces in prop::collection::vec(piece(), 0..12),
        cuts in prop::collection::vec(0_usize..4_000, 0..12),
    ) {
        let text = pieces.concat();
        let (found, most) = in_pieces(&text, &cuts);
        prop_assert_eq!(found, whole(&text));
        prop_assert!(most <= Flow::MOST);
    }

    #[test]
    fn spans_lie_in_the_text_in_order_and_between_characters(text in "(\\PC|[ -~\n]){0,400}") {
        let mut end = 0;
        for (class, span) in whole(&text) {
            prop_assert!(end <= span.start && span.start < span.end, "{class} {span:?}");
            prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
            end = span.end;
        }
    }
}

#[test]
fn a_key_of_any_length_is_found_although_nobody_waits_for_its_end() {
    let text = format!("the key:\n{}\nand so on", key(2_000));
    let cuts: Vec<_> = (0..text.len()).step_by(97).collect();
    let (found, most) = in_pieces(&text, &cuts);
    assert_eq!(found, [(Class::PrivateKey, 9..text.len() - 10)]);
    assert!(most < 512, "{most} bytes were kept back");
    let cut_short = &text[..5_000];
    assert_eq!(
        in_pieces(cut_short, &cuts).0,
        [(Class::PrivateKey, 9..5_000)]
    );
}

#[test]
fn plain_text_is_kept_back_by_no_more_than_a_word() {
    let text = "An agent reads the file, thinks about it, and writes 1,000 lines of what it was asked for: tokens, mostly. ";
    let cuts: Vec<_> = (0..text.len()).collect();
    assert!(
        in_pieces(text, &cuts).1 <= 16,
        "{}",
        in_pieces(text, &cuts).1
    );
}
