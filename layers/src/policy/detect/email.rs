//! Addresses for mail, found by their `@`.

use super::{
    Class,
    text::{ALNUM, Set, Span, Step, Text},
};

static LOCAL: Set = Set::of(b"A-Za-z0-9._%+-");
static DOMAIN: Set = Set::of(b"A-Za-z0-9.-");

/// The longest part before the `@`, and after it.
pub(super) const LONGEST: usize = 64;
const DOMAIN_LONGEST: usize = 128;

/// Domains that belong to nobody.
const NOBODY: [&str; 9] = [
    "example.com",
    "example.org",
    "example.net",
    "example.edu",
    "test.com",
    "domain.com",
    "email.com",
    "yourdomain.com",
    "users.noreply.github.com",
];
/// Ends of names that are no domains, or belong to nobody.
const NO_DOMAIN: [&[u8]; 33] = [
    b"example",
    b"test",
    b"invalid",
    b"localhost",
    b"local",
    b"internal",
    b"png",
    b"jpg",
    b"jpeg",
    b"gif",
    b"svg",
    b"webp",
    b"js",
    b"ts",
    b"jsx",
    b"tsx",
    b"mjs",
    b"css",
    b"json",
    b"yml",
    b"yaml",
    b"toml",
    b"lock",
    b"py",
    b"rb",
    b"go",
    b"rs",
    b"java",
    b"html",
    b"md",
    b"txt",
    b"service",
    b"timer",
];
/// Whom no person reads behind.
const ROLES: [&[u8]; 9] = [
    b"noreply",
    b"no-reply",
    b"donotreply",
    b"do-not-reply",
    b"git",
    b"user",
    b"username",
    b"you",
    b"your.email",
];

pub(super) fn find(text: &Text<'_>, found: &mut Vec<Span>) -> usize {
    let mut open = usize::MAX;
    let mut done = text.from;
    for at in memchr::memchr_iter(b'@', text.rest(text.from)) {
        let at = text.from + at;
        match address(text, at, done) {
            Step::No => {}
            Step::More => {
                let left = text.left(at, LONGEST);
                let local = left
                    .iter()
                    .rev()
                    .take_while(|byte| LOCAL.has(**byte))
                    .count();
                open = open.min((at - local).max(done));
            }
            Step::Found(span) => {
                done = span.end;
                found.push(span);
            }
        }
    }
    open
}

fn address(text: &Text<'_>, at: usize, done: usize) -> Step {
    let left = text.left(at, LONGEST + 1);
    let local = left
        .iter()
        .rev()
        .take_while(|byte| LOCAL.has(**byte))
        .count();
    let name = left.get(left.len() - local..).unwrap_or_default();
    let dots = name.iter().take_while(|byte| !ALNUM.has(**byte)).count();
    // The letter of an escape before it: `\nann@…` where a text stands in a text.
    let escape = match (text.before(at - name.len()), name) {
        (Some(b'\\'), [b'n' | b't' | b'r', ..]) => 1,
        _ => 0,
    };
    let name = name.get(dots.max(escape)..).unwrap_or_default();
    let start = at - name.len();
    let follows_path = text
        .before(start)
        .is_some_and(|byte| matches!(byte, b'/' | b'@' | b':' | b'$' | b'{'));
    let is_mailto = text.left(start, 7) == b"mailto:" || text.left(start, 1) == b":";
    if name.is_empty() || local > LONGEST || start < done || (follows_path && !is_mailto) {
        return Step::No;
    }
    let domain = text.run(at + 1, &DOMAIN, DOMAIN_LONGEST);
    if domain.is_open {
        return Step::More;
    }
    let mut host = domain.head;
    while let [shorter @ .., b'.' | b'-'] = host {
        host = shorter;
    }
    let end = at + 1 + host.len();
    // `git@host:path`, `name@host/…`, and what is called: `a@b.c(`.
    let goes_on = text.at(end).is_some_and(|byte| {
        matches!(byte, b'@' | b'(' | b'_')
            || (byte == b':' && text.at(end + 1).is_some_and(|byte| ALNUM.has(byte)))
    });
    if domain.is_long || goes_on || !is_domain(host) || is_nobody(name, host) {
        return Step::No;
    }
    Step::Found(Span::new(Class::Email, start, end))
}

fn is_domain(host: &[u8]) -> bool {
    let labels: Vec<_> = host.split(|byte| *byte == b'.').collect();
    let Some((top, below)) = labels.split_last() else {
        return false;
    };
    let is_label = |label: &&[u8]| {
        label.first().is_some_and(|byte| ALNUM.has(*byte))
            && label.last().is_some_and(|byte| ALNUM.has(*byte))
    };
    !below.is_empty()
        && below.iter().all(is_label)
        // A density of pixels: `logo@2x.png`.
        && below.iter().any(|label| label.iter().any(u8::is_ascii_alphabetic))
        && (2..=24).contains(&top.len())
        && top.iter().all(u8::is_ascii_alphabetic)
}

fn is_nobody(name: &[u8], host: &[u8]) -> bool {
    let host = host.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let is_below = |domain: &str| {
        host.strip_suffix(domain.as_bytes())
            .is_some_and(|above| above.is_empty() || above.ends_with(b"."))
    };
    let top = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    NOBODY.into_iter().any(is_below) || NO_DOMAIN.contains(&top) || ROLES.contains(&name.as_slice())
}
