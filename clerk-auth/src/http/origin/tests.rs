//! Origins and issuers, accepted and refused.

use super::*;

#[test]
fn origin_is_accepted_only_as_browsers_send_it() {
    for origin in [
        "https://app.example.com",
        "https://app.example.com:8443",
        "https://xn--bcher-kva.example",
        "https://intranet",
        "http://localhost:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "http://[2001:db8::1]",
        "chrome-extension://abcdefgh",
        "moz-extension://1c2a7f0e-0000-4000-8000-000000000000",
        "capacitor://localhost",
        "app://-",
    ] {
        assert!(is_origin(origin), "{origin}");
    }
    for origin in [
        "",
        "null",
        "*",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://app.example.com:",
        "https://app.example.com:port",
        "https://app.example.com:0443",
        "https://app.example.com:0",
        "https://App.example.com",
        "HTTPS://app.example.com",
        "https://*.example.com",
        "https://user@app.example.com",
        "https://a.example.com https://b.example.com",
        "https://a.example.com,https://b.example.com",
        "https://bücher.example",
        "https://app.example.com\n",
        "https://app.example.com.",
        "https://app..example.com",
        "https://.example.com",
        "https://app.example.com]",
        "[https://app.example.com]",
        "https://[app.example.com]",
        "https://[localhost]:3000",
        "http://[0:0:0:0:0:0:0:1]:3000",
        "http://[::FFFF:7f00:1]",
        "http://[::ffff:127.0.0.1]",
        "http://127.1",
        "http://127.0.0.01",
        "http://0x7f.0.0.1",
        "http://2130706433",
        "file:///index.html",
        "file://host",
        "wss://app.example.com",
        "1https://app.example.com",
        "app.example.com",
        "localhost:3000",
        "://app.example.com",
        "https://",
    ] {
        assert!(!is_origin(origin), "{origin}");
    }
}

#[test]
fn meant_origins_are_found_in_every_list_people_write() {
    for (text, expected) in [
        (r#"["http://localhost:3000"]"#, "http://localhost:3000"),
        (
            r#"["https://a.example", "https://b.example/"]"#,
            "https://a.example,https://b.example",
        ),
        (r#"["http://[::1]:3000"]"#, "http://[::1]:3000"),
        ("[http://[0:0:0:0:0:0:0:1]:3000]", "http://[::1]:3000"),
        (
            "[https://a.example,https://b.example]",
            "https://a.example,https://b.example",
        ),
        (r#""https://a.example""#, "https://a.example"),
        (
            "'https://a.example','https://b.example'",
            "https://a.example,https://b.example",
        ),
        ("https://a.example;", "https://a.example"),
        (
            "https://a.example; https://b.example",
            "https://a.example,https://b.example",
        ),
        (
            "https://a.example\nhttps://b.example\n",
            "https://a.example,https://b.example",
        ),
        (
            r"https://a.example\nhttps://b.example",
            "https://a.example,https://b.example",
        ),
        ("https://a.example|https://a.example/x", "https://a.example"),
        ("HTTPS://A.example:443/path?x#y", "https://a.example"),
        ("https://user:secret@a.example.", "https://a.example"),
        ("//a.example/", "https://a.example"),
        ("a.example", "https://a.example"),
        ("localhost:03000", "http://localhost:3000"),
    ] {
        let found = meant_origins(text).map(|origins| origins.join(","));
        assert_eq!(found.as_deref(), Some(expected), "{text}");
    }
    for text in [
        "",
        " , ",
        "*",
        "https://*.example.com",
        "true",
        "null",
        "[]",
        "https://bücher.example",
        "http://127.1",
    ] {
        assert_eq!(meant_origins(text), None, "{text}");
    }
}

#[test]
fn host_has_at_most_253_characters() {
    let label = "a".repeat(63);
    let host = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(host.len(), 253);
    assert!(is_origin(&format!("https://{host}")));
    assert!(!is_origin(&format!("https://{host}a")));
}

#[test]
fn each_fault_of_an_origin_has_its_reason() {
    for (text, reason) in [
        (" ", "is empty"),
        ("https://*.example.com", "wildcards"),
        (r#"{"a": 1}"#, "JSON"),
        ("[https://a.example]", "JSON"),
        ("'https://a.example'", "quotes"),
        ("https://a.example https://b.example", "separate them"),
        ("https://bücher.example", "ASCII"),
        ("app.example.com", "begins with its scheme"),
        ("[::1]:3000", "begins with its scheme"),
        ("https://a.example/", "without a path"),
        ("https://a.example?", "without a path"),
        ("https://ada@a.example", "user name"),
        ("https://A.example", "lower case"),
        ("https://a.example:443", "in this form"),
    ] {
        assert!(fault(text).contains(reason), "{text}: {}", fault(text));
    }
    assert_eq!(
        meant_origins("[::1]:3000")
            .map(|origins| origins.join(","))
            .as_deref(),
        Some("http://[::1]:3000")
    );
}

#[test]
fn issuer_is_an_origin_and_the_path_of_a_proxy() {
    for url in [
        "https://clerk.example.com",
        "https://clever-fox-1.clerk.accounts.dev",
        "https://app.example.com/__clerk",
        "https://app.example.com/api/__clerk",
        "http://LOCALHOST:3000/dev",
    ] {
        assert!(is_issuer(url), "{url}");
    }
    for (url, meant) in [
        ("https://Clerk.Example.com", Some("https://clerk.example.com")),
        ("https://clerk.example.com:443", Some("https://clerk.example.com")),
        ("clerk.example.com", Some("https://clerk.example.com")),
        (
            r#""https://clerk.example.com""#,
            Some("https://clerk.example.com"),
        ),
        (
            r#"["https://clerk.example.com/__clerk"]"#,
            Some("https://clerk.example.com/__clerk"),
        ),
        (
            "https://app.example.com//__clerk/",
            Some("https://app.example.com/__clerk"),
        ),
        (
            "https://app.example.com/__clerk?x=y",
            Some("https://app.example.com/__clerk"),
        ),
        (
            "https://clerk.example.com/.well-known/jwks.json",
            Some("https://clerk.example.com"),
        ),
        ("https://fox.accounts.dev", Some("https://fox.clerk.accounts.dev")),
        ("https://api.clerk.com", None),
        ("https://a.example,https://b.example", None),
        ("https://*.clerk.accounts.dev", None),
        ("/__clerk", None),
        ("http://clerk.example.com", None),
        ("", None),
    ] {
        assert!(!is_issuer(url), "{url}");
        assert_eq!(meant_issuer(url).as_deref(), meant, "{url}");
    }
}
