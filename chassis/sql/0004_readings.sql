-- Since when each consumer reads each type of event. What was published before never
-- reached its queue; of what was published since, nothing may be missing from the inbox.
CREATE TABLE readings (
    consumer text NOT NULL,
    type text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (consumer, type)
);
-- An installation that has run without it goes on being held to all that it has. Types
-- of which nothing ever came are noted by `migrate`, as if they were new: had any been
-- published, some would have come.
INSERT INTO readings (consumer, type, since)
SELECT DISTINCT consumer, type, timestamptz 'epoch' FROM inbox;
