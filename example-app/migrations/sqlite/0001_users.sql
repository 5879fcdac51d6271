CREATE TABLE "users" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "clerk_id" TEXT NOT NULL UNIQUE,
    "email" TEXT,
    "first_name" TEXT,
    "last_name" TEXT,
    "image_url" TEXT NOT NULL,
    "credits" INTEGER NOT NULL DEFAULT 0,
    "clerk_version" BIGINT NOT NULL,
    "clerk_deleted_at" TEXT
);
