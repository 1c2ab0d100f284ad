//! A page of which parts are generated: each stands between its own two marks.

use std::{fs, io};

/// Puts a part into a page, in place of what it said before.
pub(crate) fn put(page: &str, part: &str, text: &str) -> io::Result<()> {
    let old = fs::read_to_string(page)?;
    let (begin, end) = (
        format!("<!-- {part}: begin -->\n"),
        format!("<!-- {part}: end -->"),
    );
    let parts = old
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) =
        parts.ok_or_else(|| io::Error::other(format!("{page} has no place for {part}")))?;
    let machine = machine();
    fs::write(
        page,
        format!("{before}{begin}\n{text}\n{machine}\n\n{end}{after}"),
    )
}

/// What it was measured on, in a sentence that names no host.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let (arch, system) = (std::env::consts::ARCH, std::env::consts::OS);
    format!("Measured with {cores} cores of {model}, {arch}, {system}.")
}
