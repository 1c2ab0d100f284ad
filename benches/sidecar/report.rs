//! Figures, and what they are worth.

use std::{fmt, io};

use super::page;

/// All that was measured.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
}

/// One measurement, made several times in turns: of the bare proxy, and of Luthien.
pub(crate) struct Row {
    name: String,
    verdict: Verdict,
    target: f64,
    pairs: Vec<[f64; 2]>,
}

/// What the target is about.
#[derive(Clone, Copy)]
enum Verdict {
    /// Luthien's figure divided by the bare proxy's of the same round.
    Ratio,
    /// What Luthien adds to the bare proxy's figure of the same round.
    Difference,
    /// Luthien's figure alone.
    Limit,
}

impl Row {
    pub(crate) fn ratio(name: String, target: f64) -> Self {
        Self {
            name,
            verdict: Verdict::Ratio,
            target,
            pairs: Vec::new(),
        }
    }

    pub(crate) fn difference(name: String, target: f64) -> Self {
        Self {
            name,
            verdict: Verdict::Difference,
            target,
            pairs: Vec::new(),
        }
    }

    pub(crate) fn limit(name: String, target: f64) -> Self {
        Self {
            name,
            verdict: Verdict::Limit,
            target,
            pairs: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, pair: [f64; 2]) {
        self.pairs.push(pair);
    }

    fn median(&self, of: impl Fn(&[f64; 2]) -> f64) -> f64 {
        let mut figures: Vec<_> = self.pairs.iter().map(of).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn cells(&self) -> [String; 5] {
        let [bare, luthien] =
            [0, 1].map(|place| self.median(|pair| pair.get(place).copied().unwrap_or(f64::NAN)));
        let (figure, text) = match self.verdict {
            Verdict::Ratio => {
                let ratio = self.median(|[bare, luthien]| luthien / bare);
                (ratio, format!("{ratio:.2} times"))
            }
            Verdict::Difference => {
                let difference = self.median(|[bare, luthien]| luthien - bare);
                (difference, format!("{difference:+.0}"))
            }
            Verdict::Limit => (luthien, String::new()),
        };
        let target = match self.verdict {
            _ if self.target.is_nan() => String::new(),
            Verdict::Ratio => format!("≤ {} times", self.target),
            Verdict::Difference => format!("≤ +{}", self.target),
            Verdict::Limit => format!("≤ {}", self.target),
        };
        let missed = if figure > self.target {
            " (missed)"
        } else {
            ""
        };
        [
            self.name.clone(),
            number(bare),
            number(luthien),
            text,
            format!("{target}{missed}"),
        ]
    }
}

fn number(figure: f64) -> String {
    if figure.is_nan() {
        String::new()
    } else {
        format!("{figure:.1}")
    }
}

/// A Markdown table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["", "bare proxy", "Luthien", "", "to reach"].map(str::to_owned);
        let rows: Vec<_> = [head]
            .into_iter()
            .chain(self.rows.iter().map(Row::cells))
            .collect();
        for (place, row) in rows.iter().enumerate() {
            let [name, bare, luthien, figure, target] = row;
            writeln!(
                f,
                "| {name:64} | {bare:>10} | {luthien:>8} | {figure:>10} | {target:20} |"
            )?;
            if place == 0 {
                writeln!(f, "|---|--:|--:|--:|---|")?;
            }
        }
        Ok(())
    }
}

impl Report {
    /// Puts the table into a file, between its marks.
    pub(crate) fn write(&self, path: &str) -> io::Result<()> {
        page::put(path, "sidecar", &self.to_string())
    }
}
