//! Letter case taken over from what was found.

/// `to`, written like `found`: in capitals, with a capital first, or small. What is written in another way says nothing.
pub(super) fn transfer(found: &str, to: &str) -> String {
    let mut letters = found.chars().filter(|c| c.is_alphabetic());
    let Some(first) = letters.next() else {
        return to.to_owned();
    };
    let rest: Vec<char> = letters.collect();
    let small = rest.iter().all(|c| !c.is_uppercase());
    let capital = rest.iter().all(|c| !c.is_lowercase());
    match (first.is_uppercase(), small, capital) {
        // A single letter, too, is a word with a capital first.
        (true, true, _) => capitalised(to),
        (true, _, true) => to.to_uppercase(),
        (false, true, _) => to.to_lowercase(),
        _ => to.to_owned(),
    }
}

fn capitalised(to: &str) -> String {
    let mut seen = false;
    let mut written = String::with_capacity(to.len());
    for c in to.chars() {
        if seen || !c.is_alphabetic() {
            written.extend(c.to_lowercase());
        } else {
            seen = true;
            written.extend(c.to_uppercase());
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::transfer;

    #[test]
    fn the_case_of_what_was_found_is_taken_over() {
        for (found, to, written) in [
            ("FOO", "bar", "BAR"),
            ("Foo", "bar", "Bar"),
            ("foo", "Bar", "bar"),
            ("fOo", "bAr", "bAr"),
            ("F", "bar", "Bar"),
            ("FOO-BAR", "baz qux", "BAZ QUX"),
            ("Foo Bar", "baz", "baz"),
            ("123", "bAr", "bAr"),
            ("Straße", "weg", "Weg"),
            ("STRASSE", "straße", "STRASSE"),
        ] {
            assert_eq!(transfer(found, to), written, "{found} {to}");
        }
    }
}
