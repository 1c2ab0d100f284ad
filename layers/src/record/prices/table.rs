//! What is known without anybody saying it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Deserializer, de::Error};

use super::ModelPrice;

/// The prices that vendors publish, as of when they were looked up.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // It is sound: a test has read it.
    serde_json::from_str(include_str!("table.json")).unwrap_or_default()
});

#[derive(Debug, Default, Deserialize)]
pub(super) struct Table {
    /// When they were looked up.
    pub(super) found: Box<str>,
    pub(super) vendors: Vec<Vendor>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Vendor {
    #[cfg(test)]
    pub(super) name: Box<str>,
    /// Where they were found.
    #[cfg(test)]
    pub(super) sources: Vec<Box<str>>,
    pub(super) models: BTreeMap<Box<str>, Entry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    now: ModelPrice,
    /// What it cost before, the earliest first.
    #[serde(default)]
    pub(super) earlier: Vec<Earlier>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Earlier {
    /// The day on which that ended, in microseconds since 1970.
    #[serde(deserialize_with = "day")]
    pub(super) until: i64,
    #[serde(flatten)]
    price: ModelPrice,
}

impl Table {
    /// What a model of one of these names cost at a time.
    pub(super) fn price(&self, forms: &[String], at: i64) -> Option<&ModelPrice> {
        let models = |form: &String| {
            let mut vendors = self.vendors.iter();
            vendors.find_map(|vendor| vendor.models.get(form.as_str()))
        };
        let entry = forms.iter().find_map(models)?;
        let earlier = entry.earlier.iter().find(|earlier| at < earlier.until);
        Some(earlier.map_or(&entry.now, |earlier| &earlier.price))
    }
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = Box::<str>::deserialize(deserializer)?;
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let mut part = || parts.next().flatten();
    let (Some(year), Some(month), Some(day)) = (part(), part(), part()) else {
        return Err(D::Error::custom("a day such as 2026-11-28 is expected"));
    };
    // Years that begin in March: the odd day comes last.
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let of_years = 365 * year + year / 4 - year / 100 + year / 400;
    let days = of_years + (153 * month + 2) / 5 + day - 1 - 719_468;
    Ok(days * 86_400_000_000)
}
