-- What the probe owns, and may republish.
CREATE TABLE originals (
    thing_id uuid PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL
);
-- What it knows from events.
CREATE TABLE things (
    thing_id uuid PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL
);
-- One row per effect of an event: a doubled effect is a doubled row.
CREATE TABLE effects (
    number bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    thing_id uuid NOT NULL,
    version bigint NOT NULL,
    correlation_id text NOT NULL,
    traceparent text,
    actor text NOT NULL
);
