CREATE TABLE "organizations" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "clerk_id" TEXT NOT NULL UNIQUE,
    "name" TEXT NOT NULL,
    "slug" TEXT,
    "clerk_version" BIGINT NOT NULL,
    "clerk_deleted_at" TIMESTAMPTZ
);
