#[path = "cpu_time.rs"]
mod cpu_time;

use std::time::Duration;

use criterion::Criterion;

pub(crate) use cpu_time::CpuTime;

/// How long a figure is warmed up for.
pub(crate) const WARM_UP: Duration = Duration::from_millis(300);

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Many figures in a few minutes: it is neighbours that are compared. The command line goes before.
pub(crate) fn criterion() -> Criterion<CpuTime> {
    Criterion::default()
        .with_measurement(CpuTime)
        .warm_up_time(WARM_UP)
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
        .nresamples(2_000)
        .without_plots()
        .configure_from_args()
}
