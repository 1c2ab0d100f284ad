#![no_main]

use luthien_core::Dialect;

libfuzzer_sys::fuzz_target!(|data: &[u8]| luthien_fuzz::reply::check(Dialect::Anthropic, data));
