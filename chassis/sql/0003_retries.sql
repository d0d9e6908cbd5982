-- Events that failed and wait in a retry queue until they are due: no watermark passes
-- them meanwhile.
CREATE TABLE retries (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    producer text NOT NULL,
    emitted_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
