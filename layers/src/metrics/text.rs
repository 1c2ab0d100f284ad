//! From `OpenMetrics` to the text format that Prometheus has always read.

/// The same metrics. The older format has no units and no end, and names a counter as its samples are named.
pub(super) fn prometheus(open_metrics: &str) -> String {
    let kinds = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let named: Vec<_> = kinds
        .filter_map(|kind| match kind.split_once(' ')? {
            (name, "counter") => Some((name, "_total")),
            (name, "info") => Some((name, "_info")),
            _ => None,
        })
        .collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        if line.starts_with("# UNIT") || line == "# EOF" {
            continue;
        }
        // `# HELP name …` and `# TYPE name …`.
        let mut words = line.splitn(4, ' ');
        let meta = (words.next(), words.next(), words.next(), words.next());
        let told = match meta {
            (Some("#"), Some(mark), Some(name), Some(rest)) => {
                let suffix = named.iter().find(|(other, _)| *other == name);
                suffix.map(|(_, suffix)| {
                    let rest = if (mark, rest) == ("TYPE", "info") {
                        "gauge"
                    } else {
                        rest
                    };
                    format!("# {mark} {name}{suffix} {rest}")
                })
            }
            _ => None,
        };
        text.push_str(told.as_deref().unwrap_or(line));
        text.push('\n');
    }
    text
}
