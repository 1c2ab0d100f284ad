use std::fmt::Write;

/// A Markdown table whose first `names` columns are words, the others figures.
pub(crate) fn table(head: &[&str], names: usize, rows: Vec<Vec<String>>) -> String {
    let head: Vec<_> = head.iter().map(|&name| name.to_owned()).collect();
    let rows: Vec<_> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for (line, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            // Writing into a string does not fail.
            if column < names {
                write!(text, "| {cell:width$} ").ok();
            } else {
                write!(text, "| {cell:>width$} ").ok();
            }
        }
        text.push_str("|\n");
        if line == 0 {
            text.push_str(&"|---".repeat(names));
            text.push_str(&"|--:".repeat(row.len().saturating_sub(names)));
            text.push_str("|\n");
        }
    }
    text
}
