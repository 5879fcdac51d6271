//! Any bytes as the document that an endpoint answers with.

#![no_main]

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    clerk_auth::__private::read_jwks_document(document);
});
