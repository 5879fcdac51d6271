CREATE TABLE "users" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "clerk_id" TEXT NOT NULL UNIQUE,
    "email" TEXT,
    "first_name" TEXT,
    "last_name" TEXT,
    "image_url" TEXT NOT NULL,
    "credits" BIGINT NOT NULL DEFAULT 0,
    "clerk_version" BIGINT NOT NULL,
    "clerk_deleted_at" TIMESTAMPTZ
);
