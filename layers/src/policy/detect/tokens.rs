//! Secrets that are known by how they begin.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    Class, Classes, armour, checks, noise,
    text::{ALNUM, HEX, Set, Span, Step, Text, WORD},
    url,
};

/// What a kind of token looks like behind its beginning.
struct Shape {
    class: Class,
    begins: &'static str,
    set: &'static Set,
    /// The fewest and the most bytes behind the beginning.
    length: (usize, usize),
    check: fn(&[u8]) -> bool,
}

const fn shape(
    class: Class,
    begins: &'static str,
    set: &'static Set,
    length: (usize, usize),
    check: fn(&[u8]) -> bool,
) -> Shape {
    Shape {
        class,
        begins,
        set,
        length,
        check,
    }
}

static BASE32: Set = Set::of(b"A-Z2-7");
static DOTTED: Set = Set::of(b"A-Za-z0-9_.-");
static SLASHED: Set = Set::of(b"A-Za-z0-9/");
static BASE64: Set = Set::of(b"A-Za-z0-9+/=");
static BECH32: Set = Set::of(b"A-Z0-9");
/// A JSON Web Token.
static URL64: Set = Set::of(b"A-Za-z0-9_-");

/// Of two beginnings of which one begins with the other, the longer stands first.
#[rustfmt::skip]
static SHAPES: [Shape; 53] = [
    shape(Class::AwsKey, "AKIA", &BASE32, (16, 16), aws),
    shape(Class::AwsKey, "ASIA", &BASE32, (16, 16), aws),
    shape(Class::GithubToken, "ghp_", &ALNUM, (36, 251), github),
    shape(Class::GithubToken, "gho_", &ALNUM, (36, 251), github),
    shape(Class::GithubToken, "ghu_", &ALNUM, (36, 251), github),
    shape(Class::GithubToken, "ghs_", &ALNUM, (36, 251), github),
    shape(Class::GithubToken, "ghr_", &ALNUM, (36, 251), github),
    shape(Class::GithubToken, "github_pat_", &WORD, (82, 82), noise::is_random),
    shape(Class::AnthropicKey, "sk-ant-", &WORD, (24, 256), noise::is_random),
    shape(Class::OpenaiKey, "sk-proj-", &WORD, (24, 256), noise::is_random),
    shape(Class::OpenaiKey, "sk-svcacct-", &WORD, (24, 256), noise::is_random),
    shape(Class::OpenaiKey, "sk-admin-", &WORD, (24, 256), noise::is_random),
    shape(Class::ServiceToken, "sk-or-v1-", &HEX, (64, 64), noise::is_random),
    shape(Class::OpenaiKey, "sk-", &WORD, (32, 256), openai),
    shape(Class::SlackToken, "xox", &DOTTED, (24, 512), slack),
    shape(Class::SlackToken, "xapp-", &WORD, (32, 256), noise::is_random),
    shape(Class::SlackToken, "hooks.slack.com/services/", &SLASHED, (40, 64), noise::is_random),
    shape(Class::GoogleKey, "AIza", &WORD, (35, 35), noise::is_random),
    shape(Class::GoogleKey, "GOCSPX-", &WORD, (28, 28), noise::is_random),
    shape(Class::GoogleKey, "ya29.", &DOTTED, (32, 1_024), noise::is_random),
    shape(Class::StripeKey, "sk_live_", &ALNUM, (16, 247), noise::is_random),
    shape(Class::StripeKey, "rk_live_", &ALNUM, (16, 247), noise::is_random),
    shape(Class::StripeKey, "whsec_", &BASE64, (32, 100), noise::is_random),
    shape(Class::GitlabToken, "glpat-", &DOTTED, (20, 320), noise::is_random),
    shape(Class::GitlabToken, "gldt-", &DOTTED, (20, 320), noise::is_random),
    shape(Class::GitlabToken, "glptt-", &DOTTED, (20, 320), noise::is_random),
    shape(Class::GitlabToken, "glrt-", &DOTTED, (20, 320), noise::is_random),
    shape(Class::GitlabToken, "glcbt-", &DOTTED, (20, 320), noise::is_random),
    shape(Class::NpmToken, "npm_", &ALNUM, (36, 36), checks::crc32_base62),
    shape(Class::PypiToken, "pypi-AgE", &WORD, (50, 1_024), noise::is_random),
    shape(Class::ServiceToken, "SG.", &DOTTED, (66, 66), sendgrid),
    shape(Class::ServiceToken, "hf_", &ALNUM, (34, 40), noise::is_random),
    shape(Class::ServiceToken, "dop_v1_", &HEX, (64, 64), noise::is_random),
    shape(Class::ServiceToken, "doo_v1_", &HEX, (64, 64), noise::is_random),
    shape(Class::ServiceToken, "shpat_", &HEX, (32, 32), noise::is_random),
    shape(Class::ServiceToken, "shpss_", &HEX, (32, 32), noise::is_random),
    shape(Class::ServiceToken, "dapi", &HEX, (32, 32), noise::is_random),
    shape(Class::ServiceToken, "hvs.", &WORD, (24, 300), noise::is_random),
    shape(Class::ServiceToken, "dckr_pat_", &WORD, (27, 27), noise::is_random),
    shape(Class::ServiceToken, "lin_api_", &ALNUM, (40, 40), noise::is_random),
    shape(Class::ServiceToken, "ntn_", &ALNUM, (43, 50), noise::is_random),
    shape(Class::ServiceToken, "PMAK-", &WORD, (59, 59), noise::is_random),
    shape(Class::ServiceToken, "glsa_", &WORD, (41, 41), noise::is_random),
    shape(Class::ServiceToken, "AGE-SECRET-KEY-1", &BECH32, (58, 58), noise::is_random),
    shape(Class::ServiceToken, "AccountKey=", &BASE64, (86, 88), noise::is_random),
    shape(Class::ServiceToken, "xai-", &ALNUM, (70, 100), noise::is_random),
    shape(Class::ServiceToken, "gsk_", &ALNUM, (48, 60), noise::is_random),
    shape(Class::ServiceToken, "r8_", &ALNUM, (37, 37), noise::is_random),
    shape(Class::ServiceToken, "pplx-", &ALNUM, (48, 60), noise::is_random),
    shape(Class::ServiceToken, "nvapi-", &WORD, (60, 80), noise::is_random),
    shape(Class::ServiceToken, "rubygems_", &HEX, (48, 48), noise::is_random),
    shape(Class::ServiceToken, "ATATT3", &BASE64_URL_PADDED, (100, 300), noise::is_random),
    shape(Class::ServiceToken, "lth_", &WORD, (32, 100), noise::is_random),
];

static BASE64_URL_PADDED: Set = Set::of(b"A-Za-z0-9_=-");

/// What the text is searched for, next to how the tokens begin.
const JWT: &str = "eyJ";
const ARMOUR: &str = "-----BEGIN ";
const URL: &str = "://";

static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let shapes = SHAPES.iter().map(|shape| shape.begins);
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(shapes.chain([JWT, ARMOUR, URL]))
        .ok()
});

/// Everything that begins in a known way. Answers from where on nothing is decided yet.
pub(super) fn find(text: &Text<'_>, classes: Classes, found: &mut Vec<Span>) -> usize {
    let mut at = text.from;
    let mut open = usize::MAX;
    let Some(beginnings) = BEGINNINGS.as_ref() else {
        return open;
    };
    while let Some(hit) = beginnings.find(aho_corasick::Input::new(text.bytes).range(at..)) {
        at = hit.end();
        let step = match hit.pattern().as_usize().checked_sub(SHAPES.len()) {
            None => SHAPES
                .get(hit.pattern().as_usize())
                .map_or(Step::No, |shape| token(text, hit.start(), shape)),
            Some(0) => jwt(text, hit.start()),
            Some(1) => armour::at(text, hit.start(), hit.end()),
            Some(_) => url::at(text, hit.start(), hit.end()),
        };
        match step {
            Step::No => {}
            Step::More => open = open.min(hit.start()),
            Step::Found(mut span) => {
                span.seen_from = hit.start();
                // A password may be a token.
                if span.class != Class::UrlPassword {
                    at = span.end.max(at);
                }
                if classes.has(span.class) {
                    found.push(span);
                }
            }
        }
    }
    open
}

fn token(text: &Text<'_>, start: usize, shape: &Shape) -> Step {
    // An underline may end a name before it, as in `token_ghp_…`, and nothing else that is part of a word.
    if text.is_in_word(start) {
        return Step::No;
    }
    let (fewest, most) = shape.length;
    let run = text.run(start + shape.begins.len(), shape.set, most + 1);
    if run.is_open {
        return Step::More;
    }
    let head = match shape.set.has(b'.') || shape.set.has(b'-') {
        // The end of a sentence, or of a word, is none of it.
        true => trim_end(run.head),
        false => run.head,
    };
    let end = start + shape.begins.len() + head.len();
    let goes_on = text.at(end).is_some_and(|byte| ALNUM.has(byte));
    if head.len() < fewest || head.len() > most || goes_on || !(shape.check)(head) {
        return Step::No;
    }
    Step::Found(Span::new(shape.class, start, end))
}

fn trim_end(mut token: &[u8]) -> &[u8] {
    while let [head @ .., b'.' | b'-'] = token {
        token = head;
    }
    token
}

fn aws(id: &[u8]) -> bool {
    noise::entropy(id) >= 2.5 && !noise::is_example(id)
}

fn github(token: &[u8]) -> bool {
    // Those with more characters have a checksum of which nothing is said.
    match token.len() {
        36 => checks::crc32_base62(token),
        _ => noise::is_random(token),
    }
}

/// With OpenAI's mark in it, or without one, as others write theirs.
fn openai(token: &[u8]) -> bool {
    let is_marked = memchr::memmem::find(token, b"T3BlbkFJ").is_some();
    noise::is_random(token) && (is_marked || token.iter().all(u8::is_ascii_alphanumeric))
}

fn slack(token: &[u8]) -> bool {
    matches!(
        token,
        [b'a'..=b'e' | b'o' | b'p' | b'r' | b's', b'-' | b'.', ..]
    ) && noise::is_random(token)
}

fn sendgrid(token: &[u8]) -> bool {
    token.get(22) == Some(&b'.') && noise::is_random(token)
}

/// The longest part of a token that is waited for.
const PART: usize = 1_024;

fn jwt(text: &Text<'_>, start: usize) -> Step {
    if text.is_in_word(start) || matches!(text.before(start), Some(b'_' | b'-')) {
        return Step::No;
    }
    let header = text.run(start, &URL64, PART);
    if header.is_open {
        return Step::More;
    }
    if header.is_long || header.head.len() < 12 {
        return Step::No;
    }
    let dot = header.end;
    for (place, expected) in (dot..).zip(b".eyJ") {
        match text.at(place) {
            None if !text.last => return Step::More,
            byte if byte != Some(*expected) => return Step::No,
            _ => {}
        }
    }
    let claims = text.run(dot + 1, &URL64, PART);
    if claims.is_open {
        return Step::More;
    }
    if claims.is_long {
        // The claims of some are many kilobytes long: nobody waits for their signature.
        return text.long(Class::Jwt, start, claims.end, &DOTTED);
    }
    match text.at(claims.end) {
        None if !text.last => return Step::More,
        Some(b'.') => {}
        _ => return Step::No,
    }
    let signature = text.run(claims.end + 1, &URL64, PART);
    if signature.is_open {
        return Step::More;
    }
    if signature.head.len() < 20 || signature.is_long {
        return Step::No;
    }
    Step::Found(Span::new(Class::Jwt, start, signature.end))
}
