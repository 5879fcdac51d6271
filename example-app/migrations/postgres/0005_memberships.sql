CREATE TABLE "memberships" (
    "user_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "organization_id" BIGINT NOT NULL REFERENCES "organizations" ("id") ON DELETE CASCADE,
    "role" TEXT NOT NULL,
    "clerk_version" BIGINT NOT NULL,
    "clerk_deleted_at" TIMESTAMPTZ,
    "clerk_key" TEXT NOT NULL UNIQUE
);
