//! The names of environment variables: those that are read, Clerk's others, and names similar to the first.

/// The variables that this library reads.
const READ: [&str; 7] = [
    "CLERK_API_URL",
    "CLERK_AUTHORIZED_PARTIES",
    "CLERK_JWT_KEY",
    "CLERK_PROXY_URL",
    "CLERK_PUBLISHABLE_KEY",
    "CLERK_SECRET_KEY",
    "CLERK_WEBHOOK_SIGNING_SECRET",
];

/// The variables that start-up requires, or without which more tokens are accepted than the operator intended.
const NEEDED: [&str; 2] = ["CLERK_AUTHORIZED_PARTIES", "CLERK_PUBLISHABLE_KEY"];

/// Clerk's other variables for a back end, and the reasons why they have no effect here.
const UNSUPPORTED: [(&str, &str); 8] = [
    (
        "CLERK_API_VERSION",
        "it calls the version of the Backend API that it was written for",
    ),
    (
        "CLERK_DOMAIN",
        "satellite domains are not supported, and tokens must name the issuer of CLERK_PUBLISHABLE_KEY or CLERK_PROXY_URL",
    ),
    (
        "CLERK_IS_SATELLITE",
        "satellite domains are not supported, and tokens must name the issuer of CLERK_PUBLISHABLE_KEY or CLERK_PROXY_URL",
    ),
    ("CLERK_MACHINE_SECRET_KEY", "machine tokens are not supported"),
    ("CLERK_ENCRYPTION_KEY", "it is for Clerk's Next.js middleware"),
    ("CLERK_API_KEY", "it is the earlier name of CLERK_SECRET_KEY"),
    ("CLERK_FRONTEND_API", "CLERK_PUBLISHABLE_KEY has replaced it"),
    (
        "CLERK_WEBHOOK_SECRET",
        "the signing secret of webhooks is read from CLERK_WEBHOOK_SIGNING_SECRET",
    ),
];

/// Clerk's variables for front ends (Clerk's documentation, "Clerk environment variables").
const OF_FRONT_ENDS: [&str; 19] = [
    "CLERK_AFTER_SIGN_IN_URL",
    "CLERK_AFTER_SIGN_OUT_URL",
    "CLERK_AFTER_SIGN_UP_URL",
    "CLERK_FAPI",
    "CLERK_JS",
    "CLERK_JS_URL",
    "CLERK_JS_VARIANT",
    "CLERK_JS_VERSION",
    "CLERK_KEYLESS_DISABLED",
    "CLERK_SIGN_IN_FALLBACK_REDIRECT_URL",
    "CLERK_SIGN_IN_FORCE_REDIRECT_URL",
    "CLERK_SIGN_IN_URL",
    "CLERK_SIGN_UP_FALLBACK_REDIRECT_URL",
    "CLERK_SIGN_UP_FORCE_REDIRECT_URL",
    "CLERK_SIGN_UP_URL",
    "CLERK_TELEMETRY_DEBUG",
    "CLERK_TELEMETRY_DISABLED",
    "CLERK_UI_URL",
    "CLERK_UI_VERSION",
];

/// A variable that is set but not read, although its name suggests otherwise.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Ignored<'a> {
    /// A variable of Clerk's without effect here.
    Unsupported { name: &'a str, reason: &'static str },
    /// Most likely a misspelling of `meant`. `refused` if the application must not start without `meant`.
    Misspelt {
        name: &'a str,
        meant: &'static str,
        refused: bool,
    },
}

/// Returns the reason why a variable has no effect, if its name resembles that of an effective one. `is_set` checks
/// other variables.
pub(super) fn ignored<'a>(name: &'a str, value: &str, is_set: impl Fn(&str) -> bool) -> Option<Ignored<'a>> {
    if READ.contains(&name) {
        return None;
    }
    if let Some((_, reason)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
        let is_default = match name {
            // The path of every version of the Backend API.
            "CLERK_API_VERSION" => value == "v1",
            "CLERK_IS_SATELLITE" => ["false", "0"].contains(&value),
            "CLERK_WEBHOOK_SECRET" => is_set("CLERK_WEBHOOK_SIGNING_SECRET"),
            "CLERK_API_KEY" => is_set("CLERK_SECRET_KEY"),
            "CLERK_FRONTEND_API" => is_set("CLERK_PUBLISHABLE_KEY"),
            _ => false,
        };
        return (!is_default).then_some(Ignored::Unsupported { name, reason });
    }
    if OF_FRONT_ENDS.contains(&name) {
        let reason = "it is for front ends, and has no effect here";
        return Some(Ignored::Unsupported { name, reason });
    }
    let meant = nearest(name)?;
    let is_meant_set = is_set(meant);
    // `CLERK_SECRET_KEY_2` next to `CLERK_SECRET_KEY` is the application's own.
    if is_meant_set && name.starts_with(meant) {
        return None;
    }
    Some(Ignored::Misspelt {
        name,
        meant,
        refused: !is_meant_set && NEEDED.contains(&meant),
    })
}

/// Returns the variable that a misspelt name most likely means. At most one letter in six may differ. The name must
/// begin with `CLERK`, so that variables of front ends and other programs are ignored.
fn nearest(name: &str) -> Option<&'static str> {
    let first = name.split(['_', '-', '.']).next().unwrap_or_default();
    let begins = letters(first).starts_with(&letters("CLERK")) || distance(first, "CLERK") <= 1;
    READ.into_iter()
        .map(|known| (distance(name, known), known))
        .filter(|(distance, known)| begins && *distance <= letters(known).chars().count() / 6)
        .min()
        .map(|(_, known)| known)
}

/// Returns the edit distance with transpositions, without regard to case or separators.
fn distance(left: &str, right: &str) -> usize {
    strsim::osa_distance(&letters(left), &letters(right))
}

fn letters(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '_' | '-' | '.'))
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_found_and_others_are_left_alone() {
        for (name, meant) in [
            ("CLERK_AUTHORISED_PARTIES", "CLERK_AUTHORIZED_PARTIES"),
            ("CLERK_AUTHORIZED_PARTY", "CLERK_AUTHORIZED_PARTIES"),
            ("CLERK_AUTHORIZEDPARTIES", "CLERK_AUTHORIZED_PARTIES"),
            ("CLERK_PUBLISHABLEKEY", "CLERK_PUBLISHABLE_KEY"),
            ("CLERK_PUBLISHIBLE_KEY", "CLERK_PUBLISHABLE_KEY"),
            ("CLREK_PUBLISHABLE_KEY", "CLERK_PUBLISHABLE_KEY"),
            ("CLERK_JTW_KEY", "CLERK_JWT_KEY"),
            ("CLERK_JWT_KEYS", "CLERK_JWT_KEY"),
            ("clerk_secret_key", "CLERK_SECRET_KEY"),
            ("CLERK-SECRET-KEY", "CLERK_SECRET_KEY"),
            ("CLERK_SECERT_KEY", "CLERK_SECRET_KEY"),
            ("CLERK_PROXYURL", "CLERK_PROXY_URL"),
            ("CLERK_API_URI", "CLERK_API_URL"),
            ("CLERK_WEBHOOKS_SIGNING_SECRET", "CLERK_WEBHOOK_SIGNING_SECRET"),
        ] {
            assert_eq!(nearest(name), Some(meant), "{name}");
        }
        for name in [
            "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY",
            "NEXT_PUBLIC_CLERK_PROXY_URL",
            "VITE_CLERK_WEBHOOK_SIGNING_SECRET",
            "PUBLIC_CLERK_API_URL",
            "MY_CLERK_JWT_KEY",
            "CLERK_ORG_ID",
            "CLERK_TEST_USER",
            "CLERK_KEY",
            "CLERK",
            "CLERK_",
            "_",
            "",
            "SECRET_KEY",
            "DATABASE_URL",
            "BLACK_SECRET_KEY",
        ] {
            assert_eq!(nearest(name), None, "{name}");
        }
    }

    #[test]
    fn own_variable_beside_the_right_one_is_left_alone() {
        let with = |set: &'static [&str]| move |name: &str| set.contains(&name);
        for (name, value, set, expected) in [
            ("CLERK_SECRET_KEY_2", "x", &["CLERK_SECRET_KEY"][..], false),
            ("CLERK_SECRET_KEY_2", "x", &[], true),
            ("CLERK_SECERT_KEY", "x", &["CLERK_SECRET_KEY"], true),
            ("CLERK_API_VERSION", "v1", &[], false),
            ("CLERK_API_VERSION", "2025-04-10", &[], true),
            ("CLERK_IS_SATELLITE", "false", &[], false),
            ("CLERK_IS_SATELLITE", "true", &[], true),
            ("CLERK_DOMAIN", "example.com", &[], true),
            ("CLERK_SIGN_IN_URL", "/sign-in", &[], true),
            ("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", "x", &[], false),
            ("NEXT_PUBLIC_CLERK_SIGN_IN_URL", "x", &[], false),
            ("CLERK_JWT_KEY", "x", &[], false),
        ] {
            assert_eq!(
                ignored(name, value, with(set)).is_some(),
                expected,
                "{name} beside {set:?}"
            );
        }
    }
}
