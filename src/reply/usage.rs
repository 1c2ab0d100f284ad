use crate::json::Json;

/// Tokens of one exchange, counted alike for all dialects. `None` is unknown, not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All tokens that went in, those from and to the provider's cache included. (Anthropic reports the three apart.)
    pub input: Option<u64>,
    /// All tokens that came out, reasoning included.
    pub output: Option<u64>,
    /// Of the input, what the provider had cached.
    pub cache_read: Option<u64>,
    /// Of the input, what the provider put into its cache.
    pub cache_write: Option<u64>,
    /// Of that, what it keeps there for an hour; that costs more.
    pub cache_write_1h: Option<u64>,
    /// Of the output, what was spent on reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Takes over what `later` knows. Providers report running totals: a later number replaces, it does not add.
    pub fn update(&mut self, later: &Self) {
        for (field, later) in [
            (&mut self.input, later.input),
            (&mut self.output, later.output),
            (&mut self.cache_read, later.cache_read),
            (&mut self.cache_write, later.cache_write),
            (&mut self.cache_write_1h, later.cache_write_1h),
            (&mut self.reasoning, later.reasoning),
        ] {
            *field = later.or(*field);
        }
    }

    pub(crate) fn anthropic(usage: Json<'_>) -> Self {
        let number = |name| usage.get(name).and_then(|number| number.as_u64());
        let (read, write) = (
            number("cache_read_input_tokens"),
            number("cache_creation_input_tokens"),
        );
        let hour = usage.get("cache_creation");
        let hour = hour.and_then(|cache| cache.get("ephemeral_1h_input_tokens")?.as_u64());
        let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
        Self {
            input: number("input_tokens").map(|fresh| fresh.saturating_add(cached)),
            output: number("output_tokens"),
            cache_read: read,
            cache_write: write,
            cache_write_1h: hour,
            reasoning: None,
        }
    }

    pub(crate) fn chat(usage: Json<'_>) -> Self {
        Self::openai(usage, "prompt_tokens", "completion_tokens")
    }

    pub(crate) fn responses(usage: Json<'_>) -> Self {
        Self::openai(usage, "input_tokens", "output_tokens")
    }

    fn openai(usage: Json<'_>, input: &str, output: &str) -> Self {
        let number = |name| usage.get(name).and_then(|number| number.as_u64());
        let detail = |of: &str, name| usage.get(&format!("{of}_details"))?.get(name)?.as_u64();
        Self {
            input: number(input),
            output: number(output),
            cache_read: detail(input, "cached_tokens"),
            cache_write: detail(input, "cache_write_tokens"),
            cache_write_1h: None,
            reasoning: detail(output, "reasoning_tokens"),
        }
    }
}
