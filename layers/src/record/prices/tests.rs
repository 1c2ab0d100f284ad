use super::{super::Tokens, Prices, Rate, table::TABLE};

/// The 28th of November 2026.
const NOW: i64 = 1_795_824_000_000_000;

fn cost(model: &str, tokens: Tokens) -> Option<u64> {
    Prices::published().cost(model, &tokens, NOW)
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens {
        input: Some(input),
        output: Some(output),
        ..Tokens::default()
    }
}

#[test]
fn the_table_is_sound_and_says_when_and_where() {
    let read: Result<super::table::Table, _> = serde_json::from_str(include_str!("table.json"));
    read.unwrap();
    assert_eq!(Prices::found().len(), 10);
    let names: Vec<_> = TABLE.vendors.iter().map(|vendor| &*vendor.name).collect();
    assert_eq!(names, ["Anthropic", "OpenAI"]);
    for vendor in &TABLE.vendors {
        assert!(!vendor.sources.is_empty() && vendor.models.len() > 20);
        for (name, entry) in &vendor.models {
            // Otherwise nothing would ever find it.
            assert_eq!(
                super::name::forms(name).first().map(String::as_str),
                Some(&**name)
            );
            assert!(entry.earlier.is_sorted_by_key(|earlier| earlier.until));
            let price = Prices::published().of(name, NOW).copied().unwrap();
            assert!(price.rates.output > price.rates.input, "{name}");
            assert!(price.rates.cache_read < Some(price.rates.input), "{name}");
        }
    }
}

#[test]
fn each_kind_of_token_costs_what_it_does() {
    let all = Tokens {
        input: Some(1_000_000),
        cache_read: Some(700_000),
        cache_write: Some(200_000),
        cache_write_1h: Some(50_000),
        output: Some(10_000),
        reasoning: Some(9_000),
    };
    // 100k at $5, 700k at $0.50, 150k at $6.25, 50k at $10, 10k at $25; reasoning is output.
    let expected = 500_000 + 350_000 + 937_500 + 500_000 + 250_000;
    assert_eq!(cost("claude-opus-5", all), Some(expected));
    // Whoever caches nothing pays input for it.
    let odd = Tokens {
        cache_write: Some(10),
        ..tokens(100, 0)
    };
    assert_eq!(cost("gpt-5", odd), Some(125));
    // More from the cache than went in at all: nobody is paid for that.
    let absurd = Tokens {
        cache_read: Some(u64::MAX),
        cache_write: Some(u64::MAX),
        ..tokens(1_000, 0)
    };
    assert_eq!(cost("gpt-5", absurd), Some(125));
    assert_eq!(cost("gpt-5", tokens(u64::MAX, u64::MAX)), None);
}

#[test]
fn fractions_are_rounded_once_at_the_end() {
    // 0.005 millionths each.
    let cached = |count| Tokens {
        cache_read: Some(count),
        ..tokens(count, 0)
    };
    assert_eq!(cost("gpt-5-nano", cached(99)), Some(0));
    assert_eq!(cost("gpt-5-nano", cached(100)), Some(1));
    assert_eq!(cost("gpt-5-nano", cached(200_000)), Some(1_000));
}

#[test]
fn what_is_not_known_is_not_free() {
    assert_eq!(cost("claude-opus-9", tokens(1, 1)), None);
    assert_eq!(cost("", tokens(1, 1)), None);
    assert_eq!(cost(&"gpt-5".repeat(100_000), tokens(1, 1)), None);
    for unknown in [
        Tokens {
            output: None,
            ..tokens(1, 1)
        },
        Tokens {
            input: None,
            ..tokens(1, 1)
        },
    ] {
        assert_eq!(cost("gpt-5", unknown), None);
    }
}

#[test]
fn a_model_is_known_by_all_its_names() {
    for (name, plain) in [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-sonnet-4-5",
        ),
        ("anthropic.claude-haiku-5-5", "claude-haiku-5-5"),
        (
            "anthropic.claude-3-5-sonnet-20240620-v1:0",
            "claude-3-5-sonnet",
        ),
        (
            "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-1-20250805-v1:0",
            "claude-opus-4-1",
        ),
        ("claude-opus-4-1@20250805", "claude-opus-4-1"),
        ("anthropic/claude-opus-4.5", "claude-opus-4-5"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("claude-opus-5-5[1m]", "claude-opus-5-5"),
        ("Claude-Opus-5-5", "claude-opus-5-5"),
        ("openai/gpt-5", "gpt-5"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai.gpt-5.6-sol", "gpt-5.6-sol"),
    ] {
        let prices = Prices::published();
        let found = prices.of(name, NOW);
        assert_eq!(found, prices.of(plain, NOW), "{name}");
        assert!(found.is_some(), "{name}");
    }
    for other in [
        "gpt-5-2025",
        "gpt-5-mini-fast",
        "gpt-5:free",
        "claude-sonnet-4-9",
        "my-gpt-5",
        "gpt-5-",
    ] {
        assert_eq!(Prices::published().of(other, NOW), None, "{other}");
    }
}

#[test]
fn long_requests_have_their_own_price() {
    assert_eq!(cost("gpt-6.2-sol", tokens(272_000, 1_000)), Some(554_000));
    assert_eq!(cost("gpt-6.2-sol", tokens(272_001, 1_000)), Some(1_103_004));
    assert_eq!(cost("claude-haiku-5-5", tokens(100_001, 0)), Some(50_001));
}

#[test]
fn a_price_holds_for_its_time() {
    // It fell on the 7th of October 2026.
    let day = 86_400_000_000;
    let fell = NOW - 52 * day;
    let tokens = Tokens {
        cache_read: Some(1_000_000),
        ..tokens(1_000_000, 0)
    };
    let at = |time| Prices::published().cost("claude-sonnet-5-5", &tokens, time);
    assert_eq!(at(fell - 1), Some(200_000));
    assert_eq!(at(fell), Some(100_000));
}

#[test]
fn what_somebody_names_goes_before_what_is_published() {
    let price = |input: &str| super::ModelPrice {
        rates: super::Rates {
            input: input.parse().unwrap(),
            ..super::Rates::default()
        },
        long: None,
    };
    let prices = Prices::published()
        .with("*", price("9"))
        .with("gpt-*", price("2"))
        .with("gpt-5*", price("3"))
        .with("gpt-5-mini", price("0"));
    let input = |model| prices.of(model, NOW).unwrap().rates.input.to_string();
    assert_eq!(input("gpt-5-mini"), "0.00");
    assert_eq!(input("openai/gpt-5-mini-2025-08-07"), "0.00");
    assert_eq!(input("gpt-5-nano"), "3.00");
    assert_eq!(input("gpt-4o"), "2.00");
    assert_eq!(input("claude-opus-5"), "9.00");
    assert_eq!(Prices::default().of("gpt-5", NOW), None);
}

#[test]
fn a_rate_is_an_exact_amount() {
    for (text, shown) in [
        ("3", "3.00"),
        ("0.25", "0.25"),
        ("0.075", "0.075"),
        ("999999.999999", "999999.999999"),
    ] {
        assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        assert_eq!(
            serde_json::from_str::<Rate>(text).unwrap().to_string(),
            shown
        );
    }
    for text in [
        "-1",
        "1000000",
        "0.0000001",
        "1e-9",
        "\"3\"",
        "null",
        "1e300",
    ] {
        assert!(serde_json::from_str::<Rate>(text).is_err(), "{text}");
    }
    for text in ["", ".", "1.", ".5", "+1", "1,5", "NaN", "1 "] {
        assert!(text.parse::<Rate>().is_err(), "{text}");
    }
}
