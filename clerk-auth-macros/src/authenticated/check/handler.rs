//! The parts of a handler other than its user: the other parameters and the return type.

use syn::{Attribute, FnArg, ReturnType, Signature, Type};

use crate::argument::{self, Argument};
use crate::authenticated::model::{Extractor, Subject};
use crate::authenticated::subject::{is_value, mentions_impl};

/// Returns the parameters that are not the user. Returns none if one is behind `#[cfg]`, because the last parameter is
/// then unknown.
pub(crate) fn extractors(signature: &Signature, subject: &Subject) -> Vec<Extractor> {
    let user = usize::from(matches!(subject, Subject::Parameter(_) | Subject::Refused(_)));
    let count = signature.inputs.len();
    let is_conditional = |attributes: &[Attribute]| {
        let mut attributes = attributes.iter();
        attributes.any(|it| it.path().is_ident("cfg") || it.path().is_ident("cfg_attr"))
    };
    let mut extractors = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(typed) = input else {
            return Vec::new();
        };
        if is_conditional(&typed.attrs) {
            return Vec::new();
        }
        if index >= user && is_value(&typed.ty) && !mentions_impl(&typed.ty) {
            extractors.push(Extractor {
                ty: (*typed.ty).clone(),
                index,
                is_last: index + 1 == count,
            });
        }
    }
    extractors
}

/// Returns the return type, unless it is certainly a response or has no name.
pub(crate) fn returned(signature: &Signature) -> Option<Type> {
    let ReturnType::Type(_, ty) = &signature.output else {
        return None;
    };
    let is_text = matches!(&**ty, Type::Reference(reference)
        if matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str")));
    (!is_text && is_value(ty) && !mentions_impl(ty)).then(|| (**ty).clone())
}

/// Removes axum's `#[debug_handler]`, which this attribute replaces, and returns its `state`. The generated code still
/// names the removed paths, so that their imports count as used.
pub(crate) fn without_debug_handler(attributes: &mut Vec<Attribute>) -> (Vec<syn::Path>, Option<Type>) {
    let mut removed = Vec::new();
    let mut state = None;
    attributes.retain(|attribute| {
        let path = attribute.path();
        let is_debug_handler = path
            .segments
            .last()
            .is_some_and(|last| last.ident == "debug_handler");
        if is_debug_handler {
            removed.push(path.clone());
            let arguments = match &attribute.meta {
                syn::Meta::List(list) => list.parse_args_with(argument::separated).unwrap_or_default(),
                _ => Vec::new(),
            };
            for argument in arguments {
                if let Argument::Type(key, ty) = argument
                    && key == "state"
                {
                    state = Some(ty);
                }
            }
        }
        !is_debug_handler
    });
    (removed, state)
}
