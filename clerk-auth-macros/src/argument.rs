//! Arguments of attributes: one grammar for all, and slots that report duplicates.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Token, Type};

use crate::diag::{Diagnostics, with_help};
use crate::suggest;

/// `"text"`, `word`, `key = value`, `key = Type` or `key(arguments)`.
pub(crate) enum Argument {
    Literal(Lit),
    Word(Ident),
    Value(Ident, Expr),
    /// `state` and `policy` name types.
    Type(Ident, Type),
    List(Ident, Vec<Argument>),
}

impl Argument {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Literal(literal) => literal.span(),
            Self::Word(key) | Self::Value(key, _) | Self::Type(key, _) | Self::List(key, _) => key.span(),
        }
    }

    /// The key as the user spells it.
    pub(crate) fn key(&self) -> Option<&Ident> {
        match self {
            Self::Literal(_) => None,
            Self::Word(key) | Self::Value(key, _) | Self::Type(key, _) | Self::List(key, _) => Some(key),
        }
    }
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Lit) {
            return Ok(Self::Literal(input.parse()?));
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error(with_help(
                "an argument begins with its name",
                "write `name`, `name = value` or `name(…)`",
            )));
        }
        let key = Ident::parse_any(input)?;
        if input.peek(Token![:]) || input.peek(Token![==]) || input.peek(Token![=>]) || input.peek(Token![!=])
        {
            return Err(input.error(with_help(
                format!("expected `=` after `{key}`"),
                format!("write `{key} = …`"),
            )));
        }
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            if input.is_empty() || input.peek(Token![,]) {
                return Err(syn::Error::new(
                    key.span(),
                    with_help(format!("`{key}` has no value"), format!("write `{key} = …`")),
                ));
            }
            let is_type = ["state", "policy", "row_policy", "user", "organization"]
                .iter()
                .any(|named| key == named);
            if is_type && !input.peek(Lit) {
                let ty = input.parse()?;
                if input.peek(syn::token::Paren) || input.peek(syn::token::Brace) {
                    return Err(input.error(with_help(
                        format!("`{key}` expects a type, found a value"),
                        format!("write `{key} = …` with the name of the type alone"),
                    )));
                }
                return Ok(Self::Type(key, ty));
            }
            return Ok(Self::Value(key, input.parse()?));
        }
        if input.peek(syn::token::Bracket) || input.peek(syn::token::Brace) {
            return Err(input.error(with_help(
                format!("the arguments of `{key}` are in parentheses"),
                format!("write `{key}(…)`"),
            )));
        }
        if input.peek(syn::token::Paren) {
            let content;
            syn::parenthesized!(content in input);
            return Ok(Self::List(key, separated(&content)?));
        }
        Ok(Self::Word(key))
    }
}

/// Parses arguments with commas between them, and an optional trailing comma.
pub(crate) fn separated(input: ParseStream<'_>) -> syn::Result<Vec<Argument>> {
    let mut arguments = Vec::new();
    while !input.is_empty() {
        arguments.push(input.parse()?);
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error(with_help(
                "a comma is missing before this",
                "write a comma between two arguments",
            )));
        }
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(arguments)
}

/// Unwraps the invisible parentheses that a `macro_rules!` macro puts around a value that it passes on.
pub(crate) fn bare(mut value: &Expr) -> &Expr {
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    value
}

/// Parses the arguments of `#[name(…)]`; `form` is an example of the correct attribute.
pub(crate) fn arguments(attribute: &Attribute, form: &str, diagnostics: &mut Diagnostics) -> Vec<Argument> {
    let parsed = match &attribute.meta {
        Meta::List(list) if list.tokens.is_empty() => Err(syn::Error::new_spanned(
            &list.path,
            with_help("this attribute needs arguments", format!("write `{form}`")),
        )),
        Meta::List(list) => list.parse_args_with(separated),
        Meta::Path(path) => Err(syn::Error::new_spanned(
            path,
            with_help("this attribute needs arguments", format!("write `{form}`")),
        )),
        Meta::NameValue(pair) => Err(syn::Error::new_spanned(
            &pair.path,
            with_help("expected arguments in parentheses", format!("write `{form}`")),
        )),
    };
    match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            diagnostics.push(error);
            Vec::new()
        }
    }
}

/// Reports an argument whose key is not among `known`.
pub(crate) fn unknown(argument: &Argument, owner: &str, known: &[&str], diagnostics: &mut Diagnostics) {
    let Some(key) = argument.key() else {
        diagnostics.error_at(
            argument.span(),
            with_help(
                format!("`{owner}` does not accept a string literal here"),
                format!("the arguments are {}", list(known)),
            ),
        );
        return;
    };
    let help = match suggest::nearest(&key.to_string(), known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the arguments are {}", list(known)),
    };
    diagnostics.error(key, with_help(format!("`{owner}` has no argument `{key}`"), help));
}

/// Joins words as `` `a`, `b` and `c` ``.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Returns the string literal of an argument. Reports anything else with the correct form.
pub(crate) fn text(argument: &Argument, form: &str, diagnostics: &mut Diagnostics) -> Option<LitStr> {
    if let Argument::Value(_, value) = argument
        && let Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) = bare(value)
    {
        return Some(text.clone());
    }
    let (span, key) = match argument {
        Argument::Value(key, value) => (value.span(), key),
        Argument::Word(key) | Argument::Type(key, _) | Argument::List(key, _) => (key.span(), key),
        Argument::Literal(literal) => {
            diagnostics.error_at(
                literal.span(),
                with_help("the string literal has no key", format!("write `{form}`")),
            );
            return None;
        }
    };
    diagnostics.error_at(
        span,
        with_help(
            format!("`{key}` expects a string literal"),
            format!("write `{form}`"),
        ),
    );
    None
}

/// A slot for one value; a second value is reported under its key.
pub(crate) struct Slot<T> {
    /// The span of the key, and the value if it is valid.
    given: Option<(Span, Option<T>)>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { given: None }
    }
}

impl<T> Slot<T> {
    pub(crate) fn set(&mut self, key: &Ident, value: Option<T>, diagnostics: &mut Diagnostics) {
        if self.given.is_some() {
            diagnostics.error(
                key,
                with_help(format!("`{key}` is given twice"), "remove one of them"),
            );
        } else {
            self.given = Some((key.span(), value));
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.given.as_ref().and_then(|(_, value)| value.as_ref())
    }

    /// Returns the span of the key.
    pub(crate) fn span(&self) -> Option<Span> {
        self.given.as_ref().map(|(span, _)| *span)
    }

    /// Returns whether the key is present, even with an invalid value.
    pub(crate) fn is_set(&self) -> bool {
        self.given.is_some()
    }
}

/// Yields the attributes of this name.
pub(crate) fn named<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a Attribute> {
    attributes
        .iter()
        .filter(move |attribute| attribute.path().is_ident(name))
}
