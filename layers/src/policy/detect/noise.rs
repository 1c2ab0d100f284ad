//! What looks like a secret and is none.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Words that stand in examples and never in what is random.
const WORDS: [&str; 32] = [
    "example",
    "sample",
    "placeholder",
    "your",
    "xxxx",
    "dummy",
    "fake",
    "redacted",
    "changeme",
    "change_me",
    "change-me",
    "replace",
    "insert",
    "todo",
    "foobar",
    "000000",
    "111111",
    "123456",
    "abcdef",
    "aaaaaa",
    "deadbeef",
    "****",
    "....",
    "test",
    "luthien_secret_",
    "secret",
    "password",
    "token",
    "undefined",
    "default",
    "mock",
    "apikey",
];

/// As somebody writes them, and not as chance would.
static EXAMPLES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let capital = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => word.to_owned(),
    };
    let words = WORDS
        .iter()
        .flat_map(|word| [(*word).to_owned(), word.to_ascii_uppercase(), capital(word)]);
    AhoCorasick::new(words).ok()
});

/// Whether it says itself that it is an example.
pub(super) fn is_example(text: &[u8]) -> bool {
    EXAMPLES.as_ref().is_some_and(|words| words.is_match(text))
}

/// Bits per byte, by how often each byte occurs.
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / all;
            -share * share.log2()
        })
        .sum()
}

/// Whether a token may have been drawn at random: many different characters, of different kinds, and no word of examples.
pub(super) fn is_random(token: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| token.iter().any(kind);
    let most = f64::from(u32::try_from(token.len()).unwrap_or(u32::MAX)).log2();
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    (is_mixed || has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic))
        && entropy(token) >= (most * 0.68).min(3.0)
        && !is_example(token)
}

/// Whether it is a name for something: a UUID, the hash of a file, the version of a package.
pub(super) fn is_identity(text: &[u8]) -> bool {
    let is_uuid = text.len() == 36
        && text.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let is_hash = [
        &b"sha1-"[..],
        b"sha256-",
        b"sha384-",
        b"sha512-",
        b"sha256:",
        b"sha512:",
        b"md5:",
    ]
    .iter()
    .any(|kind| text.starts_with(kind));
    is_uuid || is_hash
}

/// Whether it stands for something that is put in later, or is read from somewhere.
pub(super) fn is_reference(text: &[u8]) -> bool {
    let begins = [
        &b"$"[..],
        b"{{",
        b"<",
        b"%",
        b"@",
        b"process.env",
        b"os.environ",
        b"env.",
        b"env:",
        b"file:",
        b"secrets.",
        b"vars.",
        b"self.",
        b"this.",
        b"config.",
        b"vault:",
        b"op://",
        b"arn:",
        b"http:",
        b"https:",
        b"./",
        b"../",
        b"~/",
        b"[",
        b"ENV[",
        b"null",
        b"None",
        b"&",
        b"*",
    ];
    // What is long and begins with a slash may be of base 64.
    let is_file = text.starts_with(b"/") && text.len() < 36;
    is_file
        || begins.iter().any(|begins| text.starts_with(begins))
        || [&b"("[..], b"${", b"{{", b"::", b"->", b"getenv", b"\\("]
            .iter()
            .any(|part| memchr::memmem::find(text, part).is_some())
}

/// Whether words are strung together by dots, slashes, colons or underlines: a member of something, a file, a name.
pub(super) fn is_path(value: &[u8]) -> bool {
    let joined = |byte: &u8| b"./:_-".contains(byte);
    if !value.iter().any(joined) {
        return false;
    }
    let mut words = value.split(joined).filter(|word| !word.is_empty());
    words.all(|word| {
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = word
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .count();
        let is_word = digits + letters == word.len()
            && (digits == 0
                || letters == 0 && digits <= 4
                || (digits <= 2 && word.last().is_some_and(u8::is_ascii_digit)));
        is_word && word.len() <= 16
    })
}
