CREATE TABLE "organization_notes" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "organization_id" INTEGER NOT NULL REFERENCES "organizations" ("id"),
    "user_id" INTEGER NOT NULL REFERENCES "users" ("id"),
    "body" TEXT NOT NULL
);
