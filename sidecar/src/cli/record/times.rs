//! Times that people write and read.

use std::time::{Duration, UNIX_EPOCH};

use time::{
    Date, OffsetDateTime, Time as Clock,
    format_description::well_known::{Iso8601, Rfc3339},
    macros::format_description,
};

use crate::config::Time;

/// A time ago, or a date, in microseconds since 1970.
pub(super) fn past(text: &str) -> Result<i64, String> {
    if let Ok(Time(ago)) = serde_json::from_value(text.into()) {
        return Ok(now().saturating_sub(micros(ago)));
    }
    if let Some(moment) = moment_of(text) {
        return Ok(moment);
    }
    let day = || Date::parse(text, &Iso8601::DATE).ok();
    let moment = day().and_then(|day| micros_of(day.with_time(Clock::MIDNIGHT).assume_utc()));
    moment.ok_or_else(|| "expected a time ago (7d, 12h) or a date (2026-11-28)".to_owned())
}

/// A moment that a program has written, such as `2026-11-28T09:30:00.123Z`, in microseconds since 1970.
pub(super) fn moment_of(text: &str) -> Option<i64> {
    micros_of(OffsetDateTime::parse(text, &Rfc3339).ok()?)
}

fn micros_of(moment: OffsetDateTime) -> Option<i64> {
    i64::try_from(moment.unix_timestamp_nanos() / 1_000).ok()
}

#[allow(
    clippy::disallowed_types,
    reason = "what people call a time ago is a date"
)]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    micros(since.unwrap_or_default())
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A moment, to the second, in UTC.
pub(super) fn moment(at: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let moment = OffsetDateTime::from_unix_timestamp(at / 1_000_000).ok();
    let text = moment.and_then(|moment| moment.format(format).ok());
    text.unwrap_or_else(|| "?".to_owned())
}

/// A time that something took.
pub(super) fn took(micros: i64) -> String {
    match micros {
        micros if micros < 1_000_000 => format!("{} ms", micros / 1_000),
        micros => format!("{}.{} s", micros / 1_000_000, micros / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_ago_are_moments() {
        assert_eq!(past("1970-01-02"), Ok(86_400_000_000));
        assert_eq!(past("1970-01-01T00:00:01Z"), Ok(1_000_000));
        assert_eq!(past("1970-01-01T01:00:01+01:00"), Ok(1_000_000));
        let ago = past("2h").unwrap();
        assert!((now() - ago - 7_200_000_000).abs() < 60_000_000);
        assert!(past("yesterday").is_err());
        assert_eq!(moment(86_400_000_000), "1970-01-02 00:00:00");
    }
}
