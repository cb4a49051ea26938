-- The figures of the whole territory as they were counted last, one line for each definition: counting a year of requests takes seconds, reading this
-- line a millisecond. Nothing here that cannot be counted again. Cells are kept as counted: who reads is told no more than the floors allow.
CREATE TABLE indicator_count (
    name text PRIMARY KEY,
    version text NOT NULL,
    at timestamptz NOT NULL,
    content text NOT NULL
);
