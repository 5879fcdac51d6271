//! A template as data, and its evaluation over Clerk's user object.
//!
//! The derive parses the template once, at compile time, and emits it as these constants; nothing parses it again at
//! run time. Semantics follow Clerk's documentation, "JWT templates".

use serde_json::{Map, Value};

use crate::lenient::{Node, UnreadableValue};

/// One claim of a session-token template.
///
/// The derive makes them: `User::TEMPLATE` lists those of a struct, for a test that fills a token with them or asks what a
/// token holds.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let names: Vec<&str> = User::TEMPLATE.iter().map(|claim| claim.name).collect();
/// assert_eq!(names, ["email", "firstName", "lastName", "imageUrl", "updatedAt"]);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TemplateClaim {
    /// The claim's name, a top-level key of the template.
    pub name: &'static str,
    /// What the claim is made of.
    pub expression: Expression,
}

/// The value of a claim, as the template writes it.
///
/// ```
/// use clerk_auth::claim::{Expression, Literal};
/// use serde_json::json;
///
/// // {{user.first_name || 'friend'}}
/// const NAME: Expression =
///     Expression::Chain(&[Expression::Shortcode("user.first_name"), Expression::Literal(Literal::Text("friend"))]);
///
/// assert_eq!(NAME.evaluate(&json!({ "first_name": "Ada" })), Some(json!("Ada")));
/// assert_eq!(NAME.evaluate(&json!({ "first_name": null })), Some(json!("friend")));
/// assert_eq!(Expression::Shortcode("org.name").evaluate(&json!({})), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expression {
    /// A value without a shortcode.
    Literal(Literal),
    /// `{{user.first_name}}` alone: the value keeps its JSON type. The path is without the braces.
    Shortcode(&'static str),
    /// `{{a || b || 'c'}}`: the first operand that is neither null nor false, else the last.
    Chain(&'static [Expression]),
    /// Shortcodes inside a longer text: always text.
    Interpolation(&'static [Expression]),
    /// A nested object.
    Object(&'static [(&'static str, Expression)]),
    /// A nested array.
    Array(&'static [Expression]),
}

/// A static value of a template.
///
/// ```
/// use clerk_auth::claim::{Expression, Literal};
/// use serde_json::json;
///
/// let claim = Expression::Object(&[("beta", Expression::Literal(Literal::Boolean(true)))]); // {"beta": true}
/// assert_eq!(claim.evaluate(&json!({})), Some(json!({ "beta": true })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Number(f64),
    /// Text without a shortcode.
    Text(&'static str),
}

impl Expression {
    /// The claim for a user as the Backend API and webhooks describe one; `None` if the value depends on something that
    /// is not part of a user (`org.*`, `session.*`), or would be a text with the word `null` in it where the user has no
    /// value (Clerk's documentation, "JWT templates"): the derive refuses templates in which that can happen, and an API that leaves out a member
    /// must not make it happen.
    pub fn evaluate(&self, user: &Value) -> Option<Value> {
        self.evaluate_lenient(Node::readable(user)).ok().flatten()
    }

    /// As [`evaluate`](Self::evaluate) does, for a user of whom parts may be unreadable.
    ///
    /// # Errors
    ///
    /// [`UnreadableValue`] if the claim depends on such a part.
    pub(crate) fn evaluate_lenient(&self, user: Node<'_>) -> Result<Option<Value>, UnreadableValue> {
        match self {
            Self::Literal(literal) => Ok(Some(literal.to_json())),
            Self::Shortcode(path) => shortcode(path, user),
            Self::Chain(operands) => chain(operands, user),
            Self::Interpolation(parts) => {
                let mut text = String::new();
                for part in *parts {
                    match part.evaluate_lenient(user)? {
                        None | Some(Value::Null) => return Ok(None),
                        Some(Value::String(part)) => text.push_str(&part),
                        Some(other) => text.push_str(&other.to_string()),
                    }
                }
                Ok(Some(Value::String(text)))
            }
            Self::Object(members) => members
                .iter()
                .map(|(name, member)| {
                    Ok(member
                        .evaluate_lenient(user)?
                        .map(|value| ((*name).to_owned(), value)))
                })
                .collect::<Result<Option<Map<_, _>>, _>>()
                .map(|members| members.map(Value::Object)),
            Self::Array(elements) => elements
                .iter()
                .map(|element| element.evaluate_lenient(user))
                .collect::<Result<Option<Vec<_>>, _>>()
                .map(|elements| elements.map(Value::Array)),
        }
    }
}

impl Literal {
    fn to_json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => value.into(),
            Self::Integer(value) => value.into(),
            Self::Number(value) => value.into(),
            Self::Text(value) => value.into(),
        }
    }
}

fn chain(operands: &[Expression], user: Node<'_>) -> Result<Option<Value>, UnreadableValue> {
    let mut last = Value::Null;
    for operand in operands {
        let Some(value) = operand.evaluate_lenient(user)? else {
            return Ok(None);
        };
        last = value;
        if !matches!(last, Value::Null | Value::Bool(false)) {
            break;
        }
    }
    Ok(Some(last))
}

/// What each shortcode of a user reads from the user object of the Backend API and of webhooks (Clerk's documentation,
/// "JWT templates"). The derive has a table of the same names with their kinds; a test compares the two.
const SHORTCODES: [(&str, Read); 16] = [
    ("user.id", |user| value(user, "id")),
    ("user.first_name", |user| value(user, "first_name")),
    ("user.last_name", |user| value(user, "last_name")),
    ("user.full_name", full_name),
    ("user.username", |user| value(user, "username")),
    ("user.external_id", |user| value(user, "external_id")),
    ("user.primary_email_address", |user| {
        primary(
            user,
            "email_addresses",
            "primary_email_address_id",
            "email_address",
        )
    }),
    ("user.primary_phone_number", |user| {
        primary(user, "phone_numbers", "primary_phone_number_id", "phone_number")
    }),
    ("user.primary_web3_wallet", |user| {
        primary(user, "web3_wallets", "primary_web3_wallet_id", "web3_wallet")
    }),
    ("user.created_at", |user| seconds(user.get("created_at"))),
    ("user.updated_at", |user| seconds(user.get("updated_at"))),
    ("user.email_verified", |user| {
        any_verified(user, "email_addresses")
    }),
    ("user.phone_number_verified", |user| {
        any_verified(user, "phone_numbers")
    }),
    ("user.two_factor_enabled", |user| {
        value(user, "two_factor_enabled")
    }),
    ("user.image_url", |user| value(user, "image_url")),
    ("user.has_image", |user| value(user, "has_image")),
];

/// Reads a value from the user object.
type Read = fn(Node<'_>) -> Result<Value, UnreadableValue>;

/// The names of [`SHORTCODES`].
#[doc(hidden)]
pub fn shortcodes() -> impl Iterator<Item = &'static str> {
    SHORTCODES.iter().map(|(name, _)| *name)
}

fn shortcode(path: &str, user: Node<'_>) -> Result<Option<Value>, UnreadableValue> {
    match SHORTCODES.iter().find(|(name, _)| *name == path) {
        Some((_, read)) => read(user).map(Some),
        None => match path.strip_prefix("user.") {
            Some(path) => metadata(path, user),
            None => Ok(None),
        },
    }
}

fn value(user: Node<'_>, name: &str) -> Result<Value, UnreadableValue> {
    user.get(name).whole().cloned()
}

/// Seconds in a claim, milliseconds in the API.
fn seconds(milliseconds: Node<'_>) -> Result<Value, UnreadableValue> {
    let milliseconds = milliseconds.whole()?.as_i64();
    Ok(milliseconds.map_or(Value::Null, |milliseconds| milliseconds.div_euclid(1_000).into()))
}

fn full_name(user: Node<'_>) -> Result<Value, UnreadableValue> {
    let (first, last) = (user.get("first_name").whole()?, user.get("last_name").whole()?);
    let parts: Vec<&str> = [first, last]
        .iter()
        .filter_map(|part| part.as_str())
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        Ok(Value::Null)
    } else {
        Ok(parts.join(" ").into())
    }
}

/// The API has no `primary_email_address`: the id is looked up in the list, and may be null beside a list that is not
/// empty (the Backend API reference, "User").
fn primary(user: Node<'_>, list: &str, id: &str, field: &str) -> Result<Value, UnreadableValue> {
    let Some(id) = user.get(id).whole()?.as_str() else {
        return Ok(Value::Null);
    };
    for entry in user.get(list).elements()? {
        if entry.get("id").whole()? == id {
            return value(entry, field);
        }
    }
    Ok(Value::Null)
}

/// Clerk's `email_verified` says that some address is verified, not that the primary one is ("JWT templates").
fn any_verified(user: Node<'_>, list: &str) -> Result<Value, UnreadableValue> {
    let mut is_known = true;
    for entry in user.get(list).elements()? {
        match entry.get("verification").get("status").whole() {
            Ok(status) if status == "verified" => return Ok(true.into()),
            Ok(_) => {}
            Err(UnreadableValue) => is_known = false,
        }
    }
    is_known.then(|| false.into()).ok_or(UnreadableValue)
}

fn metadata(path: &str, user: Node<'_>) -> Result<Option<Value>, UnreadableValue> {
    let mut steps = path.split('.');
    let Some(root @ ("public_metadata" | "unsafe_metadata")) = steps.next() else {
        return Ok(None);
    };
    let value = steps.fold(user.get(root), Node::get);
    value.whole().cloned().map(Some)
}
