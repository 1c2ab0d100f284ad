//! The whole stack against the gates alone, and against no layer at all. `scripts/bench` runs it and makes the table.

mod support;

use luthien::{gate, identity::IdentityLayer, stack::Stack};
use luthien_core::Dialect;
use support::{Failure, cases, measure};
use tower::{Layer, layer::util::Identity as NoLayer};

fn main() -> Result<(), Failure> {
    // For the clock of deadlines; nothing runs on it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let _inside = runtime.enter();
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("stack");
    for case in cases(&Dialect::ALL) {
        measure(&mut group, "nothing", &case, case.provider())?;
        let gates = gate(NoLayer::new()).layer(case.provider());
        measure(&mut group, "gates", &case, gates)?;
        let stack = Stack::new(IdentityLayer::passthrough())
            .with_rate(support::rates(true))
            .layer(case.provider());
        measure(&mut group, "stack", &case, stack)?;
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
