//! How fast text is searched for secrets and personal data, in which there are none: prose, code, and a conversation of an
//! agent, a mebibyte of each.

#[path = "support/settings.rs"]
mod settings;

use std::{fs, hint::black_box, path::Path};

use criterion::{BenchmarkId, Throughput};
use luthien::policy::detect::{Class, Classes, Detector};
use settings::{Failure, criterion};

const LENGTH: usize = 1 << 20;

fn main() -> Result<(), Failure> {
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("detect");
    for (name, files) in [
        (
            "prose",
            &["docs/policies.md", "docs/performance.md", "README.md"][..],
        ),
        (
            "code",
            &[
                "src/json/view.rs",
                "layers/src/policy/judge.rs",
                "src/gate/parse.rs",
            ],
        ),
        (
            "conversation",
            &["tests/fixtures/captures/claude-code-tool-loop.json"],
        ),
    ] {
        let text = text(files)?;
        let kinds: [(&str, Classes); 3] = [
            ("secrets", Classes::secrets()),
            ("personal data", Classes::personal()),
            ("both", Class::ALL.into_iter().collect()),
        ];
        for (kind, classes) in kinds {
            let detector = Detector::new(classes);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new(name, kind), |bencher| {
                bencher.iter(|| black_box(detector.find(black_box(&text))));
            });
        }
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// What these files say, without the lines in which something is found, over and over.
fn text(files: &[&str]) -> Result<String, std::io::Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let detector = Detector::new(Class::ALL.into_iter().collect());
    let mut once = String::new();
    for file in files {
        let read = fs::read_to_string(root.join(file))?;
        // A recorded conversation has long lines, in which line ends are escaped.
        for line in read
            .split_inclusive('\n')
            .flat_map(|line| line.split_inclusive("\\n"))
        {
            if detector.find(line).is_empty() {
                once.push_str(line);
            }
        }
    }
    let times = LENGTH / once.len().max(1) + 1;
    let mut text = once.repeat(times);
    text.truncate(text.floor_char_boundary(LENGTH));
    Ok(text)
}
