-- A type is noted before it is bound, without an instant: the release that ran until
-- then leaves its events to the one that reads them.
ALTER TABLE readings ALTER COLUMN since DROP NOT NULL;
-- An installation of before is held to what was published since its first event of each
-- type, and not to what a reader that is younger than that never got.
UPDATE readings SET since = came.first_at
FROM (
    SELECT consumer, type, min(handled_at) AS first_at FROM inbox GROUP BY consumer, type
) AS came
WHERE readings.since = 'epoch'
    AND readings.consumer = came.consumer AND readings.type = came.type;
