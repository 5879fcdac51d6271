//! Expansion of `handler_without_user`.

async fn list(
    _: ::clerk_auth::extract::Authenticated<(), ::clerk_auth::policy::NoRequirement>,
    Query(page): Query<Page>,
) -> Json<Vec<Note>> {
    const _: () = {
        #[allow(unused_imports)]
        use ::clerk_auth::__private::ask::*;
        fn __check() {
            {
                let __it = ::clerk_auth::__private::Parameter::<
                    Query<Page>,
                    ::clerk_auth::__private::AnyState,
                >::NEW
                    .ask_parts()
                    .ask_body()
                    .ask_state();
                <_ as ::clerk_auth::__private::Readable>::check(__it.unread::<Page>());
            }
            {
                let __returned = ::clerk_auth::__private::Returned::<
                    Json<Vec<Note>>,
                >::NEW
                    .ask_response();
                let __value = __returned.ask_value().ask_response().ask_content();
                <_ as ::clerk_auth::__private::Response>::check(__value.data());
                <_ as ::clerk_auth::__private::Writable>::check(
                    __value.unwritten::<Vec<Note>>(),
                );
                <_ as ::clerk_auth::__private::ErrorResponse>::check(
                    __returned.ask_error().ask_response().unanswered(),
                );
            }
        }
    };
    todo!()
}
