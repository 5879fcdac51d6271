CREATE TABLE "organization_notes" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "organization_id" BIGINT NOT NULL REFERENCES "organizations" ("id"),
    "user_id" BIGINT NOT NULL REFERENCES "users" ("id"),
    "body" TEXT NOT NULL
);
