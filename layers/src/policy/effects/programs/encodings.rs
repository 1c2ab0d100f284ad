//! Text in other letters, and back: `base64`, `xxd` and their kin.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Args, Command};
use crate::policy::effects::{
    mark,
    shell::{Data, Shell, State},
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// `base64`, `base32`, `basenc`, `openssl enc`.
pub(super) fn bases(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) -> Data {
    let args = Args::of(
        command.words,
        &["w", "wrap", "in", "out", "k", "pass", "i", "o", "K", "iv"],
    );
    let mut files = args
        .operands
        .iter()
        .filter(|word| !matches!(**word, "enc" | "base64"));
    let file = files.next().copied().or(args.value(&["in", "i"]));
    let input = match file.filter(|file| !super::is_stdin(file)) {
        Some(file) => shell.read_file(state, file),
        None => command.stdin.clone(),
    };
    let decodes = args.has(&["d", "D", "decode"]) || command.name == "uudecode";
    let has = |name: &str| args.has(&[name]);
    // A cipher makes of it what nobody knows.
    let is_ciphered = command.name == "openssl"
        && command.words.iter().any(|word| {
            let word = word.trim_start_matches('-');
            word.starts_with("aes") || word.starts_with("des") || word.starts_with("chacha")
        });
    let text = input.text.as_deref().filter(|_| !is_ciphered);
    if decodes {
        let bytes = text.and_then(|text| {
            let plain: String = text.split_whitespace().collect();
            match command.name {
                "base32" => base32(&plain),
                "basenc" if has("base32") => base32(&plain),
                "basenc" if has("base16") => Some(unhex(&plain)),
                "basenc" if has("base64url") => BASE64_URL.decode(plain).ok(),
                _ => BASE64.decode(plain).ok(),
            }
        });
        return input.with_bytes(bytes);
    }
    let text = text
        .filter(|text| command.name != "base32" && !text.contains(mark::is_unknown))
        .filter(|_| command.name != "basenc")
        .map(|text| BASE64.encode(text) + "\n");
    let mut data = input.with_text(text);
    data.is_hidden |= data.text.is_none();
    data
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.trim_end_matches('=').chars() {
        let value = match c.to_ascii_uppercase() {
            c @ 'A'..='Z' => u32::from(c) - u32::from('A'),
            c @ '2'..='7' => u32::from(c) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5 | value) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// `xxd`, and what reads its kind.
pub(super) fn hex(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) -> Data {
    let args = Args::of(
        command.words,
        &["l", "c", "s", "g", "N", "j", "A", "t", "n", "w", "e"],
    );
    let file = args.operands.first().copied().unwrap_or("-");
    let input = match super::is_stdin(file) {
        true => command.stdin.clone(),
        false => shell.read_file(state, file),
    };
    let has = |letter: char| {
        let mut options = command.words.iter();
        options.any(|word| word.starts_with('-') && word.contains(letter))
    };
    let text = input.text.as_deref();
    let text = match (has('r'), has('p')) {
        (true, true) => return input.with_bytes(text.map(unhex)),
        (true, false) => return input.with_bytes(text.map(undumped)),
        (false, true) => text
            .filter(|text| !text.contains(mark::is_unknown))
            .map(|text| {
                let bytes = text.bytes().map(|byte| format!("{byte:02x}"));
                bytes.collect::<String>() + "\n"
            }),
        (false, false) => None,
    };
    input.with_text(text)
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect()
}

/// `00000000: 6c73 0a  ls.`
fn undumped(text: &str) -> Vec<u8> {
    let lines = text.lines().map(|line| {
        let (_, rest) = line.split_once(':').unwrap_or(("", line));
        rest.trim_start().split("  ").next().unwrap_or_default()
    });
    unhex(&lines.collect::<Vec<_>>().join(" "))
}
