//! Expansion of `handler_without_user`.

async fn list(
    _: ::clerk_auth::extract::Authenticated<(), ::clerk_auth::policy::NoRequirement>,
    Query(page): Query<Page>,
) -> Json<Vec<Note>> {
    const _: () = {
        #[allow(unused_imports)]
        use ::clerk_auth::__private::{NotASubject as _, StateWithoutClerk as _};
        #[allow(dead_code)]
        fn __check() {}
    };
    todo!()
}
