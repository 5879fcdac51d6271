CREATE TABLE "organizations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "clerk_id" TEXT NOT NULL UNIQUE,
    "name" TEXT NOT NULL,
    "slug" TEXT,
    "clerk_version" BIGINT NOT NULL,
    "clerk_deleted_at" TEXT
);
