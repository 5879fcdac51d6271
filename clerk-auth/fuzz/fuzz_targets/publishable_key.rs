//! Uses any text as a publishable key: it is refused, or gives an issuer that is an origin.

#![no_main]

use clerk_auth::Clerk;

libfuzzer_sys::fuzz_target!(|key: &str| {
    if let Ok(clerk) = Clerk::builder().publishable_key(key).build() {
        let host = clerk.issuer().strip_prefix("https://").expect("an origin");
        assert!(host.contains('.') && !host.contains(['/', '?', '#', '@', ' ', '$']), "{host}");
    }
});
