//! Expansion of `handler_without_user`.

async fn list(
    _: <(
        (),
        ::clerk_auth::policy::NoRequirement,
    ) as ::clerk_auth::__private::Policed>::Guard,
    Query(
        page,
    ): <(
        Query<Page>,
        [(); {
            let _ = || {
                #[allow(unused_imports)]
                use ::clerk_auth::__private::ask::*;
                let __it = ::clerk_auth::__private::Parameter::<
                    Query<Page>,
                    ::clerk_auth::__private::AnyState,
                >::NEW
                    .ask_parts()
                    .ask_body()
                    .ask_state();
                <_ as ::clerk_auth::__private::Readable>::check(__it.unread::<Page>());
            };
            0
        }],
    ) as ::clerk_auth::__private::CheckedType>::It,
) -> <(
    Json<Vec<Note>>,
    [(); {
        let _ = || {
            #[allow(unused_imports)]
            use ::clerk_auth::__private::ask::*;
            let __returned = ::clerk_auth::__private::Returned::<Json<Vec<Note>>>::NEW
                .ask_response();
            let __value = __returned.ask_value().ask_response().ask_content();
            <_ as ::clerk_auth::__private::Response>::check(__value.data());
            <_ as ::clerk_auth::__private::Writable>::check(
                __value.unwritten::<Vec<Note>>(),
            );
            <_ as ::clerk_auth::__private::AxumResponse>::check(
                __value
                    .foreign_response(
                        ::clerk_auth::__private::Data::<Vec<Note>>::NEW.ask_written(),
                    ),
            );
            <_ as ::clerk_auth::__private::ErrorResponse>::check(
                __returned.ask_error().ask_response().unanswered(),
            );
        };
        0
    }],
) as ::clerk_auth::__private::CheckedType>::It {
    todo!()
}
