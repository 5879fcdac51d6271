//! Inspects the spelling of a type or a field. The spelling only selects a message, and never determines the type.

use syn::{GenericArgument, PathArguments, Type};

/// Returns whether the type, or the content of its `Option`, is spelled as one of these.
pub(crate) fn is_called(ty: &Type, names: &[&str]) -> bool {
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

/// A type of another crate that a feature of clerk-auth supports as a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Feature {
    pub(crate) ty: &'static str,
    pub(crate) name: &'static str,
    pub(crate) is_enabled: bool,
}

const FEATURES: [Feature; 4] = [
    Feature {
        ty: "DateTime",
        name: "chrono",
        is_enabled: cfg!(feature = "chrono"),
    },
    Feature {
        ty: "OffsetDateTime",
        name: "time",
        is_enabled: cfg!(feature = "time"),
    },
    Feature {
        ty: "Url",
        name: "url",
        is_enabled: cfg!(feature = "url"),
    },
    Feature {
        ty: "Uuid",
        name: "uuid",
        is_enabled: cfg!(feature = "uuid"),
    },
];

/// Returns the feature of the type, or of the content of its `Option`, by the type's name.
pub(crate) fn feature_of(ty: &Type) -> Option<Feature> {
    FEATURES.into_iter().find(|feature| is_called(ty, &[feature.ty]))
}

impl Feature {
    /// Explains how to enable the feature of a type, unless the feature is enabled.
    pub(crate) fn note(self) -> Option<String> {
        let Self { ty, name, is_enabled } = self;
        (!is_enabled).then(|| {
            format!("for `{ty}` of the crate `{name}`, enable the feature `{name}`: `cargo add clerk-auth --features {name}`")
        })
    }
}

/// Returns whether the type is spelled as `Box<str>` or `Arc<str>`.
pub(crate) fn is_text_behind_a_pointer(ty: &Type) -> bool {
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

/// Returns whether the type is a type of the prelude that a column can have.
pub(crate) fn is_prelude(ty: &Type) -> bool {
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

/// Returns whether a field has a common name of the Clerk user id, other than `clerk_id`.
pub(crate) fn looks_like_key(field_name: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::{FEATURES, Feature, feature_of};

    #[test]
    fn type_of_another_crate_names_its_feature() {
        for (ty, expected) in [
            (parse_quote!(uuid::Uuid), Some("uuid")),
            (parse_quote!(Option<Uuid>), Some("uuid")),
            (parse_quote!(DateTime<Utc>), Some("chrono")),
            (
                parse_quote!(Option<chrono::DateTime<chrono::Utc>>),
                Some("chrono"),
            ),
            (parse_quote!(time::OffsetDateTime), Some("time")),
            (parse_quote!(Url), Some("url")),
            (parse_quote!(String), None),
            (parse_quote!(UuidOfMine), None),
            (parse_quote!(&'static str), None),
        ] {
            assert_eq!(feature_of(&ty).map(|feature| feature.name), expected);
        }
    }

    #[test]
    fn missing_feature_is_noted() {
        for feature in FEATURES {
            assert_eq!(
                Feature {
                    is_enabled: true,
                    ..feature
                }
                .note(),
                None
            );
            let note = Feature {
                is_enabled: false,
                ..feature
            }
            .note()
            .expect("a note");
            assert!(
                note.ends_with(&format!("`cargo add clerk-auth --features {}`", feature.name)),
                "{note}"
            );
        }
    }
}
