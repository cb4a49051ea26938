-- What the ground needs for itself: extensions, the outbox, the answers kept for retries.

-- Exclusion constraints over (practitioner, period) need equality in a GiST index; searches by name need trigrams without accents.
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

-- The instant of the running transaction as its clock gave it; the database's own clock outside of one.
CREATE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT coalesce(nullif(current_setting('app.now', true), '')::timestamptz, now()) $$;

-- The dates that mean something here, for every date that comes from outside: no year 1, no year 9999, no infinity (`kernel.period` holds the same two).
CREATE FUNCTION is_sane(at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT at >= '1900-01-01 00:00:00+00'::timestamptz AND at < '2200-01-01 00:00:00+00'::timestamptz $$;
CREATE FUNCTION is_sane(day date) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT day >= '1900-01-01'::date AND day < '2200-01-01'::date $$;

-- Effects to carry out because a transaction committed; `key` names the object whose messages keep their order.
-- A message that nothing here can carry yet is held, with the reason: neither done, nor failed, nor lost.
CREATE TABLE outbox (
    id           text PRIMARY KEY,
    number       bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    topic        text NOT NULL CONSTRAINT outbox_topic_named CHECK (topic <> ''),
    key          text NOT NULL DEFAULT '',
    payload      text NOT NULL,
    request_id   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    tries        integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    last_error   text,
    done_at      timestamptz,
    dead_at      timestamptz,
    held_at      timestamptz,
    held_reason  text,
    CONSTRAINT outbox_one_end CHECK (num_nonnulls(done_at, dead_at, held_at) <= 1),
    CONSTRAINT outbox_held_why CHECK ((held_at IS NULL) = (held_reason IS NULL))
);
CREATE INDEX outbox_waiting ON outbox (due_at, number) WHERE done_at IS NULL AND dead_at IS NULL AND held_at IS NULL;
CREATE INDEX outbox_order ON outbox (key, number) WHERE done_at IS NULL AND dead_at IS NULL AND held_at IS NULL AND key <> '';
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (number) WHERE dead_at IS NOT NULL;
CREATE INDEX outbox_held ON outbox (topic, held_reason) WHERE held_at IS NOT NULL;

-- The answer given to an Idempotency-Key, kept thirty days; it is committed with the effect or not at all.
CREATE TABLE idempotency (
    client       text NOT NULL,
    user_id      text NOT NULL,
    organization text NOT NULL,
    key          text NOT NULL CONSTRAINT idempotency_key_sane CHECK (length(key) BETWEEN 1 AND 255),
    request_hash text NOT NULL,
    status       integer NOT NULL,
    headers      text NOT NULL,
    body         bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (client, user_id, organization, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
