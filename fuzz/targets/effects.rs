#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| luthien_fuzz::effects::check(data));
