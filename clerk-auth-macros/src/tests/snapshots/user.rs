//! Expansion of `user`.

const _: () = {
    use ::clerk_auth as __clerk_auth;
    #[allow(unused_imports)]
    use __clerk_auth::{
        __private, claim as __claim,
        __private::{
            JsonNotNull as _, KindClauses as _, NotCopied as _, Same as __Same,
            UnheldClaim as _, UnstoredColumn as _, NoDefault as _,
        },
    };
    #[doc(hidden)]
    #[allow(non_camel_case_types)]
    pub struct __UserClaims {
        pub clerk_id: String,
        pub email: Option<String>,
        pub first_name: String,
        pub image_url: String,
    }
    #[allow(dead_code)]
    fn __check() {
        <i64 as __private::PostgresAndSqliteOwnColumn>::check(
            ::core::marker::PhantomData,
        );
        <i64 as __private::PostgresAndSqliteSqlType>::check(::core::marker::PhantomData);
        <String as __private::HoldsClaim<
            __claim::Text,
        >>::check(::core::marker::PhantomData);
        <__Same<
            _,
        > as __private::PostgresAndSqliteClaimColumn>::check(
            __private::ClaimField::<String, __claim::Text>::column(),
        );
        <Option<
            String,
        > as __private::HoldsClaim<
            __claim::Nullable<__claim::Text>,
        >>::check(::core::marker::PhantomData);
        <__Same<
            _,
        > as __private::PostgresAndSqliteClaimColumn>::check(
            __private::ClaimField::<
                Option<String>,
                __claim::Nullable<__claim::Text>,
            >::column(),
        );
        <String as __private::HoldsClaim<
            __claim::Text,
        >>::check(::core::marker::PhantomData);
        <__Same<
            _,
        > as __private::PostgresAndSqliteClaimColumn>::check(
            __private::ClaimField::<String, __claim::Text>::column(),
        );
        <String as __private::HoldsClaim<
            __claim::Text,
        >>::check(::core::marker::PhantomData);
        <__Same<
            _,
        > as __private::PostgresAndSqliteClaimColumn>::check(
            __private::ClaimField::<String, __claim::Text>::column(),
        );
        <i64 as __private::PostgresAndSqliteOwnColumn>::check(
            ::core::marker::PhantomData,
        );
        <i64 as __private::PostgresAndSqliteSqlType>::check(::core::marker::PhantomData);
    }
    #[automatically_derived]
    impl __clerk_auth::row::Derived for User {}
    #[automatically_derived]
    impl __clerk_auth::row::KeyedBy<i64> for User {}
    #[automatically_derived]
    impl __clerk_auth::row::SyncedRow for User {
        type Claims = __UserClaims;
        const KIND: __clerk_auth::row::RowKind = __clerk_auth::row::RowKind::User;
        const LOCAL_KEY: &'static str = "id";
        const CLERK_ID: &'static str = "clerk_id";
        const NAME: &'static str = "User";
        const TABLE: &'static str = "users";
        const SESSION_TOKEN_TEMPLATE: &'static str = "{\n  \"email\": \"{{user.primary_email_address}}\",\n  \"firstName\": \"{{user.first_name}}\",\n  \"lastName\": \"{{user.last_name}}\",\n  \"imageUrl\": \"{{user.image_url}}\",\n  \"updatedAt\": \"{{user.updated_at}}\"\n}\n";
        const TEMPLATE: &'static [__claim::TemplateClaim] = &[
            __claim::TemplateClaim::new(
                "email",
                __claim::Expression::Shortcode("user.primary_email_address"),
            ),
            __claim::TemplateClaim::new(
                "firstName",
                __claim::Expression::Shortcode("user.first_name"),
            ),
            __claim::TemplateClaim::new(
                "lastName",
                __claim::Expression::Shortcode("user.last_name"),
            ),
            __claim::TemplateClaim::new(
                "imageUrl",
                __claim::Expression::Shortcode("user.image_url"),
            ),
            __claim::TemplateClaim::new(
                "updatedAt",
                __claim::Expression::Shortcode("user.updated_at"),
            ),
        ];
        const SESSION_TOKEN_BUDGET: __claim::SessionTokenBudget = __claim::SessionTokenBudget::new(
            &[
                __claim::ClaimBudget::new(
                    "email",
                    ::core::option::Option::Some(265usize),
                ),
                __claim::ClaimBudget::new(
                    "firstName",
                    ::core::option::Option::Some(115usize),
                ),
                __claim::ClaimBudget::new(
                    "lastName",
                    ::core::option::Option::Some(114usize),
                ),
                __claim::ClaimBudget::new(
                    "imageUrl",
                    ::core::option::Option::Some(314usize),
                ),
                __claim::ClaimBudget::new(
                    "updatedAt",
                    ::core::option::Option::Some(23usize),
                ),
            ],
        );
        const VERSION: __clerk_auth::row::VersionSource = __clerk_auth::row::VersionSource::UpdatedAt {
            claim: "updatedAt",
        };
        const FRESH_FOR: ::core::time::Duration = ::core::time::Duration::from_millis(
            0u64,
        );
        fn read_claims(
            __source: __claim::ClaimSource<'_>,
        ) -> ::core::result::Result<Self::Claims, __claim::UnreadableClaims> {
            let mut __reader = __claim::ClaimReader::new(__source);
            let __clerk_id = __reader
                .subject(__private::ClaimField::<String, __claim::Text>::hold);
            let __email = __private::ClaimField::<
                Option<String>,
                __claim::Nullable<__claim::Text>,
            >::read(&mut __reader, "email");
            let __first_name = __reader
                .claim::<
                    __claim::Nullable<__claim::Text>,
                    String,
                >(
                    "firstName",
                    |__value| match __value {
                        ::core::option::Option::Some(__value) => {
                            (__private::ClaimField::<
                                String,
                                __claim::Text,
                            >::hold)(__value)
                        }
                        ::core::option::Option::None => {
                            __private::DefaultField::<String>::value()
                        }
                    },
                );
            let __image_url = __private::ClaimField::<
                String,
                __claim::Text,
            >::read(&mut __reader, "imageUrl");
            let __claims = match (__clerk_id, __email, __first_name, __image_url) {
                (
                    ::core::option::Option::Some(__clerk_id),
                    ::core::option::Option::Some(__email),
                    ::core::option::Option::Some(__first_name),
                    ::core::option::Option::Some(__image_url),
                ) => {
                    ::core::option::Option::Some(__UserClaims {
                        clerk_id: __clerk_id,
                        email: __email,
                        first_name: __first_name,
                        image_url: __image_url,
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
                                "email",
                                __private::ColumnField::<
                                    Option<String>,
                                    (),
                                >::equal(&self.email, &__other.email),
                            ),
                            (
                                "first_name",
                                __private::ColumnField::<
                                    String,
                                    (),
                                >::equal(&self.first_name, &__other.first_name),
                            ),
                        ],
                    )
                }
                __clerk_auth::row::Compared::Row(__other) => {
                    __read(
                        &[
                            (
                                "email",
                                __private::ColumnField::<
                                    Option<String>,
                                    (),
                                >::equal(&self.email, &__other.email),
                            ),
                            (
                                "first_name",
                                __private::ColumnField::<
                                    String,
                                    (),
                                >::equal(&self.first_name, &__other.first_name),
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
                0usize => {
                    __private::set_null(
                        &mut __claims.email,
                        __private::ClaimField::<
                            Option<String>,
                            __claim::Nullable<__claim::Text>,
                        >::hold(::core::option::Option::None),
                    )
                }
                _ => false,
            }
        }
    }
    #[automatically_derived]
    impl __clerk_auth::row::StoredIn<__private::sqlx::Postgres> for User {
        const SELECT: &'static str = "SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = $1";
        const SELECT_FOR_UPDATE: &'static str = "SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = $1 FOR UPDATE";
        const SELECT_MANY: &'static str = "SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", \"users\".\"clerk_id\" AS \"clerk_found\" FROM \"users\" WHERE \"users\".\"clerk_id\" = ANY($1)";
        const WIDTH: usize = 8usize;
        const SELECT_IDS: &'static str = "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"clerk_id\" > $1 AND \"users\".\"clerk_deleted_at\" IS NULL ORDER BY \"users\".\"clerk_id\" LIMIT $2";
        const UPSERT: &'static str = "INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", xmax = 0 AS \"clerk_inserted\"";
        const INSERT: &'static str = "INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (\"clerk_id\") DO NOTHING RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", true AS \"clerk_inserted\"";
        const SELECT_OR_INSERT: ::core::option::Option<&'static str> = ::core::option::Option::Some(
            "WITH \"clerk_found\" AS (SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = $1), \"clerk_new\" AS (INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") SELECT CAST($1 AS TEXT), $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM \"clerk_found\") ON CONFLICT (\"clerk_id\") DO NOTHING RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\") SELECT *, false AS \"clerk_inserted\" FROM \"clerk_found\" UNION ALL SELECT *, true FROM \"clerk_new\"",
        );
        const UPSERT_MANY: __clerk_auth::row::UpsertMany = __clerk_auth::row::UpsertMany::new(
            "INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ",
            " ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", xmax = 0 AS \"clerk_inserted\", \"users\".\"clerk_id\" AS \"clerk_found\"",
            5usize,
        );
        const RAISE_VERSION: &'static str = "UPDATE \"users\" SET \"clerk_version\" = $2 WHERE \"users\".\"clerk_id\" = $1 AND \"users\".\"clerk_version\" < $2 AND \"users\".\"clerk_deleted_at\" IS NULL";
        const RAISE_VERSION_MANY: &'static str = "UPDATE \"users\" SET \"clerk_version\" = CAST(\"clerk_raised\".value AS BIGINT) FROM json_each_text(CAST(CAST($1 AS TEXT) AS JSON)) AS \"clerk_raised\" WHERE \"users\".\"clerk_id\" = \"clerk_raised\".key AND \"users\".\"clerk_version\" < CAST(\"clerk_raised\".value AS BIGINT) AND \"users\".\"clerk_deleted_at\" IS NULL";
        const TOMBSTONE: &'static str = "UPDATE \"users\" SET \"clerk_deleted_at\" = CURRENT_TIMESTAMP, \"clerk_version\" = CASE WHEN \"users\".\"clerk_version\" < 1 THEN 1 ELSE \"users\".\"clerk_version\" END WHERE \"users\".\"clerk_id\" = $1 AND \"users\".\"clerk_deleted_at\" IS NULL";
        const LISTED: &'static str = "SELECT\0text\0SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = $1\0SELECT_FOR_UPDATE\0text\0SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = $1 FOR UPDATE\0SELECT_MANY\0texts\0SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", \"users\".\"clerk_id\" AS \"clerk_found\" FROM \"users\" WHERE \"users\".\"clerk_id\" = ANY($1)\0SELECT_IDS\0text integer\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"clerk_id\" > $1 AND \"users\".\"clerk_deleted_at\" IS NULL ORDER BY \"users\".\"clerk_id\" LIMIT $2\0UPSERT\x001 2 3 4 integer\0INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", xmax = 0 AS \"clerk_inserted\"\0INSERT\x001 2 3 4 integer\0INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (\"clerk_id\") DO NOTHING RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", true AS \"clerk_inserted\"\0SELECT_OR_INSERT\x001 2 3 4 integer\0WITH \"clerk_found\" AS (SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = $1), \"clerk_new\" AS (INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") SELECT CAST($1 AS TEXT), $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM \"clerk_found\") ON CONFLICT (\"clerk_id\") DO NOTHING RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\") SELECT *, false AS \"clerk_inserted\" FROM \"clerk_found\" UNION ALL SELECT *, true FROM \"clerk_new\"\0UPSERT_MANY\x001 2 3 4 integer 1 2 3 4 integer\0INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ($1, $2, $3, $4, $5), ($6, $7, $8, $9, $10) ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", xmax = 0 AS \"clerk_inserted\", \"users\".\"clerk_id\" AS \"clerk_found\"\0RAISE_VERSION\0text integer\0UPDATE \"users\" SET \"clerk_version\" = $2 WHERE \"users\".\"clerk_id\" = $1 AND \"users\".\"clerk_version\" < $2 AND \"users\".\"clerk_deleted_at\" IS NULL\0RAISE_VERSION_MANY\0text\0UPDATE \"users\" SET \"clerk_version\" = CAST(\"clerk_raised\".value AS BIGINT) FROM json_each_text(CAST(CAST($1 AS TEXT) AS JSON)) AS \"clerk_raised\" WHERE \"users\".\"clerk_id\" = \"clerk_raised\".key AND \"users\".\"clerk_version\" < CAST(\"clerk_raised\".value AS BIGINT) AND \"users\".\"clerk_deleted_at\" IS NULL\0TOMBSTONE\0text\0UPDATE \"users\" SET \"clerk_deleted_at\" = CURRENT_TIMESTAMP, \"clerk_version\" = CASE WHEN \"users\".\"clerk_version\" < 1 THEN 1 ELSE \"users\".\"clerk_version\" END WHERE \"users\".\"clerk_id\" = $1 AND \"users\".\"clerk_deleted_at\" IS NULL\0CLAIM_COLUMNS.email.holder\x002 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"email\" = $1 AND \"users\".\"clerk_id\" <> $2 LIMIT 10\0CLAIM_COLUMNS.email.holder_ignoring_case\x002 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"email\" AS TEXT)) = lower(CAST($1 AS TEXT)) AND \"users\".\"clerk_id\" <> $2 LIMIT 10\0CLAIM_COLUMNS.email.give_way\0text integer\0UPDATE \"users\" SET \"email\" = NULL WHERE \"users\".\"clerk_id\" = $1 AND (\"users\".\"clerk_version\" < $2 OR \"users\".\"clerk_deleted_at\" IS NOT NULL)\0CLAIM_COLUMNS.first_name.holder\x003 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"first_name\" = $1 AND \"users\".\"clerk_id\" <> $2 LIMIT 10\0CLAIM_COLUMNS.first_name.holder_ignoring_case\x003 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"first_name\" AS TEXT)) = lower(CAST($1 AS TEXT)) AND \"users\".\"clerk_id\" <> $2 LIMIT 10\0CLAIM_COLUMNS.image_url.holder\x004 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"image_url\" = $1 AND \"users\".\"clerk_id\" <> $2 LIMIT 10\0CLAIM_COLUMNS.image_url.holder_ignoring_case\x004 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"image_url\" AS TEXT)) = lower(CAST($1 AS TEXT)) AND \"users\".\"clerk_id\" <> $2 LIMIT 10";
        const COLUMNS: &'static [__clerk_auth::row::ColumnDefinition] = &[
            __private::Clauses::<
                i64,
                __private::sqlx::Postgres,
                __claim::Nullable<__claim::Text>,
            >::COLUMN
                .id
                .named("id"),
            __private::Clauses::<
                String,
                __private::sqlx::Postgres,
                __claim::Text,
            >::COLUMN
                .key
                .named("clerk_id"),
            __private::Clauses::<
                Option<String>,
                __private::sqlx::Postgres,
                __claim::Nullable<__claim::Text>,
            >::COLUMN
                .claim
                .named("email"),
            __private::Clauses::<
                String,
                __private::sqlx::Postgres,
                __claim::Text,
            >::COLUMN
                .claim
                .named("first_name"),
            __private::Clauses::<
                String,
                __private::sqlx::Postgres,
                __claim::Text,
            >::COLUMN
                .claim
                .named("image_url"),
            __private::Clauses::<
                i64,
                __private::sqlx::Postgres,
                __claim::Nullable<__claim::Text>,
            >::COLUMN
                .app
                .named("credits"),
            __clerk_auth::row::ColumnDefinition::new(
                "clerk_version",
                "BIGINT",
                &[" NOT NULL"],
                true,
            ),
            __clerk_auth::row::ColumnDefinition::new(
                "clerk_deleted_at",
                "TIMESTAMPTZ",
                &[],
                false,
            ),
        ];
        const CLAIM_COLUMNS: &'static [__clerk_auth::row::ClaimColumn] = &[
            __clerk_auth::row::ClaimColumn::new(
                "email",
                "email",
                true,
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"email\" = $1 AND \"users\".\"clerk_id\" <> $2 LIMIT 10",
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"email\" AS TEXT)) = lower(CAST($1 AS TEXT)) AND \"users\".\"clerk_id\" <> $2 LIMIT 10",
                ::core::option::Option::Some(
                    "UPDATE \"users\" SET \"email\" = NULL WHERE \"users\".\"clerk_id\" = $1 AND (\"users\".\"clerk_version\" < $2 OR \"users\".\"clerk_deleted_at\" IS NOT NULL)",
                ),
            ),
            __clerk_auth::row::ClaimColumn::new(
                "first_name",
                "firstName",
                false,
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"first_name\" = $1 AND \"users\".\"clerk_id\" <> $2 LIMIT 10",
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"first_name\" AS TEXT)) = lower(CAST($1 AS TEXT)) AND \"users\".\"clerk_id\" <> $2 LIMIT 10",
                ::core::option::Option::None,
            ),
            __clerk_auth::row::ClaimColumn::new(
                "image_url",
                "imageUrl",
                false,
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"image_url\" = $1 AND \"users\".\"clerk_id\" <> $2 LIMIT 10",
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"image_url\" AS TEXT)) = lower(CAST($1 AS TEXT)) AND \"users\".\"clerk_id\" <> $2 LIMIT 10",
                ::core::option::Option::None,
            ),
        ];
        fn bind(
            __claims: &Self::Claims,
            __version: i64,
            __arguments: &mut <__private::sqlx::Postgres as __private::sqlx::Database>::Arguments,
        ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
            __private::bind::<
                Self,
                __private::sqlx::Postgres,
                _,
            >(
                __claims,
                __version,
                __arguments,
                0usize,
                &__claims.clerk_id,
                __private::ColumnField::<String, __private::sqlx::Postgres>::add,
            )
        }
        #[allow(unused_variables)]
        fn bind_claim(
            __claims: &Self::Claims,
            __column: usize,
            __arguments: &mut <__private::sqlx::Postgres as __private::sqlx::Database>::Arguments,
        ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
            match __column {
                0usize => {
                    __private::ColumnField::<
                        Option<String>,
                        __private::sqlx::Postgres,
                    >::add(&__claims.email, __arguments)
                }
                1usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Postgres,
                    >::add(&__claims.first_name, __arguments)
                }
                2usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Postgres,
                    >::add(&__claims.image_url, __arguments)
                }
                _ => ::core::result::Result::Ok(()),
            }
        }
        #[allow(unused_variables)]
        fn add_null(
            __column: usize,
            __arguments: &mut <__private::sqlx::Postgres as __private::sqlx::Database>::Arguments,
        ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
            match __column {
                1usize | 3usize | 4usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Postgres,
                    >::add_null(__arguments)
                }
                2usize => {
                    __private::ColumnField::<
                        Option<String>,
                        __private::sqlx::Postgres,
                    >::add_null(__arguments)
                }
                _ => ::core::result::Result::Ok(()),
            }
        }
        #[allow(unused_variables)]
        fn can_read(
            __column: usize,
            __found: &<__private::sqlx::Postgres as __private::sqlx::Database>::TypeInfo,
        ) -> bool {
            match __column {
                0usize | 5usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Postgres,
                    >::can_read(__found)
                }
                1usize | 3usize | 4usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Postgres,
                    >::can_read(__found)
                }
                2usize => {
                    __private::ColumnField::<
                        Option<String>,
                        __private::sqlx::Postgres,
                    >::can_read(__found)
                }
                6usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Postgres,
                    >::can_read(__found)
                }
                _ => true,
            }
        }
        fn from_row(
            __row: &<__private::sqlx::Postgres as __private::sqlx::Database>::Row,
            __first: usize,
        ) -> ::core::result::Result<Self, __private::sqlx::Error> {
            let mut __failure = ::core::option::Option::None;
            match (
                __private::ColumnField::<
                    i64,
                    __private::sqlx::Postgres,
                >::get(__row, __first + 0usize, &mut __failure),
                __private::ColumnField::<
                    String,
                    __private::sqlx::Postgres,
                >::get(__row, __first + 1usize, &mut __failure),
                __private::ColumnField::<
                    Option<String>,
                    __private::sqlx::Postgres,
                >::get(__row, __first + 2usize, &mut __failure),
                __private::ColumnField::<
                    String,
                    __private::sqlx::Postgres,
                >::get(__row, __first + 3usize, &mut __failure),
                __private::ColumnField::<
                    String,
                    __private::sqlx::Postgres,
                >::get(__row, __first + 4usize, &mut __failure),
                __private::ColumnField::<
                    i64,
                    __private::sqlx::Postgres,
                >::get(__row, __first + 5usize, &mut __failure),
            ) {
                (
                    ::core::option::Option::Some(__id),
                    ::core::option::Option::Some(__clerk_id),
                    ::core::option::Option::Some(__email),
                    ::core::option::Option::Some(__first_name),
                    ::core::option::Option::Some(__image_url),
                    ::core::option::Option::Some(__credits),
                ) => {
                    ::core::result::Result::Ok(Self {
                        id: __id,
                        clerk_id: __clerk_id,
                        email: __email,
                        first_name: __first_name,
                        image_url: __image_url,
                        credits: __credits,
                    })
                }
                _ => __private::unread(__failure),
            }
        }
    }
    #[automatically_derived]
    impl __clerk_auth::row::StoredIn<__private::sqlx::Sqlite> for User {
        const SELECT: &'static str = "SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = ?1";
        const SELECT_MANY: &'static str = "SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", \"users\".\"clerk_id\" AS \"clerk_found\" FROM \"users\" WHERE \"users\".\"clerk_id\" IN (SELECT value FROM json_each(?1))";
        const WIDTH: usize = 8usize;
        const SELECT_IDS: &'static str = "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"clerk_id\" > ?1 AND \"users\".\"clerk_deleted_at\" IS NULL ORDER BY \"users\".\"clerk_id\" LIMIT ?2";
        const UPSERT: &'static str = "INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\"";
        const INSERT: &'static str = "INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") SELECT CAST(?1 AS TEXT), ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM \"users\" WHERE \"users\".\"clerk_id\" = ?1) ON CONFLICT (\"clerk_id\") DO NOTHING RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 1 AS \"clerk_inserted\"";
        const UPSERT_MANY: __clerk_auth::row::UpsertMany = __clerk_auth::row::UpsertMany::new(
            "INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ",
            " ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\", \"users\".\"clerk_id\" AS \"clerk_found\"",
            5usize,
        );
        const RAISE_VERSION: &'static str = "UPDATE \"users\" SET \"clerk_version\" = ?2 WHERE \"users\".\"clerk_id\" = ?1 AND \"users\".\"clerk_version\" < ?2 AND \"users\".\"clerk_deleted_at\" IS NULL";
        const RAISE_VERSION_MANY: &'static str = "UPDATE \"users\" SET \"clerk_version\" = \"clerk_raised\".value FROM json_each(?1) AS \"clerk_raised\" WHERE \"users\".\"clerk_id\" = \"clerk_raised\".key AND \"users\".\"clerk_version\" < \"clerk_raised\".value AND \"users\".\"clerk_deleted_at\" IS NULL";
        const TOMBSTONE: &'static str = "UPDATE \"users\" SET \"clerk_deleted_at\" = CURRENT_TIMESTAMP, \"clerk_version\" = CASE WHEN \"users\".\"clerk_version\" < 1 THEN 1 ELSE \"users\".\"clerk_version\" END WHERE \"users\".\"clerk_id\" = ?1 AND \"users\".\"clerk_deleted_at\" IS NULL";
        const LISTED: &'static str = "SELECT\0text\0SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\" FROM \"users\" WHERE \"users\".\"clerk_id\" = ?1\0SELECT_MANY\0texts\0SELECT \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", \"users\".\"clerk_id\" AS \"clerk_found\" FROM \"users\" WHERE \"users\".\"clerk_id\" IN (SELECT value FROM json_each(?1))\0SELECT_IDS\0text integer\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"clerk_id\" > ?1 AND \"users\".\"clerk_deleted_at\" IS NULL ORDER BY \"users\".\"clerk_id\" LIMIT ?2\0UPSERT\x001 2 3 4 integer\0INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\"\0INSERT\x001 2 3 4 integer\0INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") SELECT CAST(?1 AS TEXT), ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM \"users\" WHERE \"users\".\"clerk_id\" = ?1) ON CONFLICT (\"clerk_id\") DO NOTHING RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 1 AS \"clerk_inserted\"\0UPSERT_MANY\x001 2 3 4 integer 1 2 3 4 integer\0INSERT INTO \"users\" (\"clerk_id\", \"email\", \"first_name\", \"image_url\", \"clerk_version\") VALUES ($1, $2, $3, $4, $5), ($6, $7, $8, $9, $10) ON CONFLICT (\"clerk_id\") DO UPDATE SET \"email\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"email\" ELSE \"users\".\"email\" END, \"first_name\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"first_name\" ELSE \"users\".\"first_name\" END, \"clerk_version\" = CASE WHEN excluded.\"clerk_version\" >= \"users\".\"clerk_version\" AND \"users\".\"clerk_deleted_at\" IS NULL THEN excluded.\"clerk_version\" ELSE \"users\".\"clerk_version\" END RETURNING \"users\".\"id\", \"users\".\"clerk_id\", \"users\".\"email\", \"users\".\"first_name\", \"users\".\"image_url\", \"users\".\"credits\", \"users\".\"clerk_version\", \"users\".\"clerk_deleted_at\" IS NOT NULL AS \"clerk_deleted\", 0 AS \"clerk_inserted\", \"users\".\"clerk_id\" AS \"clerk_found\"\0RAISE_VERSION\0text integer\0UPDATE \"users\" SET \"clerk_version\" = ?2 WHERE \"users\".\"clerk_id\" = ?1 AND \"users\".\"clerk_version\" < ?2 AND \"users\".\"clerk_deleted_at\" IS NULL\0RAISE_VERSION_MANY\0text\0UPDATE \"users\" SET \"clerk_version\" = \"clerk_raised\".value FROM json_each(?1) AS \"clerk_raised\" WHERE \"users\".\"clerk_id\" = \"clerk_raised\".key AND \"users\".\"clerk_version\" < \"clerk_raised\".value AND \"users\".\"clerk_deleted_at\" IS NULL\0TOMBSTONE\0text\0UPDATE \"users\" SET \"clerk_deleted_at\" = CURRENT_TIMESTAMP, \"clerk_version\" = CASE WHEN \"users\".\"clerk_version\" < 1 THEN 1 ELSE \"users\".\"clerk_version\" END WHERE \"users\".\"clerk_id\" = ?1 AND \"users\".\"clerk_deleted_at\" IS NULL\0CLAIM_COLUMNS.email.holder\x002 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"email\" = ?1 AND \"users\".\"clerk_id\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.email.holder_ignoring_case\x002 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"email\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"clerk_id\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.email.give_way\0text integer\0UPDATE \"users\" SET \"email\" = NULL WHERE \"users\".\"clerk_id\" = ?1 AND (\"users\".\"clerk_version\" < ?2 OR \"users\".\"clerk_deleted_at\" IS NOT NULL)\0CLAIM_COLUMNS.first_name.holder\x003 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"first_name\" = ?1 AND \"users\".\"clerk_id\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.first_name.holder_ignoring_case\x003 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"first_name\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"clerk_id\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.image_url.holder\x004 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"image_url\" = ?1 AND \"users\".\"clerk_id\" <> ?2 LIMIT 10\0CLAIM_COLUMNS.image_url.holder_ignoring_case\x004 text\0SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"image_url\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"clerk_id\" <> ?2 LIMIT 10";
        const COLUMNS: &'static [__clerk_auth::row::ColumnDefinition] = &[
            __private::Clauses::<
                i64,
                __private::sqlx::Sqlite,
                __claim::Nullable<__claim::Text>,
            >::COLUMN
                .id
                .named("id"),
            __private::Clauses::<String, __private::sqlx::Sqlite, __claim::Text>::COLUMN
                .key
                .named("clerk_id"),
            __private::Clauses::<
                Option<String>,
                __private::sqlx::Sqlite,
                __claim::Nullable<__claim::Text>,
            >::COLUMN
                .claim
                .named("email"),
            __private::Clauses::<String, __private::sqlx::Sqlite, __claim::Text>::COLUMN
                .claim
                .named("first_name"),
            __private::Clauses::<String, __private::sqlx::Sqlite, __claim::Text>::COLUMN
                .claim
                .named("image_url"),
            __private::Clauses::<
                i64,
                __private::sqlx::Sqlite,
                __claim::Nullable<__claim::Text>,
            >::COLUMN
                .app
                .named("credits"),
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
                "email",
                "email",
                true,
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"email\" = ?1 AND \"users\".\"clerk_id\" <> ?2 LIMIT 10",
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"email\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"clerk_id\" <> ?2 LIMIT 10",
                ::core::option::Option::Some(
                    "UPDATE \"users\" SET \"email\" = NULL WHERE \"users\".\"clerk_id\" = ?1 AND (\"users\".\"clerk_version\" < ?2 OR \"users\".\"clerk_deleted_at\" IS NOT NULL)",
                ),
            ),
            __clerk_auth::row::ClaimColumn::new(
                "first_name",
                "firstName",
                false,
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"first_name\" = ?1 AND \"users\".\"clerk_id\" <> ?2 LIMIT 10",
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"first_name\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"clerk_id\" <> ?2 LIMIT 10",
                ::core::option::Option::None,
            ),
            __clerk_auth::row::ClaimColumn::new(
                "image_url",
                "imageUrl",
                false,
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE \"users\".\"image_url\" = ?1 AND \"users\".\"clerk_id\" <> ?2 LIMIT 10",
                "SELECT \"users\".\"clerk_id\" FROM \"users\" WHERE lower(CAST(\"users\".\"image_url\" AS TEXT)) = lower(CAST(?1 AS TEXT)) AND \"users\".\"clerk_id\" <> ?2 LIMIT 10",
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
                &__claims.clerk_id,
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
                        Option<String>,
                        __private::sqlx::Sqlite,
                    >::add(&__claims.email, __arguments)
                }
                1usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Sqlite,
                    >::add(&__claims.first_name, __arguments)
                }
                2usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Sqlite,
                    >::add(&__claims.image_url, __arguments)
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
                1usize | 3usize | 4usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Sqlite,
                    >::add_null(__arguments)
                }
                2usize => {
                    __private::ColumnField::<
                        Option<String>,
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
                0usize | 5usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                1usize | 3usize | 4usize => {
                    __private::ColumnField::<
                        String,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                2usize => {
                    __private::ColumnField::<
                        Option<String>,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                6usize => {
                    __private::ColumnField::<
                        i64,
                        __private::sqlx::Sqlite,
                    >::can_read(__found)
                }
                _ => true,
            }
        }
        fn from_row(
            __row: &<__private::sqlx::Sqlite as __private::sqlx::Database>::Row,
            __first: usize,
        ) -> ::core::result::Result<Self, __private::sqlx::Error> {
            let mut __failure = ::core::option::Option::None;
            match (
                __private::ColumnField::<
                    i64,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 0usize, &mut __failure),
                __private::ColumnField::<
                    String,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 1usize, &mut __failure),
                __private::ColumnField::<
                    Option<String>,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 2usize, &mut __failure),
                __private::ColumnField::<
                    String,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 3usize, &mut __failure),
                __private::ColumnField::<
                    String,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 4usize, &mut __failure),
                __private::ColumnField::<
                    i64,
                    __private::sqlx::Sqlite,
                >::get(__row, __first + 5usize, &mut __failure),
            ) {
                (
                    ::core::option::Option::Some(__id),
                    ::core::option::Option::Some(__clerk_id),
                    ::core::option::Option::Some(__email),
                    ::core::option::Option::Some(__first_name),
                    ::core::option::Option::Some(__image_url),
                    ::core::option::Option::Some(__credits),
                ) => {
                    ::core::result::Result::Ok(Self {
                        id: __id,
                        clerk_id: __clerk_id,
                        email: __email,
                        first_name: __first_name,
                        image_url: __image_url,
                        credits: __credits,
                    })
                }
                _ => __private::unread(__failure),
            }
        }
    }
    #[automatically_derived]
    impl<__State> __private::axum::extract::FromRequestParts<__State> for User
    where
        __State: ::core::marker::Send + ::core::marker::Sync,
        __private::Clerk: __private::axum::extract::FromRef<__State>,
        __private::UserSync<User>: __private::axum::extract::FromRef<__State>,
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
