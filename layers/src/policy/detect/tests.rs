use proptest::prelude::*;

use super::*;

/// What is found, by class, in a text.
fn found(text: &str) -> Vec<(Class, &str)> {
    let all = Detector::new(Class::ALL.into_iter().collect());
    let findings = all.find(text).into_iter();
    findings
        .map(|finding| (finding.class, &text[finding.span]))
        .collect()
}

/// As vendors draw it: letters and digits that nobody chose. Written here by a generator, so that no scanner takes them for
/// live ones.
fn random(length: usize, alphabet: &[u8]) -> String {
    let mut state: u64 = 0x1234_5678_9ABC_DEF1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    (0..length)
        .map(|_| char::from(alphabet[next() % alphabet.len()]))
        .collect()
}

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// With the check digits of GitHub and npm.
fn checked(prefix: &str) -> String {
    let body = random(30, BASE62);
    let mut value = u64::from(crc32fast::hash(body.as_bytes()));
    let mut check = Vec::new();
    for _ in 0..6 {
        check.push(BASE62[usize::try_from(value % 62).unwrap()]);
        value /= 62;
    }
    check.reverse();
    format!("{prefix}{body}{}", String::from_utf8(check).unwrap())
}

fn key(lines: usize) -> String {
    let body: Vec<_> = (0..lines).map(|_| random(64, BASE62)).collect();
    format!(
        "-----BEGIN RSA {0}-----\n{1}\n-----END RSA {0}-----",
        "PRIVATE KEY",
        body.join("\n")
    )
}

#[test]
fn tokens_are_found_where_they_stand_and_nothing_beside_them() {
    let lower = b"0123456789abcdef";
    for (class, token) in [
        (
            Class::AwsKey,
            format!("AKIA{}", random(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
        ),
        (Class::GithubToken, checked("ghp_")),
        (Class::GithubToken, checked("ghs_")),
        (
            Class::GithubToken,
            format!("github_pat_{}", random(82, BASE62)),
        ),
        (
            Class::AnthropicKey,
            format!("sk-ant-api03-{}AA", random(93, BASE62)),
        ),
        (Class::OpenaiKey, format!("sk-proj-{}", random(120, BASE62))),
        (
            Class::OpenaiKey,
            format!("sk-{}T3BlbkFJ{}", random(20, BASE62), random(20, BASE62)),
        ),
        (
            Class::SlackToken,
            format!("xoxb-{}-{}", random(12, b"0123456789"), random(24, BASE62)),
        ),
        (Class::GoogleKey, format!("AIza{}", random(35, BASE62))),
        (Class::StripeKey, format!("sk_live_{}", random(24, BASE62))),
        (Class::GitlabToken, format!("glpat-{}", random(20, BASE62))),
        (Class::NpmToken, checked("npm_")),
        (
            Class::PypiToken,
            format!("pypi-AgEIcHlwaS5vcmc{}", random(120, BASE62)),
        ),
        (Class::ServiceToken, format!("hf_{}", random(34, BASE62))),
        (Class::ServiceToken, format!("dop_v1_{}", random(64, lower))),
        (
            Class::Jwt,
            format!(
                "eyJ{}.eyJ{}.{}",
                random(30, BASE62),
                random(80, BASE62),
                random(43, BASE62)
            ),
        ),
        (Class::PrivateKey, key(20)),
    ] {
        for (before, after) in [
            ("", ""),
            ("it is ", " now"),
            ("(", ")."),
            ("\"", "\",\n"),
            ("ü", "ü"),
            ("x=", ";"),
        ] {
            let text = format!("{before}{token}{after}");
            assert_eq!(
                found(&text),
                [(class, token.as_str())],
                "{before:?} {after:?}"
            );
        }
        if class != Class::PrivateKey {
            assert_eq!(found(&token[..token.len() / 5]), [], "a part of {class}");
        }
        assert_eq!(
            found(&format!("Z{token}"))
                .iter()
                .filter(|found| found.1 == token && class != Class::PrivateKey)
                .count(),
            0
        );
    }
}

#[test]
fn what_is_assigned_to_a_name_is_found_however_it_is_written() {
    let secret = "q7Rk2mZx9LpT4vWn";
    for text in [
        "API_KEY=#",
        "export API_KEY=#\n",
        "api_key: #",
        "\"apiKey\": \"#\",",
        "api_key = '#'",
        "config[\"api_key\"] = \"#\"",
        "--api-key #",
        "--token=#",
        "{\\\"token\\\":\\\"#\\\"}",
        "<token>#</token>",
        "DB_PASSWORD=#",
        "password := \"#\"",
        "secret => '#'",
        "X-Api-Key: #",
        "Authorization: Bearer #q7Rk2mZx",
        "aws_secret_access_key = #",
        "//registry.npmjs.org/:_authToken=#",
    ] {
        let written = text.replace('#', secret);
        let found = found(&written);
        assert_eq!(found.len(), 1, "{written}: {found:?}");
        assert!(found[0].1.starts_with(secret), "{written}: {found:?}");
        assert!(found[0].1.len() <= secret.len() + 8);
    }
    for text in [
        "password = hunter2",
        "password: \"hunter2\"",
        "DB_PASS=s3cr#t!",
    ] {
        assert_eq!(found(text).len(), 1, "{text}");
    }
    assert_eq!(
        found("postgres://app:q7Rk2mZx@db.internal/x"),
        [(Class::UrlPassword, "q7Rk2mZx")]
    );
}

#[test]
fn what_only_looks_like_a_secret_is_left_alone() {
    for text in [
        concat!("AKIA", "IOSFODNN7EXAMPLE"),
        "sk-test-1234567890abcdef1234567890abcdef",
        "sk-your-key-here-aaaaaaaaaaaaaaaaaaaaaa",
        "password: <your-password>",
        "password = ${DB_PASSWORD}",
        "PASSWORD=$PASSWORD",
        "token: process.env.GITHUB_TOKEN",
        "const token = await getToken(user1, 2);",
        "password: string; secret?: Buffer",
        "The password: it is in the vault1 of the bank",
        "let token = parser.next_token()?;",
        "max_tokens: 100000, token_count=123456789",
        "\"integrity\": \"sha512-IKPSXBPrTlBPmPBVkdUp5ptXRZ4pn4VfdYTmRbl7nTPRxgKBMK1S9+pfCEqFSQTCXgBYB1L1mKJ1+1vVCWVZzg==\"",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "secret_id: 123e4567-e89b-12d3-a456-426614174000",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo\n-----END PUBLIC KEY-----",
        "a file that begins with -----BEGIN PRIVATE KEY----- and goes on",
        "http://localhost:8080/a@b",
        "https://user:password@example.com",
        "postgres://postgres:postgres@localhost/db",
        "git@github.com:rust-lang/rust.git",
        "noreply@example.com",
        "logo@2x.png",
        "lodash@4.17.21",
        "@types/node@20.1.0",
        "4242 4242 4242 4242",
        "4111111111111111",
        "call 555-0123",
        "(212) 555-0187",
        "+1 555 123 4567",
        "1234567890123456",
        "2024-01-02T03:04:05.678Z",
        "10.0.0.1 192.168.1.1 127.0.0.1 8.8.8.8 203.0.113.7",
        "version 21.33.44.55",
        "1.2.3.4",
        "078-05-1120",
        "000-12-3456",
        "123-45-6789",
        "luthien_secret_known_a1b2c3d4",
        "spin: sk-folding-cube sk-chasing-dots",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn people_are_found_by_what_numbers_say_about_themselves() {
    for (class, text, expected) in [
        (
            Class::Email,
            "mail ann.lee+x@mail.acme.co.uk.",
            "ann.lee+x@mail.acme.co.uk",
        ),
        (Class::Email, "<a@acme.io>", "a@acme.io"),
        (Class::Email, "mailto:ann@acme.io?subject", "ann@acme.io"),
        (
            Class::Phone,
            "ring +49 30 901820-11 now",
            "+49 30 901820-11",
        ),
        (Class::Phone, "ring +1 (212) 736-5001.", "+1 (212) 736-5001"),
        (Class::Phone, "(212) 736-5001", "(212) 736-5001"),
        (Class::Phone, "212-736-5001", "212-736-5001"),
        (Class::Phone, "Tel: 030 9018 2011", "030 9018 2011"),
        (
            Class::CreditCard,
            "card 4539 5787 6362 1486!",
            "4539 5787 6362 1486",
        ),
        (Class::CreditCard, "4539578763621486", "4539578763621486"),
        (
            Class::Iban,
            "to GB33 BUKB 2020 1555 5555 55 today",
            "GB33 BUKB 2020 1555 5555 55",
        ),
        (Class::Iban, "NL91ABNA0417164300", "NL91ABNA0417164300"),
        (Class::UsSsn, "is 536-22-8726.", "536-22-8726"),
        (Class::IpAddress, "from 93.184.216.34:443", "93.184.216.34"),
        (
            Class::IpAddress,
            "from 2a00:1450:4001:81b::200e now",
            "2a00:1450:4001:81b::200e",
        ),
        (Class::DateOfBirth, "born on 12/03/1980 in", "12/03/1980"),
        (
            Class::DateOfBirth,
            "date_of_birth: 1980-03-12",
            "1980-03-12",
        ),
        (
            Class::DateOfBirth,
            "born 12th of March, 1980",
            "12th of March, 1980",
        ),
    ] {
        assert_eq!(found(text), [(class, expected)], "{text}");
    }
}

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

#[test]
fn nothing_that_was_found_is_in_what_is_printed() {
    let token = checked("ghp_");
    let finding = &Detector::new(Classes::secrets()).find(&token)[0];
    let mut flow = Flow::new(Detector::new(Classes::secrets()));
    flow.push(&token, false);
    assert!(!format!("{finding:?} {flow:?}").contains(&token[4..12]));
}

#[test]
fn the_time_it_takes_is_linear_in_the_text() {
    // Beginnings of everything, over and over: a search that goes back would not come to an end.
    for piece in [
        "eyJ",
        "eyJabcdefghi.eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- a ",
        "password=",
        "a://b:",
        "ghp_a",
        "@",
        "a@",
        "1 ",
        "12-",
        "(1",
        "+1 ",
        "4539 ",
        "GB33 ",
        "password: \"",
        "token\\\"",
        "Bearer a",
        "1.1.",
        "2a:",
        "born 1 ",
        "-----BEGIN PRIVATE KEY-----\nA b",
    ] {
        let text = piece.repeat(400_000 / piece.len());
        let start = std::time::Instant::now();
        found(&text);
        // Two orders of magnitude above what it takes.
        assert!(
            start.elapsed().as_secs() < 20,
            "{piece:?}: {:?}",
            start.elapsed()
        );
    }
}
