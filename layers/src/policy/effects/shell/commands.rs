//! Where commands stand in a text, for who wants to change one.

use std::ops::Range;

use brush_parser::{ParserOptions, Token, uncached_tokenize_str};

use super::{MAX_TEXT, heredoc, scan};

/// The words of a command, and where they stand.
pub(crate) type Words = Vec<(Range<usize>, String)>;

/// What a command may follow that is no operator.
const RESERVED: &[&str] = &[
    "if", "then", "elif", "else", "while", "until", "do", "{", "!", "time",
];

/// The commands of a text, as they are written: assignments before them are left out, and what stands in other words
/// (`$(…)`) is not looked into. None, if it is no text that a shell could read.
pub(crate) fn commands(text: &str) -> Vec<Words> {
    let is_moved = matches!(heredoc::as_strings(text), std::borrow::Cow::Owned(_));
    if text.len() > MAX_TEXT || is_moved || scan::nesting(text) > super::MAX_NESTING {
        return Vec::new();
    }
    let options = ParserOptions::default();
    let Ok(tokens) = uncached_tokenize_str(text, &options.tokenizer_options()) else {
        return Vec::new();
    };
    // The parser counts characters.
    let bytes: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(text.len());
    let mut commands = Vec::new();
    let mut words = Words::new();
    let mut is_redirected = false;
    for token in &tokens {
        match token {
            Token::Operator(sign, _) if sign.contains(['<', '>']) => is_redirected = true,
            Token::Operator(..) => {
                commands.push(std::mem::take(&mut words));
                is_redirected = false;
            }
            Token::Word(..) if is_redirected => is_redirected = false,
            Token::Word(word, _)
                if words.is_empty()
                    && (RESERVED.contains(&word.as_str()) || is_assignment(word)) => {}
            Token::Word(word, place) => {
                words.push((byte(place.start.index)..byte(place.end.index), word.clone()));
            }
        }
    }
    commands.push(words);
    commands.retain(|words| !words.is_empty());
    commands
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn commands_are_found_where_they_stand() {
        let text = "A=é pip install x >> log && if true; then (cd y | 'pip' list); fi # pip install\necho \"pip install\"";
        let found = commands(text);
        let found: Vec<_> = found
            .iter()
            .map(|words| {
                words
                    .iter()
                    .map(|(place, _)| text.get(place.clone()).unwrap())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(
            found,
            [
                "pip install x",
                "true",
                "cd y",
                "'pip' list",
                "fi",
                "echo \"pip install\""
            ]
        );
        assert!(commands("cat <<A > \"$x\"\npip install x\nA\n").is_empty());
    }
}
