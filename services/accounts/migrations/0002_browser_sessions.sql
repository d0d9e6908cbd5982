-- A browser's session has one token for all its life; an app's has a family of
-- refresh tokens instead, and none here.
ALTER TABLE sessions ADD COLUMN token_hash bytea;
CREATE UNIQUE INDEX sessions_token_key ON sessions (token_hash)
    WHERE token_hash IS NOT NULL;
