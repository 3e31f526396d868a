#![no_main]

#[path = "../../tests/fuzz/laws.rs"]
#[expect(dead_code, reason = "each target searches for one law")]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::any_file(bytes));
