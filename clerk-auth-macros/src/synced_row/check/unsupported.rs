//! Types of fields that rustc always rejects, and types that no row can hold.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, GenericArgument, Ident, PathArguments, Type};

use crate::diag::{Diagnostics, with_help};
use crate::replace::replace_idents;

/// A fault of a type that does not depend on the column.
enum Fault {
    /// rustc reports the fault on the struct itself.
    Refused(Span, &'static str),
    /// rustc accepts the type in the last field.
    Unsized(&'static str),
    /// rustc accepts the type, but no value of it can be read from a row.
    Borrowed(String),
}

/// Returns whether the field cannot be a column. Then this function or rustc reports the field.
pub(crate) fn is_refused(ty: &Type, user: &Ident, is_last: bool, diagnostics: &mut Diagnostics) -> bool {
    match fault(ty, user) {
        None => return false,
        Some(Fault::Refused(span, what)) => {
            diagnostics.leave_to_rustc(span, with_help(what, "name the type of one value"));
        }
        Some(Fault::Unsized(_)) if !is_last => {
            diagnostics.leave_to_rustc(ty.span(), "a field needs a type with a known size");
        }
        Some(Fault::Unsized(instead)) => diagnostics.error(
            ty,
            with_help(
                format!("`{}` has no known size, and a column needs one", spelled(ty)),
                instead,
            ),
        ),
        Some(Fault::Borrowed(instead)) => diagnostics.error(
            ty,
            with_help(
                format!("`{}` is borrowed, and a row owns its values", spelled(ty)),
                instead,
            ),
        ),
    }
    true
}

/// Returns whether the type is or contains the struct itself; rustc cannot resolve bounds on such a type.
pub(crate) fn is_itself(ty: &Type, user: &Ident) -> bool {
    match ty {
        Type::Group(group) => is_itself(&group.elem, user),
        Type::Paren(paren) => is_itself(&paren.elem, user),
        Type::Array(array) => is_itself(&array.elem, user),
        Type::Tuple(tuple) => tuple.elems.iter().any(|ty| is_itself(ty, user)),
        Type::Path(path) if path.path.is_ident_of(&["Option"]) => match &path.path.segments[0].arguments {
            PathArguments::AngleBracketed(arguments) => {
                matches!(arguments.args.first(), Some(GenericArgument::Type(ty)) if is_itself(ty, user))
            }
            _ => false,
        },
        Type::Path(path) => path.path.is_ident(user) || path.path.is_ident("Self"),
        _ => false,
    }
}

/// Returns the type without the space that quoting inserts after each token.
fn spelled(ty: &Type) -> String {
    let mut text = ty.to_token_stream().to_string();
    for (wide, narrow) in [("& ", "&"), (" < ", "<"), (" >", ">"), (" :: ", "::")] {
        text = text.replace(wide, narrow);
    }
    text
}

fn fault(ty: &Type, user: &Ident) -> Option<Fault> {
    match ty {
        Type::Group(group) => fault(&group.elem, user),
        Type::Paren(paren) => fault(&paren.elem, user),
        Type::Slice(_) => Some(Fault::Unsized("write `Vec<_>`")),
        Type::TraitObject(_) => Some(Fault::Unsized("name the type that implements the trait")),
        Type::Path(path) if path.path.is_ident("str") => Some(Fault::Unsized("write `String`")),
        Type::Reference(reference) if reference.lifetime.as_ref().is_some_and(|it| it.ident == "static") => {
            let owned = match &*reference.elem {
                Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
                owned => spelled(owned),
            };
            Some(Fault::Borrowed(format!("write `{owned}`")))
        }
        ty => refused(ty, user),
    }
}

/// Returns a fault for which rustc rejects the type of any field.
fn refused(ty: &Type, user: &Ident) -> Option<Fault> {
    let refused = |what| Some(Fault::Refused(ty.span(), what));
    match ty {
        Type::Infer(_) => refused("a field's type cannot be inferred"),
        Type::ImplTrait(_) => refused("a field cannot be `impl Trait`"),
        Type::Never(_) => refused("`!` has no values"),
        Type::Group(group) => self::refused(&group.elem, user),
        Type::Paren(paren) => self::refused(&paren.elem, user),
        Type::Reference(reference) => self::refused(&reference.elem, user),
        Type::Ptr(pointer) => self::refused(&pointer.elem, user),
        Type::Slice(slice) => self::refused(&slice.elem, user),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(|ty| self::refused(ty, user)),
        Type::Array(array) => match &array.len {
            Expr::Infer(_) => refused("an array's length cannot be inferred in a field"),
            _ => self::refused(&array.elem, user),
        },
        Type::Macro(made) if makes_a_value(&made.mac.path) => {
            refused("this macro expands to a value, not to a type")
        }
        Type::Path(path) if path.path.is_ident(user) => refused("a row cannot contain itself"),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return None;
            };
            let binds = |argument: &GenericArgument| matches!(argument, GenericArgument::AssocType(_));
            if arguments.args.iter().any(binds) {
                return refused("a trait is not a type");
            }
            let holds_values = path.path.is_ident_of(&["Option", "Vec"]);
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(Type::Path(inner))
                    if inner.path.is_ident(user) && last.ident != "Option" =>
                {
                    None
                }
                GenericArgument::Type(ty) => self::refused(ty, user).or_else(|| match fault(ty, user) {
                    Some(Fault::Unsized(_)) if holds_values => {
                        refused("the content of an `Option` or a `Vec` needs a known size")
                    }
                    _ => None,
                }),
                _ => None,
            })
        }
        _ => None,
    }
}

/// Returns whether the path is an expression macro of the standard library or of serde_json. rustc reports each use of
/// such a macro in a type.
fn makes_a_value(path: &syn::Path) -> bool {
    path.segments.last().is_some_and(|last| {
        [
            "concat",
            "env",
            "format",
            "include_str",
            "json",
            "stringify",
            "vec",
        ]
        .iter()
        .any(|name| last.ident == name)
    })
}

trait IsIdentOf {
    fn is_ident_of(&self, names: &[&str]) -> bool;
}

impl IsIdentOf for syn::Path {
    fn is_ident_of(&self, names: &[&str]) -> bool {
        self.segments.len() == 1 && names.iter().any(|name| self.segments[0].ident == name)
    }
}

/// Replaces `Self` in a type by the struct's name. `Self` would mean another type in generated code.
pub(crate) fn without_self(ty: Type, user: &Ident) -> Type {
    let named = replace_idents(ty.to_token_stream(), &|ident| {
        (ident == "Self").then(|| Ident::new(&user.to_string(), ident.span()).into_token_stream())
    });
    named.and_then(|named| syn::parse2(named).ok()).unwrap_or(ty)
}
