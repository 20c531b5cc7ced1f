#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tabraft_fuzz::backup(data));
