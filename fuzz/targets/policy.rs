#![no_main]

use luthien_core::Dialect;

// Every dialect reads the same bytes: what is a reply in one is nonsense in the others, and must do no harm either.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for dialect in Dialect::ALL {
        luthien_fuzz::policy::check(dialect, data);
    }
});
