CREATE TABLE IF NOT EXISTS "clerk_denials" (
    "kind" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "refusal" TEXT,
    "version" BIGINT NOT NULL,
    "happened_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    PRIMARY KEY ("kind", "id")
);
CREATE INDEX IF NOT EXISTS "clerk_denials_changed_at" ON "clerk_denials" ("changed_at");
