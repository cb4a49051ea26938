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

-- Who acts, as `store.context` says it for one transaction or one statement. After a transaction that said it the setting reads back as an empty
-- string, not as NULL: hence nullif. Nothing said means nobody, and nobody sees nothing.
CREATE FUNCTION app_orgs() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT string_to_array(nullif(current_setting('app.orgs', true), ''), ',') $$;
CREATE FUNCTION app_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('app.actor', true), '') $$;
CREATE FUNCTION app_kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('app.kind', true), '') $$;
CREATE FUNCTION app_is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT coalesce(current_setting('app.kind', true) = 'system', false) $$;

-- A row stays with its patient: what was written about the wrong one is entered in error and written again. Only the merge of two files of one person
-- moves rows, those of its ledger alone (`may_move`, in the directory).
CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF may_move(to_jsonb(NEW) ->> 'id', OLD.patient_id, NEW.patient_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a row of table % cannot move to another patient', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'row_keeps_its_patient';
END
$$;

-- Tell who listens that an object of these organisations changed: its type, the organisations, its id, and nothing of what it says. The doors let those
-- who may see it ask again (LISTEN and NOTIFY; delivered at commit, or never).
CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('change', TG_ARGV[0] || ' ' || array_to_string(NEW.parties, ',') || ' ' || NEW.id);
    RETURN NULL;
END
$$;

-- Tables without patient data: what the serving login may do with them, and no row level security.
CREATE PROCEDURE put_grants(tables text[], rights text, login text DEFAULT 'app_rw') LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, app_rw, audit_r, stats_r', name);
        EXECUTE format('GRANT %s ON %I TO %I', rights, name, login);
    END LOOP;
END
$$;

-- What the login that counts may read of a table: these columns of every row.
CREATE PROCEDURE put_counted(name text, columns text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT (%s) ON %I TO stats_r', columns, name);
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = name::regclass) THEN
        EXECUTE format('CREATE POLICY counted ON %I FOR SELECT TO stats_r USING (true)', name);
    END IF;
END
$$;

-- The second wall around a table (ADR 0009). `seen`: which rows exist for who acts; `written`: which rows who acts may leave behind, when that is
-- less; `parent`: what a new row must hang on, because a foreign key is satisfied by a row that who acts does not see; `unopposed`: what no other rule
-- overcomes.
CREATE PROCEDURE put_wall(name text, seen text, written text DEFAULT 'true', rights text DEFAULT 'SELECT, INSERT, UPDATE',
    parent text DEFAULT 'true', unopposed text DEFAULT '', login text DEFAULT 'app_rw') LANGUAGE plpgsql AS $$
DECLARE
    policy text;
BEGIN
    CALL put_grants(ARRAY[name], rights, login);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    FOR policy IN SELECT p.policyname FROM pg_policies p WHERE p.schemaname = 'public' AND p.tablename = name LOOP
        EXECUTE format('DROP POLICY %I ON %I', policy, name);
    END LOOP;
    EXECUTE format('CREATE POLICY seen ON %I TO %I USING (%s) WITH CHECK (true)', name, login, seen);
    EXECUTE format('CREATE POLICY inserted ON %I AS RESTRICTIVE FOR INSERT TO %I WITH CHECK ((%s) AND %s)', name, login, written, parent);
    EXECUTE format('CREATE POLICY updated ON %I AS RESTRICTIVE FOR UPDATE TO %I USING (true) WITH CHECK (%s)', name, login, written);
    IF unopposed <> '' THEN
        EXECUTE format('CREATE POLICY unopposed ON %I AS RESTRICTIVE FOR SELECT TO app_rw USING (%s)', name, unopposed);
    END IF;
    IF rights LIKE '%UPDATE%' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = name::regclass AND a.attname = 'patient_id' AND a.attgenerated = '') THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER keeps_its_patient BEFORE UPDATE OF patient_id ON %I FOR EACH ROW
            WHEN (OLD.patient_id IS NOT NULL AND OLD.patient_id IS DISTINCT FROM NEW.patient_id) EXECUTE FUNCTION refuse_move()', name);
    END IF;
END
$$;
