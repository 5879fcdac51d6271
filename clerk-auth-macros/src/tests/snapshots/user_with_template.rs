//! Expansion of `user_with_template`.

const _: () = {
    use ::clerk_auth as __clerk_auth;
    #[allow(unused_imports)]
    use __clerk_auth::{
        __private, claim as __claim,
        __private::{
            JsonNotNull as _, KindClauses as _, NotCopied as _, Same as __Same,
            UnheldClaim as _, UnstoredColumn as _, Unshared as _, UnstoredColumns as _,
        },
    };
    #[doc(hidden)]
    #[allow(non_camel_case_types)]
    pub struct __MemberClaims {
        pub subject: String,
        pub mail: Address,
        pub since: i64,
    }
    #[allow(dead_code, non_camel_case_types)]
    type __Type_mail = Address;
    #[allow(dead_code, non_camel_case_types)]
    type __Type_changed = Moment;
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot hold the claim `mail`",
        label = "`mail` is `{{{{user.primary_email_address || 'none'}}}}`: text",
        note = "use a type that implements `FromStr`"
    )]
    #[allow(non_camel_case_types)]
    trait __Claim_mail {
        fn check(_: ::core::marker::PhantomData<Self>) {}
    }
    #[diagnostic::do_not_recommend]
    impl<T: __private::ParseClaim<__claim::Text>> __Claim_mail for T {}
    #[diagnostic::on_unimplemented(
        message = "`{Self}` of the field `mail` cannot be a column of SQLite",
        label = "needs `sqlx::Type`, `Encode` and `Decode` for SQLite, and `PartialEq`",
        note = "for a newtype: `#[derive(PartialEq, sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
    )]
    #[allow(non_camel_case_types)]
    trait __Column_mail {
        fn check(_: ::core::marker::PhantomData<Self>) {}
    }
    #[diagnostic::do_not_recommend]
    impl<T: __private::SqliteClaimColumn> __Column_mail for T {}
    #[diagnostic::on_unimplemented(
        message = "`{Self}` of the field `changed` cannot be read from a column of SQLite",
        label = "needs `sqlx::Type` and `Decode` for SQLite",
        note = "for a newtype: `#[derive(sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
    )]
    #[allow(non_camel_case_types)]
    trait __Column_changed {
        fn check(_: ::core::marker::PhantomData<Self>) {}
    }
    #[diagnostic::do_not_recommend]
    impl<T: __private::SqliteOwnColumn> __Column_changed for T {}
    #[diagnostic::on_unimplemented(
        message = "the SQL type of `{Self}` of the field `changed` is not known",
        label = "`CREATE TABLE` needs its SQL type",
        note = "name it: `#[column(sql_type = \"…\")]`"
    )]
    #[allow(non_camel_case_types)]
    trait __SqlType_changed {
        fn check(_: ::core::marker::PhantomData<Self>) {}
    }
    #[diagnostic::do_not_recommend]
    impl<T: __private::SqliteSqlType> __SqlType_changed for T {}
    #[allow(dead_code)]
    fn __check(__user: &Member) {
        <String as __private::HoldsClaim<
            __claim::Text,
        >>::check(::core::marker::PhantomData);
        <__Same<
            _,
        > as __private::SqliteClaimColumn>::check(
            __private::ClaimField::<String, __claim::Text>::column(),
        );
        <__Same<_> as __Claim_mail>::check(__private::of(&__user.mail));
        <__Same<
            _,
        > as __private::SharedField>::check(
            __private::ParsedField::<__Type_mail, __claim::Text>::column(),
        );
        <__Same<
            _,
        > as __Column_mail>::check(
            __private::Probe(
                    __private::ParsedField::<__Type_mail, __claim::Text>::column(),
                )
                .shared(),
        );
        <i64 as __private::HoldsClaim<
            __claim::Integer,
        >>::check(::core::marker::PhantomData);
        <__Same<
            _,
        > as __private::SqliteClaimColumn>::check(
            __private::ClaimField::<i64, __claim::Integer>::column(),
        );
        <__Same<_> as __private::SharedField>::check(__private::of(&__user.changed));
        <__Same<
            _,
        > as __Column_changed>::check(
            __private::Probe(__private::of(&__user.changed)).shared(),
        );
        <__Same<
            _,
        > as __SqlType_changed>::check(
            __private::ColumnFields::<
                __Type_changed,
                (__private::sqlx::Sqlite,),
            >::column(),
        );
    }
    #[automatically_derived]
    impl __clerk_auth::row::Derived for Member {}
    #[automatically_derived]
    impl __clerk_auth::row::KeyedBy<String> for Member {}
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __clerk_auth::row::SyncedRow for Member
    where
        for<'__a> Member: __private::SharedIn<'__a>,
        for<'__a> __MemberClaims: __private::SharedIn<'__a>,
    {
        type Claims = __MemberClaims;
        const KIND: __clerk_auth::row::RowKind = __clerk_auth::row::RowKind::User;
        const LOCAL_KEY: &'static str = "subject";
        const CLERK_ID: &'static str = "subject";
        const NAME: &'static str = "Member";
        const TABLE: &'static str = "accounts.users";
        const SESSION_TOKEN_TEMPLATE: &'static str = r#"{"mail": "{{user.primary_email_address || 'none'}}", "since": "{{user.created_at}}"}"#;
        const TEMPLATE: &'static [__claim::TemplateClaim] = &[
            __claim::TemplateClaim::new(
                "mail",
                __claim::Expression::Chain(
                    &[
                        __claim::Expression::Shortcode("user.primary_email_address"),
                        __claim::Expression::Literal(__claim::Literal::Text("none")),
                    ],
                ),
            ),
            __claim::TemplateClaim::new(
                "since",
                __claim::Expression::Shortcode("user.created_at"),
            ),
        ];
        const SESSION_TOKEN_BUDGET: __claim::SessionTokenBudget = __claim::SessionTokenBudget::new(
            &[
                __claim::ClaimBudget::new(
                    "mail",
                    ::core::option::Option::Some(264usize),
                ),
                __claim::ClaimBudget::new("since", ::core::option::Option::Some(19usize)),
            ],
        );
        const VERSION: __clerk_auth::row::VersionSource = __clerk_auth::row::VersionSource::IssuedAt;
        const FRESH_FOR: ::core::time::Duration = ::core::time::Duration::from_millis(
            5000u64,
        );
        fn read_claims(
            __source: __claim::ClaimSource<'_>,
        ) -> ::core::result::Result<Self::Claims, __claim::UnreadableClaims> {
            let mut __reader = __claim::ClaimReader::new(__source);
            let __subject = __reader
                .subject(__private::ClaimField::<String, __claim::Text>::hold);
            let __mail = __private::ParsedField::<
                __Type_mail,
                __claim::Text,
            >::read(&mut __reader, "mail");
            let __since = __private::ClaimField::<
                i64,
                __claim::Integer,
            >::read(&mut __reader, "since");
            let __claims = match (__subject, __mail, __since) {
                (
                    ::core::option::Option::Some(__subject),
                    ::core::option::Option::Some(__mail),
                    ::core::option::Option::Some(__since),
                ) => {
                    ::core::option::Option::Some(__MemberClaims {
                        subject: __subject,
                        mail: __mail,
                        since: __since,
                    })
                }
                _ => ::core::option::Option::None,
            };
            __reader.finish(__claims)
        }
        #[allow(unused_variables)]
        fn compare<__R>(
            &self,
            __with: __clerk_auth::row::Compared<'_, Self>,
            __read: fn(&[(&'static str, bool)]) -> __R,
        ) -> __R {
            match __with {
                __clerk_auth::row::Compared::Claims(__other) => {
                    __read(
                        &[
                            (
                                "mail",
                                __private::ColumnField::<
                                    __Type_mail,
                                    (),
                                >::equal(&self.mail, &__other.mail),
                            ),
                            (
                                "select",
                                __private::ColumnField::<
                                    i64,
                                    (),
                                >::equal(&self.since, &__other.since),
                            ),
                        ],
                    )
                }
                __clerk_auth::row::Compared::Row(__other) => {
                    __read(
                        &[
                            (
                                "mail",
                                __private::ColumnField::<
                                    __Type_mail,
                                    (),
                                >::equal(&self.mail, &__other.mail),
                            ),
                            (
                                "select",
                                __private::ColumnField::<
                                    i64,
                                    (),
                                >::equal(&self.since, &__other.since),
                            ),
                        ],
                    )
                }
            }
        }
        fn try_clone(&self) -> ::core::option::Option<Self> {
            __private::Copied::<Self>::try_clone(self)
        }
        #[allow(unused_variables)]
        fn set_null(__claims: &mut Self::Claims, __column: usize) -> bool {
            match __column {
                _ => false,
            }
        }
    }
    #[automatically_derived]
    impl __clerk_auth::row::StoredIn<__private::sqlx::Sqlite> for Member
    where
        for<'__a> Member: __private::SharedIn<'__a>,
        for<'__a> __MemberClaims: __private::SharedIn<'__a>,
    {
        const SELECT: &'static str = "SELECT \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" = ?1";
        const SELECT_MANY: &'static str = "SELECT \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", \"users\".\"subject\" AS \"clerk_found\" FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" IN (SELECT value FROM json_each(?1))";
        const WIDTH: usize = 6usize;
        const SELECT_IDS: &'static str = "SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" > ?1 AND \"users\".\"clerk_deleted_at\" IS NULL ORDER BY \"users\".\"subject\" LIMIT ?2";
        const UPSERT: &'static str = "INSERT INTO \"accounts\".\"users\" (\"subject\", \"mail\", \"select\", \"clerk_version\") VALUES (?1, ?2, ?3, ?4) ON CONFLICT (\"subject\") DO UPDATE SET \"mail\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"mail\" ELSE \"users\".\"mail\" END, \"select\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"select\" ELSE \"users\".\"select\" END, \"changed\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN CURRENT_TIMESTAMP ELSE \"users\".\"changed\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\"";
        const INSERT: &'static str = "INSERT INTO \"accounts\".\"users\" (\"subject\", \"mail\", \"select\", \"clerk_version\") SELECT CAST(?1 AS TEXT), ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" = ?1) ON CONFLICT (\"subject\") DO NOTHING RETURNING \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 1 AS \"clerk_inserted\"";
        const UPSERT_MANY: __clerk_auth::row::UpsertMany = __clerk_auth::row::UpsertMany::new(
            "INSERT INTO \"accounts\".\"users\" (\"subject\", \"mail\", \"select\", \"clerk_version\") VALUES ",
            " ON CONFLICT (\"subject\") DO UPDATE SET \"mail\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"mail\" ELSE \"users\".\"mail\" END, \"select\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"select\" ELSE \"users\".\"select\" END, \"changed\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN CURRENT_TIMESTAMP ELSE \"users\".\"changed\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\", \"users\".\"subject\" AS \"clerk_found\"",
            4usize,
        );
        const RAISE_VERSION: &'static str = "UPDATE \"accounts\".\"users\" SET \"clerk_version\" = ?2 WHERE \"users\".\"subject\" = ?1 AND \"users\".\"clerk_version\" < ?2 AND \"users\".\"clerk_deleted_at\" IS NULL";
        const RAISE_VERSION_MANY: &'static str = "UPDATE \"accounts\".\"users\" SET \"clerk_version\" = \"clerk_raised\".value FROM json_each(?1) AS \"clerk_raised\" WHERE \"users\".\"subject\" = \"clerk_raised\".key AND \"users\".\"clerk_version\" < \"clerk_raised\".value AND \"users\".\"clerk_deleted_at\" IS NULL";
        const TOMBSTONE: &'static str = "UPDATE \"accounts\".\"users\" SET \"clerk_deleted_at\" = CURRENT_TIMESTAMP, \"clerk_version\" = CASE WHEN \"users\".\"clerk_version\" < 1 THEN 1 ELSE \"users\".\"clerk_version\" END WHERE \"users\".\"subject\" = ?1 AND \"users\".\"clerk_deleted_at\" IS NULL";
        const LISTED: &'static str = "SELECT\0text\0SELECT \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" = ?1\0SELECT_MANY\0texts\0SELECT \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", \"users\".\"subject\" AS \"clerk_found\" FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" IN (SELECT value FROM json_each(?1))\0SELECT_IDS\0text integer\0SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" > ?1 AND \"users\".\"clerk_deleted_at\" IS NULL ORDER BY \"users\".\"subject\" LIMIT ?2\0UPSERT\x000 1 2 integer\0INSERT INTO \"accounts\".\"users\" (\"subject\", \"mail\", \"select\", \"clerk_version\") VALUES (?1, ?2, ?3, ?4) ON CONFLICT (\"subject\") DO UPDATE SET \"mail\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"mail\" ELSE \"users\".\"mail\" END, \"select\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"select\" ELSE \"users\".\"select\" END, \"changed\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN CURRENT_TIMESTAMP ELSE \"users\".\"changed\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\"\0INSERT\x000 1 2 integer\0INSERT INTO \"accounts\".\"users\" (\"subject\", \"mail\", \"select\", \"clerk_version\") SELECT CAST(?1 AS TEXT), ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM \"accounts\".\"users\" WHERE \"users\".\"subject\" = ?1) ON CONFLICT (\"subject\") DO NOTHING RETURNING \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 1 AS \"clerk_inserted\"\0UPSERT_MANY\x000 1 2 integer 0 1 2 integer\0INSERT INTO \"accounts\".\"users\" (\"subject\", \"mail\", \"select\", \"clerk_version\") VALUES ($1, $2, $3, $4), ($5, $6, $7, $8) ON CONFLICT (\"subject\") DO UPDATE SET \"mail\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"mail\" ELSE \"users\".\"mail\" END, \"select\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"select\" ELSE \"users\".\"select\" END, \"changed\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN CURRENT_TIMESTAMP ELSE \"users\".\"changed\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"subject\", \"users\".\"mail\", \"users\".\"select\", \"users\".\"changed\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\", \"users\".\"subject\" AS \"clerk_found\"\0RAISE_VERSION\0text integer\0UPDATE \"accounts\".\"users\" SET \"clerk_version\" = ?2 WHERE \"users\".\"subject\" = ?1 AND \"users\".\"clerk_version\" < ?2 AND \"users\".\"clerk_deleted_at\" IS NULL\0RAISE_VERSION_MANY\0text\0UPDATE \"accounts\".\"users\" SET \"clerk_version\" = \"clerk_raised\".value FROM json_each(?1) AS \"clerk_raised\" WHERE \"users\".\"subject\" = \"clerk_raised\".key AND \"users\".\"clerk_version\" < \"clerk_raised\".value AND \"users\".\"clerk_deleted_at\" IS NULL\0TOMBSTONE\0text\0UPDATE \"accounts\".\"users\" SET \"clerk_deleted_at\" = CURRENT_TIMESTAMP, \"clerk_version\" = CASE WHEN \"users\".\"clerk_version\" < 1 THEN 1 ELSE \"users\".\"clerk_version\" END WHERE \"users\".\"subject\" = ?1 AND \"users\".\"clerk_deleted_at\" IS NULL\0CLAIM_COLUMNS.mail.holder\x001 text\0SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE \"users\".\"mail\" = ?1 AND \"users\".\"subject\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.mail.holder_ignoring_case\x001 text\0SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE lower(CAST(\"users\".\"mail\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"subject\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.select.holder\x002 text\0SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE \"users\".\"select\" = ?1 AND \"users\".\"subject\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.select.holder_ignoring_case\x002 text\0SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE lower(CAST(\"users\".\"select\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"subject\" <> ?2 LIMIT 10";
        const COLUMNS: &'static [__clerk_auth::row::ColumnDefinition] = &[
            __private::Clauses::<String, __private::sqlx::Sqlite, __claim::Text>::COLUMN
                .key
                .named("subject"),
            __private::Clauses::<
                __Type_mail,
                __private::sqlx::Sqlite,
                __claim::Text,
            >::COLUMN
                .claim
                .named("mail"),
            __private::Clauses::<i64, __private::sqlx::Sqlite, __claim::Integer>::COLUMN
                .claim
                .named("select"),
            __private::Clauses::<
                __Type_changed,
                __private::sqlx::Sqlite,
                __claim::Nullable<__claim::Text>,
            >::COLUMN
                .generated
                .named("changed"),
            __clerk_auth::row::ColumnDefinition::new(
                "clerk_version",
                "BIGINT",
                &[" NOT NULL"],
                true,
            ),
            __clerk_auth::row::ColumnDefinition::new(
                "clerk_deleted_at",
                "TEXT",
                &[],
                false,
            ),
        ];
        const CLAIM_COLUMNS: &'static [__clerk_auth::row::ClaimColumn] = &[
            __clerk_auth::row::ClaimColumn::new(
                "mail",
                "mail",
                false,
                "SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE \"users\".\"mail\" = ?1 AND \"users\".\"subject\" <> ?2 LIMIT 10",
                "SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE lower(CAST(\"users\".\"mail\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"subject\" <> ?2 LIMIT 10",
                ::core::option::Option::None,
            ),
            __clerk_auth::row::ClaimColumn::new(
                "select",
                "since",
                false,
                "SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE \"users\".\"select\" = ?1 AND \"users\".\"subject\" <> ?2 LIMIT 10",
                "SELECT \"users\".\"subject\" FROM \"accounts\".\"users\" WHERE lower(CAST(\"users\".\"select\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"subject\" <> ?2 LIMIT 10",
                ::core::option::Option::None,
            ),
        ];
        fn bind(
            __claims: &Self::Claims,
            __version: i64,
            __arguments: &mut <__private::sqlx::Sqlite as __private::sqlx::Database>::Arguments,
        ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
            __private::bind::<
                Self,
                __private::sqlx::Sqlite,
                _,
            >(
                __claims,
                __version,
                __arguments,
                0usize,
                &__claims.subject,
                __private::ColumnField::<String, __private::sqlx::Sqlite>::add,
            )
        }
        #[allow(unused_variables)]
        fn bind_claim(
            __claims: &Self::Claims,
            __column: usize,
            __arguments: &mut <__private::sqlx::Sqlite as __private::sqlx::Database>::Arguments,
        ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
            match __column {
                0usize => {
                    __private::ColumnField::<
                        __Type_mail,
                        __private::sqlx::Sqlite,
                    >::add(&__claims.mail, __arguments)
                }
                1usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Sqlite,
                    >::add(&__claims.since, __arguments)
                }
                _ => ::core::result::Result::Ok(()),
            }
        }
        #[allow(unused_variables)]
        fn add_null(
            __column: usize,
            __arguments: &mut <__private::sqlx::Sqlite as __private::sqlx::Database>::Arguments,
        ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
            match __column {
                0usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Sqlite,
                    >::add_null(__arguments)
                }
                1usize => {
                    __private::ColumnField::<
                        __Type_mail,
                        __private::sqlx::Sqlite,
                    >::add_null(__arguments)
                }
                2usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Sqlite,
                    >::add_null(__arguments)
                }
                _ => ::core::result::Result::Ok(()),
            }
        }
        #[allow(unused_variables)]
        fn can_read(
            __column: usize,
            __found: &<__private::sqlx::Sqlite as __private::sqlx::Database>::TypeInfo,
        ) -> bool {
            match __column {
                0usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                1usize => {
                    __private::ColumnField::<
                        __Type_mail,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                2usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                3usize => {
                    __private::ColumnField::<
                        __Type_changed,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                4usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                _ => true,
            }
        }
        fn type_info(
            __column: usize,
        ) -> ::core::option::Option<
            <__private::sqlx::Sqlite as __private::sqlx::Database>::TypeInfo,
        > {
            match __column {
                1usize if !__private::Clauses::<
                    __Type_mail,
                    __private::sqlx::Sqlite,
                    __claim::Text,
                >::IS_KNOWN => {
                    __private::ColumnField::<
                        __Type_mail,
                        __private::sqlx::Sqlite,
                    >::type_info()
                }
                _ => ::core::option::Option::None,
            }
        }
        fn from_row(
            __row: &<__private::sqlx::Sqlite as __private::sqlx::Database>::Row,
            __first: usize,
        ) -> ::core::result::Result<Self, __private::sqlx::Error> {
            let mut __failure = ::core::option::Option::None;
            match (
                __private::ColumnField::<
                    String,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 0usize, &mut __failure),
                __private::ColumnField::<
                    __Type_mail,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 1usize, &mut __failure),
                __private::ColumnField::<
                    i64,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 2usize, &mut __failure),
                __private::ColumnField::<
                    __Type_changed,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 3usize, &mut __failure),
            ) {
                (
                    ::core::option::Option::Some(__subject),
                    ::core::option::Option::Some(__mail),
                    ::core::option::Option::Some(__since),
                    ::core::option::Option::Some(__changed),
                ) => {
                    ::core::result::Result::Ok(Self {
                        subject: __subject,
                        mail: __mail,
                        since: __since,
                        changed: __changed,
                    })
                }
                _ => __private::unread(__failure),
            }
        }
    }
    #[automatically_derived]
    impl<__State> __private::axum::extract::FromRequestParts<__State> for Member
    where
        __State: ::core::marker::Send + ::core::marker::Sync,
        __private::Clerk: __private::axum::extract::FromRef<__State>,
        __private::UserSync<Member>: __private::axum::extract::FromRef<__State>,
        for<'__a> Member: __private::SharedIn<'__a>,
        for<'__a> __MemberClaims: __private::SharedIn<'__a>,
    {
        type Rejection = __private::Rejection;
        fn from_request_parts(
            __parts: &mut __private::Parts,
            __state: &__State,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<Self, Self::Rejection>,
        > + ::core::marker::Send {
            __private::extract_user::<Self, __State>(__parts, __state)
        }
    }
};
