mod flow;

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
