CREATE TABLE "memberships" (
    "user_id" INTEGER NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "organization_id" INTEGER NOT NULL REFERENCES "organizations" ("id") ON DELETE CASCADE,
    "role" TEXT NOT NULL,
    "clerk_version" BIGINT NOT NULL,
    "clerk_deleted_at" TEXT,
    "clerk_key" TEXT NOT NULL UNIQUE
);
