"""The four services; each owns its Postgres schema and learns of the rest by events."""
