-- What each claim about this process's data last came to, told by every replica.
CREATE TABLE check_results (
    name text PRIMARY KEY,
    checked bigint NOT NULL,
    violations integer NOT NULL,
    ran_at timestamptz NOT NULL DEFAULT now()
);
