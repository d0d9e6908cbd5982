-- What set a notification off, so that its mails go on in the same trace; unknown for
-- those of the release before.
ALTER TABLE notifications
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent text;
