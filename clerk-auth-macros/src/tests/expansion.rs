//! Writes the macros' output to files for reading, and checks that the output does not depend on names in the user's
//! scope.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::Visit;

use crate::synced_row::RowKind;

/// Compares an expansion with `snapshots/<name>.rs`, or writes the file if `UPDATE_SNAPSHOTS` is set.
fn assert_snapshot(name: &str, expansion: TokenStream) {
    let file: syn::File = syn::parse2(expansion).expect("the expansion is Rust");
    let mut foreign = Foreign::default();
    foreign.visit_file(&file);
    assert_eq!(
        foreign.0, [""; 0],
        "{name}: paths that the user's scope could change"
    );
    let found = format!("//! Expansion of `{name}`.\n\n{}", prettyplease::unparse(&file));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/tests/snapshots/{name}.rs"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &found).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "run with UPDATE_SNAPSHOTS=1 and read the difference"
    );
}

/// Collects paths of several segments that are neither absolute nor begin with a name that the expansion defines.
#[derive(Default)]
struct Foreign(Vec<String>);

impl<'ast> Visit<'ast> for Foreign {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let first = path
            .segments
            .first()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default();
        let own = first.starts_with("__") || ["Self", "diagnostic"].contains(&first.as_str());
        if path.leading_colon.is_none() && path.segments.len() > 1 && !own {
            self.0.push(quote!(#path).to_string());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_own = matches!(&item.tree, syn::UseTree::Path(path) if path.ident == "__clerk_auth");
        if item.leading_colon.is_none() && !is_own {
            self.0.push(quote!(#item).to_string());
        }
    }
}

#[test]
fn user_expands_to_its_snapshot() {
    assert_snapshot(
        "user",
        crate::synced_row::expand(
            RowKind::User,
            quote! {
                #[synced_user(table = "users", database(postgres, sqlite))]
                pub struct User {
                    #[column(generated)]
                    pub id: i64,
                    pub clerk_id: String,
                    pub email: Option<String>,
                    #[claim(default)]
                    pub first_name: String,
                    #[claim(insert_only)]
                    pub image_url: String,
                    #[column(app)]
                    pub credits: i64,
                }
            },
        ),
    );
}

#[test]
fn user_with_tombstones_expands_to_its_snapshot() {
    assert_snapshot(
        "user_with_tombstones",
        crate::synced_row::expand(
            RowKind::User,
            quote! {
                #[synced_user(
                    table = "accounts.users",
                    tombstones = "accounts.clerk_tombstones",
                    database(postgres, sqlite),
                    allow(unused_claims)
                )]
                pub struct User {
                    #[column(generated)]
                    pub id: i64,
                    pub email: Option<String>,
                    pub clerk_id: String,
                }
            },
        ),
    );
}

#[test]
fn user_with_a_template_expands_to_its_snapshot() {
    assert_snapshot(
        "user_with_template",
        crate::synced_row::expand(
            RowKind::User,
            quote! {
                #[synced_user(
                    table = "accounts.users",
                    database(sqlite),
                    template_json = r#"{"mail": "{{user.primary_email_address || 'none'}}", "since": "{{user.created_at}}"}"#,
                    version = "iat",
                )]
                struct Member {
                    #[claim("sub")]
                    subject: String,
                    #[claim(parse)]
                    mail: Address,
                    #[column(name = "select")]
                    since: i64,
                    #[column(updated_at)]
                    changed: Moment,
                }
            },
        ),
    );
}

#[test]
fn handler_with_a_user_expands_to_its_snapshot() {
    assert_snapshot(
        "handler_with_user",
        crate::authenticated::expand(
            quote!(
                role = "org:admin",
                any(permission = "org:billing:manage", plan = PRO)
            ),
            quote! {
                /// Removes an account.
                #[cfg(feature = "removal")]
                pub async fn remove(mut user: User, State(state): State<AppState>) -> StatusCode {
                    done()
                }
            },
        ),
    );
}

#[test]
fn handler_without_a_user_expands_to_its_snapshot() {
    assert_snapshot(
        "handler_without_user",
        crate::authenticated::expand(
            TokenStream::new(),
            quote! {
                async fn list(Query(page): Query<Page>) -> Json<Vec<Note>> {
                    todo!()
                }
            },
        ),
    );
}

#[test]
fn handler_keeps_its_body_to_the_letter() {
    let body = quote!(let a b = ;);
    let expansion = crate::authenticated::expand(
        TokenStream::new(),
        quote!(#[axum::debug_handler] async fn broken(user: User) { #![allow(unused)] #body }),
    );
    let expansion = expansion.to_string();
    assert!(expansion.contains(&format!("{body} }}")));
    assert!(expansion.contains("{ # ! [allow (unused)] const"), "{expansion}");
}

#[test]
fn crate_path_replaces_the_name_of_the_crate() {
    for path in [quote!("crate::vendor::auth"), quote!(crate::vendor::auth)] {
        let user = crate::synced_row::expand(
            RowKind::User,
            quote! {
                #[synced_user(crate = #path, table = "users", database(postgres), tombstones = "former")]
                struct User { clerk_id: String }
            },
        );
        let handler = crate::authenticated::expand(
            quote!(crate = #path, role = "org:admin"),
            quote!(
                async fn me(user: User) -> ::clerk_auth::Reply {
                    ::clerk_auth::reply(user)
                }
            ),
        );
        let (user, handler) = (user.to_string(), handler.to_string());
        assert!(!user.contains(":: clerk_auth"), "{user}");
        assert!(
            user.contains("use crate :: vendor :: auth as __clerk_auth ;"),
            "{user}"
        );
        assert!(
            handler.contains("crate :: vendor :: auth :: __private :: Requires"),
            "{handler}"
        );
        // Paths in the user's own code stay unchanged.
        assert!(handler.contains(":: clerk_auth :: reply (user)"), "{handler}");
        assert_eq!(handler.matches(":: clerk_auth").count(), 3, "{handler}");
    }
}

#[test]
fn crate_path_of_another_form_is_one_error() {
    for value in [
        quote!(crate),
        quote!(crate = 7),
        quote!(crate = "not a path"),
        quote!(crate = "Vec<u8>"),
        quote!(crate = ""),
        quote!(crate = clerk()),
        quote!(crate = <A as B>::c),
        quote!(crate("clerk")),
    ] {
        let user = crate::synced_row::expand(
            RowKind::User,
            quote! {
                #[synced_user(#value, table = "users", database(postgres))]
                struct User { clerk_id: String }
            },
        );
        let handler = crate::authenticated::expand(
            value.clone(),
            quote!(
                async fn me(user: User) -> User {
                    user
                }
            ),
        );
        for code in [user, handler] {
            let code = code.to_string();
            let message = "`crate` expects the path of the crate clerk-auth";
            assert_eq!(code.matches(message).count(), 1, "{value}: {code}");
            assert_eq!(code.matches("compile_error").count(), 1, "{value}: {code}");
        }
    }
    let twice = crate::synced_row::expand(
        RowKind::User,
        quote! {
            #[synced_user(crate = "a", crate = "b", table = "users", database(postgres))]
            struct User { clerk_id: String }
        },
    );
    assert!(twice.to_string().contains("`crate` is given twice"), "{twice}");
}
