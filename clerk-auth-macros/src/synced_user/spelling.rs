//! What the spelling of a type or a field tells: enough to choose a message by, and never what a type is.

use syn::{GenericArgument, PathArguments, Type};

/// Whether the type, or what stands in its `Option`, is spelled as one of these.
pub(super) fn is_called(ty: &Type, names: &[&str]) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    path.path.segments.last().is_some_and(|last| {
        let inside = match &last.arguments {
            PathArguments::AngleBracketed(arguments) if last.ident == "Option" => arguments.args.first(),
            _ => None,
        };
        names.iter().any(|name| last.ident == name)
            || matches!(inside, Some(GenericArgument::Type(inside)) if is_called(inside, names))
    })
}

/// Whether the type is spelled as `Box<str>` or `Arc<str>`.
pub(super) fn is_text_behind_a_pointer(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|last| match &last.arguments {
            PathArguments::AngleBracketed(arguments) if last.ident == "Arc" || last.ident == "Box" => {
                matches!(arguments.args.first(), Some(GenericArgument::Type(inside)) if is_called(inside, &["str"]))
            }
            _ => false,
        })
}

/// Whether the type is one of the prelude's that a column can have.
pub(super) fn is_prelude(ty: &Type) -> bool {
    const KNOWN: [&str; 12] = [
        "bool", "f32", "f64", "i16", "i32", "i64", "i8", "u16", "u32", "u64", "u8", "String",
    ];
    let Type::Path(path) = ty else {
        return false;
    };
    let (None, [segment]) = (&path.qself, &*path.path.segments.iter().collect::<Vec<_>>()) else {
        return false;
    };
    match &segment.arguments {
        PathArguments::None => KNOWN.iter().any(|known| segment.ident == known),
        PathArguments::AngleBracketed(arguments) if segment.ident == "Option" => {
            matches!(arguments.args.first(), Some(GenericArgument::Type(ty)) if is_prelude(ty))
                && arguments.args.len() == 1
        }
        _ => false,
    }
}

/// What teams call the column of the Clerk user id, where not `clerk_id`.
pub(super) fn looks_like_key(field_name: &str) -> bool {
    let letters: String = field_name.chars().filter(|letter| *letter != '_').collect();
    [
        "authid",
        "clerkid",
        "clerkuser",
        "clerkuserid",
        "externalid",
        "subject",
        "uid",
        "userid",
    ]
    .contains(&letters.to_lowercase().as_str())
}
