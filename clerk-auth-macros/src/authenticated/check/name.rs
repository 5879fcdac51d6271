//! Checks the spelling of roles, permissions, features and plans.

use syn::LitStr;

use crate::diag::with_help;

/// The capacity of the runtime crate's `Text` in bytes.
const MAX_BYTES: usize = 128;

/// Explains why a text cannot be a name: it has several names, a wildcard, whitespace or control characters, or is too
/// long.
pub(crate) fn unusable(name: &str, key: &str) -> Option<String> {
    let (message, help) = if name.contains([',', '|']) {
        (
            format!("`{key}` expects one name"),
            format!(r#"for one of several, write `any({key} = "…", {key} = "…")`"#),
        )
    } else if name.contains('*') {
        (
            "wildcards are not supported".to_owned(),
            "to require only a signed-in user, write `#[authenticated]` without arguments".to_owned(),
        )
    } else if name.contains(char::is_whitespace) {
        (
            format!("`{name}` contains a space, and a {key} never does"),
            format!(
                r#"write `{key} = "{}"`"#,
                name.split_whitespace()
                    .collect::<Vec<_>>()
                    .join("_")
                    .replace(":_", ":")
            ),
        )
    } else if name.contains(char::is_control) {
        (
            format!(
                "`{}` contains a control character, and a {key} never does",
                name.escape_debug()
            ),
            "remove the control character".to_owned(),
        )
    } else if name.len() > MAX_BYTES {
        (
            format!("the {key} has {} bytes, of at most {MAX_BYTES}", name.len()),
            format!("copy the name of the {key} from Clerk's dashboard"),
        )
    } else {
        return None;
    };
    Some(with_help(message, help))
}

pub(crate) fn role(text: &LitStr) -> Option<String> {
    let role = text.value();
    if role.is_empty() {
        return Some(with_help("the role has no name", r#"write `role = "org:admin"`"#));
    }
    match role.strip_prefix("org:") {
        Some(name) if !name.is_empty() && !name.contains(':') => None,
        Some(_) => Some(with_help(
            format!("`{role}` is not a role"),
            r#"a role is `org:` and a name: `"org:admin"`"#,
        )),
        None => Some(with_help(
            format!("the role `{role}` lacks its prefix"),
            format!(r#"write `role = "org:{role}"`"#),
        )),
    }
}

pub(crate) fn permission(text: &LitStr) -> Option<String> {
    let permission = text.value();
    let parts: Vec<&str> = permission.split(':').collect();
    let named = |parts: &[&str]| parts.iter().all(|part| !part.is_empty());
    match parts.as_slice() {
        ["org", feature, _] if feature.starts_with("sys_") => Some(with_help(
            format!("session tokens do not contain the system permission `{permission}`"),
            "require a role, or a custom permission such as `\"org:billing:manage\"`",
        )),
        ["org", rest @ ..] if rest.len() == 2 && named(rest) => None,
        rest if rest.len() == 2 && named(rest) && rest[0] != "org" => Some(with_help(
            format!("the permission `{permission}` lacks its prefix"),
            format!(r#"write `permission = "org:{permission}"`"#),
        )),
        _ => Some(with_help(
            format!("`{permission}` is not a permission"),
            r#"a permission is `org:`, a feature and an action: `"org:billing:manage"`"#,
        )),
    }
}

pub(crate) fn scoped(text: &LitStr) -> Option<String> {
    let value = text.value();
    let name = match value.split_once(':') {
        None => value.as_str(),
        Some(("o" | "org" | "organization" | "u" | "user", name)) => name,
        Some(_) => "",
    };
    (name.is_empty() || name.contains(':')).then(|| {
        with_help(
            format!("`{value}` is not a name"),
            r#"write a name, such as `"reports"`, or with a scope: `"org:reports"`, `"user:reports"`"#,
        )
    })
}
