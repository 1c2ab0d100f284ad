use std::{env, fs, path::PathBuf};

use serde_json::Value;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// What criterion has written down.
pub(crate) struct Measured {
    folder: PathBuf,
}

impl Measured {
    /// The folder that criterion uses.
    pub(crate) fn open() -> Self {
        let default = || PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/../criterion"));
        Self {
            folder: env::var_os("CRITERION_HOME").map_or_else(default, PathBuf::from),
        }
    }

    /// How many nanoseconds each variant of a case takes, divided by its elements if it has any: the median, which does
    /// not move when a few samples are disturbed.
    pub(crate) fn times<const N: usize>(
        &self,
        group: &str,
        case: &str,
        variants: [&str; N],
    ) -> Result<[f64; N], Failure> {
        let mut times = [0.0; N];
        for (time, variant) in times.iter_mut().zip(variants) {
            let folder = self.folder.join(group).join(case).join(variant).join("new");
            let read = |file: &str| -> Result<Value, Failure> {
                let text = fs::read(folder.join(file)).map_err(|error| {
                    format!("{group}, {case}, {variant} is not measured: {error}")
                })?;
                Ok(serde_json::from_slice(&text)?)
            };
            let median = read("estimates.json")?
                .pointer("/median/point_estimate")
                .and_then(Value::as_f64);
            let elements = read("benchmark.json")?
                .pointer("/throughput/Elements")
                .and_then(Value::as_f64);
            *time = median
                .ok_or("criterion writes its estimates otherwise than this reads them")?
                / elements.unwrap_or(1.0);
        }
        Ok(times)
    }
}
