//! Uses any bytes as the document of a JWKS endpoint.

#![no_main]

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    clerk_auth::__private::read_jwks_document(document);
});
