//! Passwords in URLs: `scheme://user:password@host`.

use super::{
    Class, noise,
    text::{ALNUM, Set, Span, Step, Text},
};

static USER: Set = Set::of(b"A-Za-z0-9._~%!$&*+,;=-");
/// What programs write into URLs, also where it should be escaped.
static PASSWORD: Set = Set::of(b"A-Za-z0-9._~%!$&*+,;=:#?^|{}()[]/\\-").and_beyond();

/// The longest name and password that are read.
const NAME: usize = 128;
const LONGEST: usize = 256;

/// Passwords that are no secrets: those with which servers are installed.
const COMMON: [&[u8]; 15] = [
    b"password",
    b"passwd",
    b"pass",
    b"pwd",
    b"postgres",
    b"root",
    b"admin",
    b"user",
    b"guest",
    b"secret",
    b"mysql",
    b"redis",
    b"rabbitmq",
    b"p",
    b"pw",
];

/// One behind the `://` from `start` to `after`.
pub(super) fn at(text: &Text<'_>, start: usize, after: usize) -> Step {
    if !text.before(start).is_some_and(|byte| ALNUM.has(byte)) {
        return Step::No;
    }
    let user = text.run(after, &USER, NAME);
    if user.is_open {
        return Step::More;
    }
    match text.at(user.end) {
        Some(b':') if !user.is_long => {}
        None if !text.last && !user.is_long => return Step::More,
        _ => return Step::No,
    }
    let begin = user.end + 1;
    let password = text.run(begin, &PASSWORD, LONGEST);
    if password.is_open {
        return Step::More;
    }
    // What is a port and a path has a slash behind digits.
    let digits = password
        .head
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let is_port = password.head.get(digits) == Some(&b'/');
    let is_password = text.at(password.end) == Some(b'@')
        && !password.is_long
        && !is_port
        && is_secret(user.head, password.head);
    if !is_password {
        return Step::No;
    }
    Step::Found(Span::new(Class::UrlPassword, begin, password.end))
}

fn is_secret(user: &[u8], password: &[u8]) -> bool {
    password.len() >= 3
        && password != user
        && !COMMON.contains(&password.to_ascii_lowercase().as_slice())
        && !noise::is_reference(password)
        && !noise::is_example(password)
        && !password
            .iter()
            .all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'))
}
