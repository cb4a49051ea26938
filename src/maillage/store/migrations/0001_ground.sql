-- The first state, written by `python -m maillage.store.migrate snapshot`.

-- ===== store/schema.sql =====

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

-- ===== record/schema.sql =====

-- Photographs, audit. Index tables (ix_*) are generated into index.sql from the published search parameters.

-- Every version of every resource, as the FHIR door shows it; written once, never changed.
CREATE TABLE resource_version (
    res_type text NOT NULL,
    id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    at timestamptz NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    content text NOT NULL,
    author text NOT NULL,
    author_organization text NOT NULL DEFAULT '',
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    CONSTRAINT resource_version_pkey PRIMARY KEY (res_type, id, version)
);
CREATE INDEX resource_version_at ON resource_version (res_type, at DESC, id);

-- Where a photograph stands now: the one row that writers lock; kept when the resource is deleted.
-- Versions before `masked_before` were entered in error: they are kept, and shown to `masked_readers` (persons) alone.
CREATE TABLE resource_head (
    res_type text NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    masked_before integer,
    masked_readers text[] NOT NULL DEFAULT '{}',
    CONSTRAINT resource_head_pkey PRIMARY KEY (res_type, id),
    CONSTRAINT resource_head_version FOREIGN KEY (res_type, id, version) REFERENCES resource_version (res_type, id, version)
);

-- Refuses to rewrite history, whoever asks.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER resource_version_append_only BEFORE UPDATE OR DELETE ON resource_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER resource_version_no_truncate BEFORE TRUNCATE ON resource_version EXECUTE FUNCTION refuse_change();

-- Who did or saw what, when, from where and why: inserted in the transaction of the act, never changed (IHE BALP; ASVS 5.0 16.4.2).
-- A row is an act. One that showed several things of a type is kept in one row: `patients` names them one after the other, nothing where one is about nobody;
-- `things` the resources in the same order, empty where the act was a list. `audit_shown` tells it as one event for each (ADR 0026).
-- One part for each month, made ahead; a row whose month has no part lies in `audit_event_rest`, which is told as an alarm and loses nothing.
-- `xact` is the transaction that wrote the row: what tells the chainer which rows it may not have seen yet.
CREATE SEQUENCE audit_event_seq;
CREATE TABLE audit_event (
    seq bigint NOT NULL DEFAULT nextval('audit_event_seq'),
    id text NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL CHECK (action IN ('C', 'R', 'U', 'D', 'E')),
    subtype text NOT NULL,
    verb text NOT NULL DEFAULT '',
    outcome text NOT NULL DEFAULT '0' CHECK (outcome IN ('0', '4', '8', '12')),
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL DEFAULT '',
    role_id text,
    roles text NOT NULL DEFAULT '',
    organization text NOT NULL DEFAULT '',
    purpose text NOT NULL DEFAULT 'TREAT',
    software text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    server text NOT NULL DEFAULT '',
    res_type text NOT NULL,
    res_id text NOT NULL DEFAULT '',
    patient_id text,
    patients text NOT NULL DEFAULT '',
    things text NOT NULL DEFAULT '',
    under_glass text NOT NULL DEFAULT '',
    query text NOT NULL DEFAULT '',
    request_id text NOT NULL DEFAULT '',
    xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT audit_event_pkey PRIMARY KEY (id, at),
    CONSTRAINT audit_event_one_or_many CHECK (patients = '' OR (patient_id IS NULL AND res_id = '' AND patients LIKE '% %'
        AND (things = '' OR length(things) - length(translate(things, ' ', '')) = length(patients) - length(translate(patients, ' ', '')))))
) PARTITION BY RANGE (at);
-- Ascending, though the newest is read first: rows arrive in that order, and each page of the index is then filled to its end. Rows of lists name a patient
-- and no resource.
CREATE INDEX audit_event_patient ON audit_event (patient_id, at) WHERE patient_id IS NOT NULL;
CREATE INDEX audit_event_patients ON audit_event USING gin (string_to_array(patients, ' ')) WITH (gin_pending_list_limit = 512) WHERE patients <> '';
CREATE INDEX audit_event_things ON audit_event USING gin (string_to_array(things, ' ')) WITH (gin_pending_list_limit = 512) WHERE things <> '';
CREATE INDEX audit_event_focus ON audit_event (res_id, at) WHERE res_id <> '';
CREATE INDEX audit_event_organization ON audit_event (organization, at);
CREATE INDEX audit_event_xact ON audit_event (xact);
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event EXECUTE FUNCTION refuse_change();
CREATE TABLE audit_event_rest PARTITION OF audit_event DEFAULT;
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event_rest EXECUTE FUNCTION refuse_change();

-- The events of a row: one for each patient and thing that the act showed. Each has an id of its own, and says so when its patient's glass was broken.
CREATE FUNCTION audit_shown(e audit_event) RETURNS TABLE (nth bigint, id text, res_id text, patient_id text, purpose text) LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT x.nth, CASE WHEN e.patients = '' THEN e.id ELSE e.id || '.' || x.nth END, coalesce(x.thing, ''), x.patient,
        CASE WHEN x.patient = ANY (string_to_array(e.under_glass, ' ')) THEN 'BTG' ELSE e.purpose END
    FROM unnest(CASE WHEN e.patients = '' THEN ARRAY[e.patient_id] ELSE string_to_array(e.patients, ' ', '') END,
        CASE WHEN e.patients = '' THEN ARRAY[e.res_id] ELSE string_to_array(e.things, ' ') END) WITH ORDINALITY AS x (patient, thing, nth);
END;

-- What a patient may read: the events about this patient, each as a row; whom else an act showed is not told. It looks at whole rows, so it says that it may.
CREATE FUNCTION audit_of_patient() RETURNS SETOF audit_event LANGUAGE sql STABLE SET app.kind = 'system' AS $$
    SELECT e.seq, x.id, e.at, e.action, e.subtype, e.verb, e.outcome, e.actor_kind, e.actor_id, e.actor_name, e.role_id, e.roles, e.organization,
        x.purpose, e.software, e.address, e.server, e.res_type, x.res_id, x.patient_id, '', '', '', e.query, e.request_id, e.xact
    FROM audit_event e CROSS JOIN LATERAL audit_shown(e) x
    WHERE x.patient_id = app_actor() AND (e.patient_id = app_actor() OR (e.patients <> '' AND string_to_array(e.patients, ' ') @> ARRAY[app_actor()]))
$$;

-- Makes the parts of the month of `at` and of the months that follow; answers the months that have none, because rows of theirs lie in the rest already.
-- A part is made beside the table and attached: whoever writes does not wait. It runs as the owner: the serving login makes no table.
CREATE FUNCTION audit_partitions(at timestamptz, months integer) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    first timestamptz;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit_partitions', 0));
    FOR ahead IN 0..least(months, 24) LOOP
        first := date_trunc('month', at) + make_interval(months => ahead);
        part := 'audit_event_' || to_char(first, 'YYYY_MM');
        CONTINUE WHEN to_regclass(format('public.%I', part)) IS NOT NULL;
        IF EXISTS (SELECT FROM public.audit_event_rest r WHERE r.at >= first AND r.at < first + interval '1 month') THEN
            RETURN NEXT part;
            CONTINUE;
        END IF;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        EXECUTE format('CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON public.%I EXECUTE FUNCTION public.refuse_change()', part);
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE public.audit_event ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', part, first, first + interval '1 month');
    END LOOP;
END
$$;
SELECT audit_partitions(now(), 3);

-- The proof that no audit row was changed, taken away or put in between: link = SHA-256(link of the row before, version, the row as canonical JSON).
-- A block holds what was chained at once: `seq` the place of its first row, `events` the ids in the order of the chain, `links` 32 bytes for each,
-- `earliest` and `latest` between which instants its rows lie, `newest` the last transaction that wrote one. Blocks are written by one chainer at a time, in
-- the order in which rows became visible; `fence` is the number of the turn. Hashes do not compress: nothing tries.
CREATE TABLE audit_chain (
    seq bigint CONSTRAINT audit_chain_pkey PRIMARY KEY CHECK (seq > 0),
    events text[] NOT NULL,
    links bytea NOT NULL,
    earliest timestamptz NOT NULL,
    latest timestamptz NOT NULL,
    newest xid8 NOT NULL,
    version smallint NOT NULL DEFAULT 1,
    fence bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT audit_chain_links CHECK (cardinality(events) > 0 AND octet_length(links) = 32 * cardinality(events))
);
ALTER TABLE audit_chain ALTER events SET STORAGE EXTERNAL, ALTER links SET STORAGE EXTERNAL;
CREATE INDEX audit_chain_newest ON audit_chain (newest);
CREATE TRIGGER audit_chain_append_only BEFORE UPDATE OR DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain EXECUTE FUNCTION refuse_change();

-- Whose turn it is to chain: one row. Every row of a transaction below `horizon` is chained; that holds in the database cluster `system` alone.
CREATE TABLE audit_chainer (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    fence bigint NOT NULL DEFAULT 0,
    holder text NOT NULL DEFAULT '',
    beat_at timestamptz NOT NULL DEFAULT '-infinity',
    horizon xid8 NOT NULL DEFAULT '0',
    system text NOT NULL DEFAULT ''
);
INSERT INTO audit_chainer DEFAULT VALUES;

-- The key that seals paging positions to their caller: one row.
CREATE TABLE sealing_key (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    key bytea NOT NULL CHECK (length(key) = 32)
);

-- ===== record/index.sql =====

-- Generated by `python -m maillage.record.index` from the published search parameters: change nothing here.

-- Every value of a string parameter: folded for comparison, as written for :exact. Ranges over `value` serve prefixes. And every identifier: its
-- normal form, its system beside it. A plain index has better estimates than an array, and a plan that may be kept.
CREATE TABLE ix_string (
    res_type text NOT NULL,
    id text NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL,
    param text NOT NULL,
    value text COLLATE "C" NOT NULL,
    original text NOT NULL
);
CREATE INDEX ix_string_value ON ix_string (res_type, param, value, id);
CREATE INDEX ix_string_id ON ix_string (res_type, id, param);

CREATE TABLE ix_allergyintolerance (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_asserter text[],
    p_category text[],
    p_clinical_status text[],
    p_code text[],
    p_criticality text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_identifier text[],
    p_last_date_lo timestamptz,
    p_last_date_hi timestamptz,
    p_manifestation text[],
    p_onset_lo timestamptz,
    p_onset_hi timestamptz,
    p_onset_los timestamptz[],
    p_onset_his timestamptz[],
    p_patient text[],
    p_recorder text[],
    p_route text[],
    p_severity text[],
    p_type text[],
    p_verification_status text[]
);
CREATE INDEX ix_allergyintolerance_at ON ix_allergyintolerance (at DESC, id);
CREATE INDEX ix_allergyintolerance_patient ON ix_allergyintolerance (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_allergyintolerance_meta ON ix_allergyintolerance USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_asserter ON ix_allergyintolerance USING gin (p_asserter) WITH (fastupdate = off) WHERE p_asserter IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_category ON ix_allergyintolerance USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_clinical_status ON ix_allergyintolerance USING gin (p_clinical_status) WITH (fastupdate = off) WHERE p_clinical_status IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_code ON ix_allergyintolerance USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_criticality ON ix_allergyintolerance USING gin (p_criticality) WITH (fastupdate = off) WHERE p_criticality IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_date_lo ON ix_allergyintolerance (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_last_date_lo ON ix_allergyintolerance (p_last_date_lo) WHERE p_last_date_lo IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_manifestation ON ix_allergyintolerance USING gin (p_manifestation) WITH (fastupdate = off) WHERE p_manifestation IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_onset_lo ON ix_allergyintolerance (p_onset_lo) WHERE p_onset_lo IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_patient ON ix_allergyintolerance USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_recorder ON ix_allergyintolerance USING gin (p_recorder) WITH (fastupdate = off) WHERE p_recorder IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_route ON ix_allergyintolerance USING gin (p_route) WITH (fastupdate = off) WHERE p_route IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_severity ON ix_allergyintolerance USING gin (p_severity) WITH (fastupdate = off) WHERE p_severity IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_type ON ix_allergyintolerance USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;
CREATE INDEX ix_allergyintolerance_p_verification_status ON ix_allergyintolerance USING gin (p_verification_status) WITH (fastupdate = off) WHERE p_verification_status IS NOT NULL;

CREATE TABLE ix_appointment (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_actor text[],
    p_appointment_type text[],
    p_based_on text[],
    p_created_lo timestamptz,
    p_created_hi timestamptz,
    p_date timestamptz,
    p_identifier text[],
    p_location text[],
    p_part_status text[],
    p_patient text[],
    p_practitioner text[],
    p_reason_code text[],
    p_reason_reference text[],
    p_service_category text[],
    p_service_type text[],
    p_slot text[],
    p_specialty text[],
    p_start timestamptz,
    p_status text[],
    p_supporting_info text[]
);
CREATE INDEX ix_appointment_at ON ix_appointment (at DESC, id);
CREATE INDEX ix_appointment_patient ON ix_appointment (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_appointment_meta ON ix_appointment USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_appointment_p_actor ON ix_appointment USING gin (p_actor) WITH (fastupdate = off) WHERE p_actor IS NOT NULL;
CREATE INDEX ix_appointment_p_appointment_type ON ix_appointment USING gin (p_appointment_type) WITH (fastupdate = off) WHERE p_appointment_type IS NOT NULL;
CREATE INDEX ix_appointment_p_based_on ON ix_appointment USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_appointment_p_created_lo ON ix_appointment (p_created_lo) WHERE p_created_lo IS NOT NULL;
CREATE INDEX ix_appointment_p_date ON ix_appointment (p_date) WHERE p_date IS NOT NULL;
CREATE INDEX ix_appointment_p_location ON ix_appointment USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_appointment_p_part_status ON ix_appointment USING gin (p_part_status) WITH (fastupdate = off) WHERE p_part_status IS NOT NULL;
CREATE INDEX ix_appointment_p_patient ON ix_appointment USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_appointment_p_practitioner ON ix_appointment USING gin (p_practitioner) WITH (fastupdate = off) WHERE p_practitioner IS NOT NULL;
CREATE INDEX ix_appointment_p_reason_code ON ix_appointment USING gin (p_reason_code) WITH (fastupdate = off) WHERE p_reason_code IS NOT NULL;
CREATE INDEX ix_appointment_p_reason_reference ON ix_appointment USING gin (p_reason_reference) WITH (fastupdate = off) WHERE p_reason_reference IS NOT NULL;
CREATE INDEX ix_appointment_p_service_category ON ix_appointment USING gin (p_service_category) WITH (fastupdate = off) WHERE p_service_category IS NOT NULL;
CREATE INDEX ix_appointment_p_service_type ON ix_appointment USING gin (p_service_type) WITH (fastupdate = off) WHERE p_service_type IS NOT NULL;
CREATE INDEX ix_appointment_p_slot ON ix_appointment USING gin (p_slot) WITH (fastupdate = off) WHERE p_slot IS NOT NULL;
CREATE INDEX ix_appointment_p_specialty ON ix_appointment USING gin (p_specialty) WITH (fastupdate = off) WHERE p_specialty IS NOT NULL;
CREATE INDEX ix_appointment_p_start ON ix_appointment (p_start) WHERE p_start IS NOT NULL;
CREATE INDEX ix_appointment_p_status ON ix_appointment USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_appointment_p_supporting_info ON ix_appointment USING gin (p_supporting_info) WITH (fastupdate = off) WHERE p_supporting_info IS NOT NULL;

CREATE TABLE ix_appointmentresponse (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_actor text[],
    p_appointment text[],
    p_identifier text[],
    p_location text[],
    p_part_status text[],
    p_patient text[],
    p_practitioner text[]
);
CREATE INDEX ix_appointmentresponse_at ON ix_appointmentresponse (at DESC, id);
CREATE INDEX ix_appointmentresponse_patient ON ix_appointmentresponse (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_appointmentresponse_meta ON ix_appointmentresponse USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_appointmentresponse_p_actor ON ix_appointmentresponse USING gin (p_actor) WITH (fastupdate = off) WHERE p_actor IS NOT NULL;
CREATE INDEX ix_appointmentresponse_p_appointment ON ix_appointmentresponse USING gin (p_appointment) WITH (fastupdate = off) WHERE p_appointment IS NOT NULL;
CREATE INDEX ix_appointmentresponse_p_location ON ix_appointmentresponse USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_appointmentresponse_p_part_status ON ix_appointmentresponse USING gin (p_part_status) WITH (fastupdate = off) WHERE p_part_status IS NOT NULL;
CREATE INDEX ix_appointmentresponse_p_patient ON ix_appointmentresponse USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_appointmentresponse_p_practitioner ON ix_appointmentresponse USING gin (p_practitioner) WITH (fastupdate = off) WHERE p_practitioner IS NOT NULL;

CREATE TABLE ix_basic (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_author text[],
    p_code text[],
    p_created_lo timestamptz,
    p_created_hi timestamptz,
    p_identifier text[],
    p_patient text[],
    p_subject text[]
);
CREATE INDEX ix_basic_at ON ix_basic (at DESC, id);
CREATE INDEX ix_basic_patient ON ix_basic (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_basic_meta ON ix_basic USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_basic_p_author ON ix_basic USING gin (p_author) WITH (fastupdate = off) WHERE p_author IS NOT NULL;
CREATE INDEX ix_basic_p_code ON ix_basic USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_basic_p_created_lo ON ix_basic (p_created_lo) WHERE p_created_lo IS NOT NULL;
CREATE INDEX ix_basic_p_patient ON ix_basic USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_basic_p_subject ON ix_basic USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_careteam (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_category text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_encounter text[],
    p_end_lo timestamptz,
    p_end_hi timestamptz,
    p_identifier text[],
    p_managingorganization text[],
    p_participant text[],
    p_participant_end_lo timestamptz,
    p_participant_end_hi timestamptz,
    p_participant_end_los timestamptz[],
    p_participant_end_his timestamptz[],
    p_participant_start_lo timestamptz,
    p_participant_start_hi timestamptz,
    p_participant_start_los timestamptz[],
    p_participant_start_his timestamptz[],
    p_patient text[],
    p_start_lo timestamptz,
    p_start_hi timestamptz,
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_careteam_at ON ix_careteam (at DESC, id);
CREATE INDEX ix_careteam_patient ON ix_careteam (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_careteam_meta ON ix_careteam USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_careteam_p_category ON ix_careteam USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_careteam_p_date_lo ON ix_careteam (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_careteam_p_encounter ON ix_careteam USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_careteam_p_end_lo ON ix_careteam (p_end_lo) WHERE p_end_lo IS NOT NULL;
CREATE INDEX ix_careteam_p_managingorganization ON ix_careteam USING gin (p_managingorganization) WITH (fastupdate = off) WHERE p_managingorganization IS NOT NULL;
CREATE INDEX ix_careteam_p_participant ON ix_careteam USING gin (p_participant) WITH (fastupdate = off) WHERE p_participant IS NOT NULL;
CREATE INDEX ix_careteam_p_participant_end_lo ON ix_careteam (p_participant_end_lo) WHERE p_participant_end_lo IS NOT NULL;
CREATE INDEX ix_careteam_p_participant_start_lo ON ix_careteam (p_participant_start_lo) WHERE p_participant_start_lo IS NOT NULL;
CREATE INDEX ix_careteam_p_patient ON ix_careteam USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_careteam_p_start_lo ON ix_careteam (p_start_lo) WHERE p_start_lo IS NOT NULL;
CREATE INDEX ix_careteam_p_status ON ix_careteam USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_careteam_p_subject ON ix_careteam USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_communication (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_based_on text[],
    p_category text[],
    p_encounter text[],
    p_identifier text[],
    p_instantiates_canonical text[],
    p_instantiates_uri text[],
    p_medium text[],
    p_part_of text[],
    p_patient text[],
    p_received_lo timestamptz,
    p_received_hi timestamptz,
    p_recipient text[],
    p_sender text[],
    p_sent_lo timestamptz,
    p_sent_hi timestamptz,
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_communication_at ON ix_communication (at DESC, id);
CREATE INDEX ix_communication_patient ON ix_communication (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_communication_meta ON ix_communication USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_communication_p_based_on ON ix_communication USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_communication_p_category ON ix_communication USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_communication_p_encounter ON ix_communication USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_communication_p_instantiates_canonical ON ix_communication USING gin (p_instantiates_canonical) WITH (fastupdate = off) WHERE p_instantiates_canonical IS NOT NULL;
CREATE INDEX ix_communication_p_instantiates_uri ON ix_communication USING gin (p_instantiates_uri) WITH (fastupdate = off) WHERE p_instantiates_uri IS NOT NULL;
CREATE INDEX ix_communication_p_medium ON ix_communication USING gin (p_medium) WITH (fastupdate = off) WHERE p_medium IS NOT NULL;
CREATE INDEX ix_communication_p_part_of ON ix_communication USING gin (p_part_of) WITH (fastupdate = off) WHERE p_part_of IS NOT NULL;
CREATE INDEX ix_communication_p_patient ON ix_communication USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_communication_p_received_lo ON ix_communication (p_received_lo) WHERE p_received_lo IS NOT NULL;
CREATE INDEX ix_communication_p_recipient ON ix_communication USING gin (p_recipient) WITH (fastupdate = off) WHERE p_recipient IS NOT NULL;
CREATE INDEX ix_communication_p_sender ON ix_communication USING gin (p_sender) WITH (fastupdate = off) WHERE p_sender IS NOT NULL;
CREATE INDEX ix_communication_p_sent_lo ON ix_communication (p_sent_lo) WHERE p_sent_lo IS NOT NULL;
CREATE INDEX ix_communication_p_status ON ix_communication USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_communication_p_subject ON ix_communication USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_communicationrequest (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_authored_lo timestamptz,
    p_authored_hi timestamptz,
    p_based_on text[],
    p_category text[],
    p_encounter text[],
    p_group_identifier text[],
    p_identifier text[],
    p_medium text[],
    p_occurrence_lo timestamptz,
    p_occurrence_hi timestamptz,
    p_patient text[],
    p_priority text[],
    p_recipient text[],
    p_replaces text[],
    p_requester text[],
    p_sender text[],
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_communicationrequest_at ON ix_communicationrequest (at DESC, id);
CREATE INDEX ix_communicationrequest_patient ON ix_communicationrequest (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_communicationrequest_meta ON ix_communicationrequest USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_authored_lo ON ix_communicationrequest (p_authored_lo) WHERE p_authored_lo IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_based_on ON ix_communicationrequest USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_category ON ix_communicationrequest USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_encounter ON ix_communicationrequest USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_medium ON ix_communicationrequest USING gin (p_medium) WITH (fastupdate = off) WHERE p_medium IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_occurrence_lo ON ix_communicationrequest (p_occurrence_lo) WHERE p_occurrence_lo IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_patient ON ix_communicationrequest USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_priority ON ix_communicationrequest USING gin (p_priority) WITH (fastupdate = off) WHERE p_priority IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_recipient ON ix_communicationrequest USING gin (p_recipient) WITH (fastupdate = off) WHERE p_recipient IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_replaces ON ix_communicationrequest USING gin (p_replaces) WITH (fastupdate = off) WHERE p_replaces IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_requester ON ix_communicationrequest USING gin (p_requester) WITH (fastupdate = off) WHERE p_requester IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_sender ON ix_communicationrequest USING gin (p_sender) WITH (fastupdate = off) WHERE p_sender IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_status ON ix_communicationrequest USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_communicationrequest_p_subject ON ix_communicationrequest USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_composition (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_attester text[],
    p_author text[],
    p_category text[],
    p_confidentiality text[],
    p_context text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_encounter text[],
    p_entry text[],
    p_identifier text[],
    p_patient text[],
    p_period_lo timestamptz,
    p_period_hi timestamptz,
    p_period_los timestamptz[],
    p_period_his timestamptz[],
    p_related_id text[],
    p_related_ref text[],
    p_section text[],
    p_status text[],
    p_subject text[],
    p_type text[]
);
CREATE INDEX ix_composition_at ON ix_composition (at DESC, id);
CREATE INDEX ix_composition_patient ON ix_composition (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_composition_meta ON ix_composition USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_composition_p_attester ON ix_composition USING gin (p_attester) WITH (fastupdate = off) WHERE p_attester IS NOT NULL;
CREATE INDEX ix_composition_p_author ON ix_composition USING gin (p_author) WITH (fastupdate = off) WHERE p_author IS NOT NULL;
CREATE INDEX ix_composition_p_category ON ix_composition USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_composition_p_confidentiality ON ix_composition USING gin (p_confidentiality) WITH (fastupdate = off) WHERE p_confidentiality IS NOT NULL;
CREATE INDEX ix_composition_p_context ON ix_composition USING gin (p_context) WITH (fastupdate = off) WHERE p_context IS NOT NULL;
CREATE INDEX ix_composition_p_date_lo ON ix_composition (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_composition_p_encounter ON ix_composition USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_composition_p_entry ON ix_composition USING gin (p_entry) WITH (fastupdate = off) WHERE p_entry IS NOT NULL;
CREATE INDEX ix_composition_p_patient ON ix_composition USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_composition_p_period_lo ON ix_composition (p_period_lo) WHERE p_period_lo IS NOT NULL;
CREATE INDEX ix_composition_p_related_ref ON ix_composition USING gin (p_related_ref) WITH (fastupdate = off) WHERE p_related_ref IS NOT NULL;
CREATE INDEX ix_composition_p_section ON ix_composition USING gin (p_section) WITH (fastupdate = off) WHERE p_section IS NOT NULL;
CREATE INDEX ix_composition_p_status ON ix_composition USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_composition_p_subject ON ix_composition USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;
CREATE INDEX ix_composition_p_type ON ix_composition USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;

CREATE TABLE ix_condition (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_abatement_age_lo numeric[],
    p_abatement_age_hi numeric[],
    p_abatement_age_units text[],
    p_abatement_date_lo timestamptz,
    p_abatement_date_hi timestamptz,
    p_asserter text[],
    p_body_site text[],
    p_category text[],
    p_clinical_status text[],
    p_code text[],
    p_encounter text[],
    p_evidence text[],
    p_evidence_detail text[],
    p_identifier text[],
    p_onset_age_lo numeric[],
    p_onset_age_hi numeric[],
    p_onset_age_units text[],
    p_onset_date_lo timestamptz,
    p_onset_date_hi timestamptz,
    p_patient text[],
    p_recorded_date_lo timestamptz,
    p_recorded_date_hi timestamptz,
    p_severity text[],
    p_stage text[],
    p_subject text[],
    p_verification_status text[]
);
CREATE INDEX ix_condition_at ON ix_condition (at DESC, id);
CREATE INDEX ix_condition_patient ON ix_condition (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_condition_meta ON ix_condition USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_condition_p_abatement_date_lo ON ix_condition (p_abatement_date_lo) WHERE p_abatement_date_lo IS NOT NULL;
CREATE INDEX ix_condition_p_asserter ON ix_condition USING gin (p_asserter) WITH (fastupdate = off) WHERE p_asserter IS NOT NULL;
CREATE INDEX ix_condition_p_body_site ON ix_condition USING gin (p_body_site) WITH (fastupdate = off) WHERE p_body_site IS NOT NULL;
CREATE INDEX ix_condition_p_category ON ix_condition USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_condition_p_clinical_status ON ix_condition USING gin (p_clinical_status) WITH (fastupdate = off) WHERE p_clinical_status IS NOT NULL;
CREATE INDEX ix_condition_p_code ON ix_condition USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_condition_p_encounter ON ix_condition USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_condition_p_evidence ON ix_condition USING gin (p_evidence) WITH (fastupdate = off) WHERE p_evidence IS NOT NULL;
CREATE INDEX ix_condition_p_evidence_detail ON ix_condition USING gin (p_evidence_detail) WITH (fastupdate = off) WHERE p_evidence_detail IS NOT NULL;
CREATE INDEX ix_condition_p_onset_date_lo ON ix_condition (p_onset_date_lo) WHERE p_onset_date_lo IS NOT NULL;
CREATE INDEX ix_condition_p_patient ON ix_condition USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_condition_p_recorded_date_lo ON ix_condition (p_recorded_date_lo) WHERE p_recorded_date_lo IS NOT NULL;
CREATE INDEX ix_condition_p_severity ON ix_condition USING gin (p_severity) WITH (fastupdate = off) WHERE p_severity IS NOT NULL;
CREATE INDEX ix_condition_p_stage ON ix_condition USING gin (p_stage) WITH (fastupdate = off) WHERE p_stage IS NOT NULL;
CREATE INDEX ix_condition_p_subject ON ix_condition USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;
CREATE INDEX ix_condition_p_verification_status ON ix_condition USING gin (p_verification_status) WITH (fastupdate = off) WHERE p_verification_status IS NOT NULL;

CREATE TABLE ix_consent (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_action text[],
    p_actor text[],
    p_category text[],
    p_consentor text[],
    p_data text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_identifier text[],
    p_organization text[],
    p_patient text[],
    p_period_lo timestamptz,
    p_period_hi timestamptz,
    p_purpose text[],
    p_scope text[],
    p_security_label text[],
    p_source_reference text[],
    p_status text[]
);
CREATE INDEX ix_consent_at ON ix_consent (at DESC, id);
CREATE INDEX ix_consent_patient ON ix_consent (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_consent_meta ON ix_consent USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_consent_p_action ON ix_consent USING gin (p_action) WITH (fastupdate = off) WHERE p_action IS NOT NULL;
CREATE INDEX ix_consent_p_actor ON ix_consent USING gin (p_actor) WITH (fastupdate = off) WHERE p_actor IS NOT NULL;
CREATE INDEX ix_consent_p_category ON ix_consent USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_consent_p_consentor ON ix_consent USING gin (p_consentor) WITH (fastupdate = off) WHERE p_consentor IS NOT NULL;
CREATE INDEX ix_consent_p_data ON ix_consent USING gin (p_data) WITH (fastupdate = off) WHERE p_data IS NOT NULL;
CREATE INDEX ix_consent_p_date_lo ON ix_consent (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_consent_p_organization ON ix_consent USING gin (p_organization) WITH (fastupdate = off) WHERE p_organization IS NOT NULL;
CREATE INDEX ix_consent_p_patient ON ix_consent USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_consent_p_period_lo ON ix_consent (p_period_lo) WHERE p_period_lo IS NOT NULL;
CREATE INDEX ix_consent_p_purpose ON ix_consent USING gin (p_purpose) WITH (fastupdate = off) WHERE p_purpose IS NOT NULL;
CREATE INDEX ix_consent_p_scope ON ix_consent USING gin (p_scope) WITH (fastupdate = off) WHERE p_scope IS NOT NULL;
CREATE INDEX ix_consent_p_security_label ON ix_consent USING gin (p_security_label) WITH (fastupdate = off) WHERE p_security_label IS NOT NULL;
CREATE INDEX ix_consent_p_source_reference ON ix_consent USING gin (p_source_reference) WITH (fastupdate = off) WHERE p_source_reference IS NOT NULL;
CREATE INDEX ix_consent_p_status ON ix_consent USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;

CREATE TABLE ix_diagnosticreport (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_based_on text[],
    p_category text[],
    p_code text[],
    p_conclusion text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_encounter text[],
    p_identifier text[],
    p_issued timestamptz,
    p_media text[],
    p_patient text[],
    p_performer text[],
    p_result text[],
    p_results_interpreter text[],
    p_specimen text[],
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_diagnosticreport_at ON ix_diagnosticreport (at DESC, id);
CREATE INDEX ix_diagnosticreport_patient ON ix_diagnosticreport (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_diagnosticreport_meta ON ix_diagnosticreport USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_based_on ON ix_diagnosticreport USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_category ON ix_diagnosticreport USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_code ON ix_diagnosticreport USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_conclusion ON ix_diagnosticreport USING gin (p_conclusion) WITH (fastupdate = off) WHERE p_conclusion IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_date_lo ON ix_diagnosticreport (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_encounter ON ix_diagnosticreport USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_issued ON ix_diagnosticreport (p_issued) WHERE p_issued IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_media ON ix_diagnosticreport USING gin (p_media) WITH (fastupdate = off) WHERE p_media IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_patient ON ix_diagnosticreport USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_performer ON ix_diagnosticreport USING gin (p_performer) WITH (fastupdate = off) WHERE p_performer IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_result ON ix_diagnosticreport USING gin (p_result) WITH (fastupdate = off) WHERE p_result IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_results_interpreter ON ix_diagnosticreport USING gin (p_results_interpreter) WITH (fastupdate = off) WHERE p_results_interpreter IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_specimen ON ix_diagnosticreport USING gin (p_specimen) WITH (fastupdate = off) WHERE p_specimen IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_status ON ix_diagnosticreport USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_diagnosticreport_p_subject ON ix_diagnosticreport USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_documentreference (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_authenticator text[],
    p_author text[],
    p_category text[],
    p_contenttype text[],
    p_custodian text[],
    p_date timestamptz,
    p_encounter text[],
    p_event text[],
    p_facility text[],
    p_format text[],
    p_identifier text[],
    p_isarchived text[],
    p_language text[],
    p_location text[],
    p_patient text[],
    p_period_lo timestamptz,
    p_period_hi timestamptz,
    p_period_end_lo timestamptz,
    p_period_end_hi timestamptz,
    p_period_start_lo timestamptz,
    p_period_start_hi timestamptz,
    p_related text[],
    p_relatesto text[],
    p_relation text[],
    p_relationship text[],
    p_security_label text[],
    p_setting text[],
    p_status text[],
    p_subject text[],
    p_type text[]
);
CREATE INDEX ix_documentreference_at ON ix_documentreference (at DESC, id);
CREATE INDEX ix_documentreference_patient ON ix_documentreference (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_documentreference_meta ON ix_documentreference USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_documentreference_p_authenticator ON ix_documentreference USING gin (p_authenticator) WITH (fastupdate = off) WHERE p_authenticator IS NOT NULL;
CREATE INDEX ix_documentreference_p_author ON ix_documentreference USING gin (p_author) WITH (fastupdate = off) WHERE p_author IS NOT NULL;
CREATE INDEX ix_documentreference_p_category ON ix_documentreference USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_documentreference_p_contenttype ON ix_documentreference USING gin (p_contenttype) WITH (fastupdate = off) WHERE p_contenttype IS NOT NULL;
CREATE INDEX ix_documentreference_p_custodian ON ix_documentreference USING gin (p_custodian) WITH (fastupdate = off) WHERE p_custodian IS NOT NULL;
CREATE INDEX ix_documentreference_p_date ON ix_documentreference (p_date) WHERE p_date IS NOT NULL;
CREATE INDEX ix_documentreference_p_encounter ON ix_documentreference USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_documentreference_p_event ON ix_documentreference USING gin (p_event) WITH (fastupdate = off) WHERE p_event IS NOT NULL;
CREATE INDEX ix_documentreference_p_facility ON ix_documentreference USING gin (p_facility) WITH (fastupdate = off) WHERE p_facility IS NOT NULL;
CREATE INDEX ix_documentreference_p_format ON ix_documentreference USING gin (p_format) WITH (fastupdate = off) WHERE p_format IS NOT NULL;
CREATE INDEX ix_documentreference_p_isarchived ON ix_documentreference USING gin (p_isarchived) WITH (fastupdate = off) WHERE p_isarchived IS NOT NULL;
CREATE INDEX ix_documentreference_p_language ON ix_documentreference USING gin (p_language) WITH (fastupdate = off) WHERE p_language IS NOT NULL;
CREATE INDEX ix_documentreference_p_location ON ix_documentreference USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_documentreference_p_patient ON ix_documentreference USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_documentreference_p_period_lo ON ix_documentreference (p_period_lo) WHERE p_period_lo IS NOT NULL;
CREATE INDEX ix_documentreference_p_period_end_lo ON ix_documentreference (p_period_end_lo) WHERE p_period_end_lo IS NOT NULL;
CREATE INDEX ix_documentreference_p_period_start_lo ON ix_documentreference (p_period_start_lo) WHERE p_period_start_lo IS NOT NULL;
CREATE INDEX ix_documentreference_p_related ON ix_documentreference USING gin (p_related) WITH (fastupdate = off) WHERE p_related IS NOT NULL;
CREATE INDEX ix_documentreference_p_relatesto ON ix_documentreference USING gin (p_relatesto) WITH (fastupdate = off) WHERE p_relatesto IS NOT NULL;
CREATE INDEX ix_documentreference_p_relation ON ix_documentreference USING gin (p_relation) WITH (fastupdate = off) WHERE p_relation IS NOT NULL;
CREATE INDEX ix_documentreference_p_relationship ON ix_documentreference USING gin (p_relationship) WITH (fastupdate = off) WHERE p_relationship IS NOT NULL;
CREATE INDEX ix_documentreference_p_security_label ON ix_documentreference USING gin (p_security_label) WITH (fastupdate = off) WHERE p_security_label IS NOT NULL;
CREATE INDEX ix_documentreference_p_setting ON ix_documentreference USING gin (p_setting) WITH (fastupdate = off) WHERE p_setting IS NOT NULL;
CREATE INDEX ix_documentreference_p_status ON ix_documentreference USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_documentreference_p_subject ON ix_documentreference USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;
CREATE INDEX ix_documentreference_p_type ON ix_documentreference USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;

CREATE TABLE ix_encounter (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_account text[],
    p_appointment text[],
    p_based_on text[],
    p_class text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_diagnosis text[],
    p_episode_of_care text[],
    p_identifier text[],
    p_length_lo numeric[],
    p_length_hi numeric[],
    p_length_units text[],
    p_location text[],
    p_location_period_lo timestamptz,
    p_location_period_hi timestamptz,
    p_location_period_los timestamptz[],
    p_location_period_his timestamptz[],
    p_part_of text[],
    p_participant text[],
    p_participant_type text[],
    p_patient text[],
    p_practitioner text[],
    p_reason_code text[],
    p_reason_reference text[],
    p_service_provider text[],
    p_special_arrangement text[],
    p_status text[],
    p_subject text[],
    p_type text[]
);
CREATE INDEX ix_encounter_at ON ix_encounter (at DESC, id);
CREATE INDEX ix_encounter_patient ON ix_encounter (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_encounter_meta ON ix_encounter USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_encounter_p_account ON ix_encounter USING gin (p_account) WITH (fastupdate = off) WHERE p_account IS NOT NULL;
CREATE INDEX ix_encounter_p_appointment ON ix_encounter USING gin (p_appointment) WITH (fastupdate = off) WHERE p_appointment IS NOT NULL;
CREATE INDEX ix_encounter_p_based_on ON ix_encounter USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_encounter_p_class ON ix_encounter USING gin (p_class) WITH (fastupdate = off) WHERE p_class IS NOT NULL;
CREATE INDEX ix_encounter_p_date_lo ON ix_encounter (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_encounter_p_diagnosis ON ix_encounter USING gin (p_diagnosis) WITH (fastupdate = off) WHERE p_diagnosis IS NOT NULL;
CREATE INDEX ix_encounter_p_episode_of_care ON ix_encounter USING gin (p_episode_of_care) WITH (fastupdate = off) WHERE p_episode_of_care IS NOT NULL;
CREATE INDEX ix_encounter_p_location ON ix_encounter USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_encounter_p_location_period_lo ON ix_encounter (p_location_period_lo) WHERE p_location_period_lo IS NOT NULL;
CREATE INDEX ix_encounter_p_part_of ON ix_encounter USING gin (p_part_of) WITH (fastupdate = off) WHERE p_part_of IS NOT NULL;
CREATE INDEX ix_encounter_p_participant ON ix_encounter USING gin (p_participant) WITH (fastupdate = off) WHERE p_participant IS NOT NULL;
CREATE INDEX ix_encounter_p_participant_type ON ix_encounter USING gin (p_participant_type) WITH (fastupdate = off) WHERE p_participant_type IS NOT NULL;
CREATE INDEX ix_encounter_p_patient ON ix_encounter USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_encounter_p_practitioner ON ix_encounter USING gin (p_practitioner) WITH (fastupdate = off) WHERE p_practitioner IS NOT NULL;
CREATE INDEX ix_encounter_p_reason_code ON ix_encounter USING gin (p_reason_code) WITH (fastupdate = off) WHERE p_reason_code IS NOT NULL;
CREATE INDEX ix_encounter_p_reason_reference ON ix_encounter USING gin (p_reason_reference) WITH (fastupdate = off) WHERE p_reason_reference IS NOT NULL;
CREATE INDEX ix_encounter_p_service_provider ON ix_encounter USING gin (p_service_provider) WITH (fastupdate = off) WHERE p_service_provider IS NOT NULL;
CREATE INDEX ix_encounter_p_special_arrangement ON ix_encounter USING gin (p_special_arrangement) WITH (fastupdate = off) WHERE p_special_arrangement IS NOT NULL;
CREATE INDEX ix_encounter_p_status ON ix_encounter USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_encounter_p_subject ON ix_encounter USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;
CREATE INDEX ix_encounter_p_type ON ix_encounter USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;

CREATE TABLE ix_endpoint (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_connection_type text[],
    p_identifier text[],
    p_organization text[],
    p_payload_type text[],
    p_status text[]
);
CREATE INDEX ix_endpoint_at ON ix_endpoint (at DESC, id);
CREATE INDEX ix_endpoint_patient ON ix_endpoint (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_endpoint_meta ON ix_endpoint USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_endpoint_p_connection_type ON ix_endpoint USING gin (p_connection_type) WITH (fastupdate = off) WHERE p_connection_type IS NOT NULL;
CREATE INDEX ix_endpoint_p_organization ON ix_endpoint USING gin (p_organization) WITH (fastupdate = off) WHERE p_organization IS NOT NULL;
CREATE INDEX ix_endpoint_p_payload_type ON ix_endpoint USING gin (p_payload_type) WITH (fastupdate = off) WHERE p_payload_type IS NOT NULL;
CREATE INDEX ix_endpoint_p_status ON ix_endpoint USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;

CREATE TABLE ix_episodeofcare (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_care_manager text[],
    p_condition text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_identifier text[],
    p_incoming_referral text[],
    p_organization text[],
    p_patient text[],
    p_status text[],
    p_type text[]
);
CREATE INDEX ix_episodeofcare_at ON ix_episodeofcare (at DESC, id);
CREATE INDEX ix_episodeofcare_patient ON ix_episodeofcare (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_episodeofcare_meta ON ix_episodeofcare USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_care_manager ON ix_episodeofcare USING gin (p_care_manager) WITH (fastupdate = off) WHERE p_care_manager IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_condition ON ix_episodeofcare USING gin (p_condition) WITH (fastupdate = off) WHERE p_condition IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_date_lo ON ix_episodeofcare (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_incoming_referral ON ix_episodeofcare USING gin (p_incoming_referral) WITH (fastupdate = off) WHERE p_incoming_referral IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_organization ON ix_episodeofcare USING gin (p_organization) WITH (fastupdate = off) WHERE p_organization IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_patient ON ix_episodeofcare USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_status ON ix_episodeofcare USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_episodeofcare_p_type ON ix_episodeofcare USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;

CREATE TABLE ix_group (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_actual text[],
    p_characteristic text[],
    p_characteristic_value text[],
    p_code text[],
    p_exclude text[],
    p_identifier text[],
    p_managing_entity text[],
    p_member text[],
    p_type text[],
    p_value text[]
);
CREATE INDEX ix_group_at ON ix_group (at DESC, id);
CREATE INDEX ix_group_patient ON ix_group (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_group_meta ON ix_group USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_group_p_actual ON ix_group USING gin (p_actual) WITH (fastupdate = off) WHERE p_actual IS NOT NULL;
CREATE INDEX ix_group_p_characteristic ON ix_group USING gin (p_characteristic) WITH (fastupdate = off) WHERE p_characteristic IS NOT NULL;
CREATE INDEX ix_group_p_characteristic_value ON ix_group USING gin (p_characteristic_value) WITH (fastupdate = off) WHERE p_characteristic_value IS NOT NULL;
CREATE INDEX ix_group_p_code ON ix_group USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_group_p_exclude ON ix_group USING gin (p_exclude) WITH (fastupdate = off) WHERE p_exclude IS NOT NULL;
CREATE INDEX ix_group_p_managing_entity ON ix_group USING gin (p_managing_entity) WITH (fastupdate = off) WHERE p_managing_entity IS NOT NULL;
CREATE INDEX ix_group_p_member ON ix_group USING gin (p_member) WITH (fastupdate = off) WHERE p_member IS NOT NULL;
CREATE INDEX ix_group_p_type ON ix_group USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;
CREATE INDEX ix_group_p_value ON ix_group USING gin (p_value) WITH (fastupdate = off) WHERE p_value IS NOT NULL;

CREATE TABLE ix_healthcareservice (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_characteristic text[],
    p_coverage_area text[],
    p_data_information_system text[],
    p_data_registration_authority text[],
    p_endpoint text[],
    p_identifier text[],
    p_location text[],
    p_organization text[],
    p_program text[],
    p_service_category text[],
    p_service_type text[],
    p_specialty text[]
);
CREATE INDEX ix_healthcareservice_at ON ix_healthcareservice (at DESC, id);
CREATE INDEX ix_healthcareservice_patient ON ix_healthcareservice (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_healthcareservice_meta ON ix_healthcareservice USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_active ON ix_healthcareservice USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_characteristic ON ix_healthcareservice USING gin (p_characteristic) WITH (fastupdate = off) WHERE p_characteristic IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_coverage_area ON ix_healthcareservice USING gin (p_coverage_area) WITH (fastupdate = off) WHERE p_coverage_area IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_data_information_system ON ix_healthcareservice USING gin (p_data_information_system) WITH (fastupdate = off) WHERE p_data_information_system IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_data_registration_authority ON ix_healthcareservice USING gin (p_data_registration_authority) WITH (fastupdate = off) WHERE p_data_registration_authority IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_endpoint ON ix_healthcareservice USING gin (p_endpoint) WITH (fastupdate = off) WHERE p_endpoint IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_location ON ix_healthcareservice USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_organization ON ix_healthcareservice USING gin (p_organization) WITH (fastupdate = off) WHERE p_organization IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_program ON ix_healthcareservice USING gin (p_program) WITH (fastupdate = off) WHERE p_program IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_service_category ON ix_healthcareservice USING gin (p_service_category) WITH (fastupdate = off) WHERE p_service_category IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_service_type ON ix_healthcareservice USING gin (p_service_type) WITH (fastupdate = off) WHERE p_service_type IS NOT NULL;
CREATE INDEX ix_healthcareservice_p_specialty ON ix_healthcareservice USING gin (p_specialty) WITH (fastupdate = off) WHERE p_specialty IS NOT NULL;

CREATE TABLE ix_list (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_authororg text[],
    p_code text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_designationtype text[],
    p_empty_reason text[],
    p_encounter text[],
    p_identifier text[],
    p_isarchived text[],
    p_item text[],
    p_patient text[],
    p_source text[],
    p_sourceid text[],
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_list_at ON ix_list (at DESC, id);
CREATE INDEX ix_list_patient ON ix_list (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_list_meta ON ix_list USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_list_p_authororg ON ix_list USING gin (p_authororg) WITH (fastupdate = off) WHERE p_authororg IS NOT NULL;
CREATE INDEX ix_list_p_code ON ix_list USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_list_p_date_lo ON ix_list (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_list_p_designationtype ON ix_list USING gin (p_designationtype) WITH (fastupdate = off) WHERE p_designationtype IS NOT NULL;
CREATE INDEX ix_list_p_empty_reason ON ix_list USING gin (p_empty_reason) WITH (fastupdate = off) WHERE p_empty_reason IS NOT NULL;
CREATE INDEX ix_list_p_encounter ON ix_list USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_list_p_isarchived ON ix_list USING gin (p_isarchived) WITH (fastupdate = off) WHERE p_isarchived IS NOT NULL;
CREATE INDEX ix_list_p_item ON ix_list USING gin (p_item) WITH (fastupdate = off) WHERE p_item IS NOT NULL;
CREATE INDEX ix_list_p_patient ON ix_list USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_list_p_source ON ix_list USING gin (p_source) WITH (fastupdate = off) WHERE p_source IS NOT NULL;
CREATE INDEX ix_list_p_status ON ix_list USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_list_p_subject ON ix_list USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_location (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_address_use text[],
    p_endpoint text[],
    p_identifier text[],
    p_near_latitude double precision,
    p_near_longitude double precision,
    p_operational_status text[],
    p_organization text[],
    p_partof text[],
    p_status text[],
    p_type text[]
);
CREATE INDEX ix_location_at ON ix_location (at DESC, id);
CREATE INDEX ix_location_patient ON ix_location (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_location_meta ON ix_location USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_location_p_address_use ON ix_location USING gin (p_address_use) WITH (fastupdate = off) WHERE p_address_use IS NOT NULL;
CREATE INDEX ix_location_p_endpoint ON ix_location USING gin (p_endpoint) WITH (fastupdate = off) WHERE p_endpoint IS NOT NULL;
CREATE INDEX ix_location_p_near_latitude ON ix_location (p_near_latitude) WHERE p_near_latitude IS NOT NULL;
CREATE INDEX ix_location_p_operational_status ON ix_location USING gin (p_operational_status) WITH (fastupdate = off) WHERE p_operational_status IS NOT NULL;
CREATE INDEX ix_location_p_organization ON ix_location USING gin (p_organization) WITH (fastupdate = off) WHERE p_organization IS NOT NULL;
CREATE INDEX ix_location_p_partof ON ix_location USING gin (p_partof) WITH (fastupdate = off) WHERE p_partof IS NOT NULL;
CREATE INDEX ix_location_p_status ON ix_location USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_location_p_type ON ix_location USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;

CREATE TABLE ix_media (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_based_on text[],
    p_created_lo timestamptz,
    p_created_hi timestamptz,
    p_device text[],
    p_encounter text[],
    p_identifier text[],
    p_modality text[],
    p_operator text[],
    p_patient text[],
    p_site text[],
    p_status text[],
    p_subject text[],
    p_type text[],
    p_view text[]
);
CREATE INDEX ix_media_at ON ix_media (at DESC, id);
CREATE INDEX ix_media_patient ON ix_media (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_media_meta ON ix_media USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_media_p_based_on ON ix_media USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_media_p_created_lo ON ix_media (p_created_lo) WHERE p_created_lo IS NOT NULL;
CREATE INDEX ix_media_p_device ON ix_media USING gin (p_device) WITH (fastupdate = off) WHERE p_device IS NOT NULL;
CREATE INDEX ix_media_p_encounter ON ix_media USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_media_p_modality ON ix_media USING gin (p_modality) WITH (fastupdate = off) WHERE p_modality IS NOT NULL;
CREATE INDEX ix_media_p_operator ON ix_media USING gin (p_operator) WITH (fastupdate = off) WHERE p_operator IS NOT NULL;
CREATE INDEX ix_media_p_patient ON ix_media USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_media_p_site ON ix_media USING gin (p_site) WITH (fastupdate = off) WHERE p_site IS NOT NULL;
CREATE INDEX ix_media_p_status ON ix_media USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_media_p_subject ON ix_media USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;
CREATE INDEX ix_media_p_type ON ix_media USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;
CREATE INDEX ix_media_p_view ON ix_media USING gin (p_view) WITH (fastupdate = off) WHERE p_view IS NOT NULL;

CREATE TABLE ix_medicationstatement (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_category text[],
    p_code text[],
    p_context text[],
    p_effective_lo timestamptz,
    p_effective_hi timestamptz,
    p_identifier text[],
    p_medication text[],
    p_part_of text[],
    p_patient text[],
    p_source text[],
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_medicationstatement_at ON ix_medicationstatement (at DESC, id);
CREATE INDEX ix_medicationstatement_patient ON ix_medicationstatement (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_medicationstatement_meta ON ix_medicationstatement USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_category ON ix_medicationstatement USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_code ON ix_medicationstatement USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_context ON ix_medicationstatement USING gin (p_context) WITH (fastupdate = off) WHERE p_context IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_effective_lo ON ix_medicationstatement (p_effective_lo) WHERE p_effective_lo IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_medication ON ix_medicationstatement USING gin (p_medication) WITH (fastupdate = off) WHERE p_medication IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_part_of ON ix_medicationstatement USING gin (p_part_of) WITH (fastupdate = off) WHERE p_part_of IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_patient ON ix_medicationstatement USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_source ON ix_medicationstatement USING gin (p_source) WITH (fastupdate = off) WHERE p_source IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_status ON ix_medicationstatement USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_medicationstatement_p_subject ON ix_medicationstatement USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_observation (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_based_on text[],
    p_category text[],
    p_code text[],
    p_code_value_concept text[],
    p_code_value_date_first text[],
    p_code_value_date_lo timestamptz[],
    p_code_value_date_hi timestamptz[],
    p_code_value_quantity_first text[],
    p_code_value_quantity_lo numeric[],
    p_code_value_quantity_hi numeric[],
    p_code_value_quantity_units text[],
    p_code_value_string_first text[],
    p_code_value_string_words text[],
    p_combo_code text[],
    p_combo_code_value_concept text[],
    p_combo_code_value_quantity_first text[],
    p_combo_code_value_quantity_lo numeric[],
    p_combo_code_value_quantity_hi numeric[],
    p_combo_code_value_quantity_units text[],
    p_combo_data_absent_reason text[],
    p_combo_value_concept text[],
    p_combo_value_quantity_lo numeric[],
    p_combo_value_quantity_hi numeric[],
    p_combo_value_quantity_units text[],
    p_component_code text[],
    p_component_code_value_concept text[],
    p_component_code_value_quantity_first text[],
    p_component_code_value_quantity_lo numeric[],
    p_component_code_value_quantity_hi numeric[],
    p_component_code_value_quantity_units text[],
    p_component_data_absent_reason text[],
    p_component_value_concept text[],
    p_component_value_quantity_lo numeric[],
    p_component_value_quantity_hi numeric[],
    p_component_value_quantity_units text[],
    p_data_absent_reason text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_derived_from text[],
    p_device text[],
    p_encounter text[],
    p_focus text[],
    p_has_member text[],
    p_identifier text[],
    p_method text[],
    p_part_of text[],
    p_patient text[],
    p_performer text[],
    p_specimen text[],
    p_status text[],
    p_subject text[],
    p_value_concept text[],
    p_value_date_lo timestamptz,
    p_value_date_hi timestamptz,
    p_value_quantity_lo numeric[],
    p_value_quantity_hi numeric[],
    p_value_quantity_units text[]
);
CREATE INDEX ix_observation_at ON ix_observation (at DESC, id);
CREATE INDEX ix_observation_patient ON ix_observation (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_observation_meta ON ix_observation USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_observation_p_based_on ON ix_observation USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_observation_p_category ON ix_observation USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_observation_p_code ON ix_observation USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_observation_p_code_value_concept ON ix_observation USING gin (p_code_value_concept) WITH (fastupdate = off) WHERE p_code_value_concept IS NOT NULL;
CREATE INDEX ix_observation_p_code_value_date_first ON ix_observation USING gin (p_code_value_date_first) WITH (fastupdate = off) WHERE p_code_value_date_first IS NOT NULL;
CREATE INDEX ix_observation_p_code_value_quantity_first ON ix_observation USING gin (p_code_value_quantity_first) WITH (fastupdate = off) WHERE p_code_value_quantity_first IS NOT NULL;
CREATE INDEX ix_observation_p_code_value_string_first ON ix_observation USING gin (p_code_value_string_first) WITH (fastupdate = off) WHERE p_code_value_string_first IS NOT NULL;
CREATE INDEX ix_observation_p_combo_code ON ix_observation USING gin (p_combo_code) WITH (fastupdate = off) WHERE p_combo_code IS NOT NULL;
CREATE INDEX ix_observation_p_combo_code_value_concept ON ix_observation USING gin (p_combo_code_value_concept) WITH (fastupdate = off) WHERE p_combo_code_value_concept IS NOT NULL;
CREATE INDEX ix_observation_p_combo_code_value_quantity_first ON ix_observation USING gin (p_combo_code_value_quantity_first) WITH (fastupdate = off) WHERE p_combo_code_value_quantity_first IS NOT NULL;
CREATE INDEX ix_observation_p_combo_data_absent_reason ON ix_observation USING gin (p_combo_data_absent_reason) WITH (fastupdate = off) WHERE p_combo_data_absent_reason IS NOT NULL;
CREATE INDEX ix_observation_p_combo_value_concept ON ix_observation USING gin (p_combo_value_concept) WITH (fastupdate = off) WHERE p_combo_value_concept IS NOT NULL;
CREATE INDEX ix_observation_p_component_code ON ix_observation USING gin (p_component_code) WITH (fastupdate = off) WHERE p_component_code IS NOT NULL;
CREATE INDEX ix_observation_p_component_code_value_concept ON ix_observation USING gin (p_component_code_value_concept) WITH (fastupdate = off) WHERE p_component_code_value_concept IS NOT NULL;
CREATE INDEX ix_observation_p_component_code_value_quantity_first ON ix_observation USING gin (p_component_code_value_quantity_first) WITH (fastupdate = off) WHERE p_component_code_value_quantity_first IS NOT NULL;
CREATE INDEX ix_observation_p_component_data_absent_reason ON ix_observation USING gin (p_component_data_absent_reason) WITH (fastupdate = off) WHERE p_component_data_absent_reason IS NOT NULL;
CREATE INDEX ix_observation_p_component_value_concept ON ix_observation USING gin (p_component_value_concept) WITH (fastupdate = off) WHERE p_component_value_concept IS NOT NULL;
CREATE INDEX ix_observation_p_data_absent_reason ON ix_observation USING gin (p_data_absent_reason) WITH (fastupdate = off) WHERE p_data_absent_reason IS NOT NULL;
CREATE INDEX ix_observation_p_date_lo ON ix_observation (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_observation_p_derived_from ON ix_observation USING gin (p_derived_from) WITH (fastupdate = off) WHERE p_derived_from IS NOT NULL;
CREATE INDEX ix_observation_p_device ON ix_observation USING gin (p_device) WITH (fastupdate = off) WHERE p_device IS NOT NULL;
CREATE INDEX ix_observation_p_encounter ON ix_observation USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_observation_p_focus ON ix_observation USING gin (p_focus) WITH (fastupdate = off) WHERE p_focus IS NOT NULL;
CREATE INDEX ix_observation_p_has_member ON ix_observation USING gin (p_has_member) WITH (fastupdate = off) WHERE p_has_member IS NOT NULL;
CREATE INDEX ix_observation_p_method ON ix_observation USING gin (p_method) WITH (fastupdate = off) WHERE p_method IS NOT NULL;
CREATE INDEX ix_observation_p_part_of ON ix_observation USING gin (p_part_of) WITH (fastupdate = off) WHERE p_part_of IS NOT NULL;
CREATE INDEX ix_observation_p_patient ON ix_observation USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_observation_p_performer ON ix_observation USING gin (p_performer) WITH (fastupdate = off) WHERE p_performer IS NOT NULL;
CREATE INDEX ix_observation_p_specimen ON ix_observation USING gin (p_specimen) WITH (fastupdate = off) WHERE p_specimen IS NOT NULL;
CREATE INDEX ix_observation_p_status ON ix_observation USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_observation_p_subject ON ix_observation USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;
CREATE INDEX ix_observation_p_value_concept ON ix_observation USING gin (p_value_concept) WITH (fastupdate = off) WHERE p_value_concept IS NOT NULL;
CREATE INDEX ix_observation_p_value_date_lo ON ix_observation (p_value_date_lo) WHERE p_value_date_lo IS NOT NULL;

CREATE TABLE ix_organization (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_address_insee text[],
    p_address_use text[],
    p_data_information_system text[],
    p_data_registration_authority text[],
    p_endpoint text[],
    p_identifier text[],
    p_mailbox_mss_type text[],
    p_partof text[],
    p_period_lo timestamptz,
    p_period_hi timestamptz,
    p_period_los timestamptz[],
    p_period_his timestamptz[],
    p_type text[]
);
CREATE INDEX ix_organization_at ON ix_organization (at DESC, id);
CREATE INDEX ix_organization_patient ON ix_organization (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_organization_meta ON ix_organization USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_organization_p_active ON ix_organization USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_organization_p_address_insee ON ix_organization USING gin (p_address_insee) WITH (fastupdate = off) WHERE p_address_insee IS NOT NULL;
CREATE INDEX ix_organization_p_address_use ON ix_organization USING gin (p_address_use) WITH (fastupdate = off) WHERE p_address_use IS NOT NULL;
CREATE INDEX ix_organization_p_data_information_system ON ix_organization USING gin (p_data_information_system) WITH (fastupdate = off) WHERE p_data_information_system IS NOT NULL;
CREATE INDEX ix_organization_p_data_registration_authority ON ix_organization USING gin (p_data_registration_authority) WITH (fastupdate = off) WHERE p_data_registration_authority IS NOT NULL;
CREATE INDEX ix_organization_p_endpoint ON ix_organization USING gin (p_endpoint) WITH (fastupdate = off) WHERE p_endpoint IS NOT NULL;
CREATE INDEX ix_organization_p_mailbox_mss_type ON ix_organization USING gin (p_mailbox_mss_type) WITH (fastupdate = off) WHERE p_mailbox_mss_type IS NOT NULL;
CREATE INDEX ix_organization_p_partof ON ix_organization USING gin (p_partof) WITH (fastupdate = off) WHERE p_partof IS NOT NULL;
CREATE INDEX ix_organization_p_period_lo ON ix_organization (p_period_lo) WHERE p_period_lo IS NOT NULL;
CREATE INDEX ix_organization_p_type ON ix_organization USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;

CREATE TABLE ix_organizationaffiliation (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_email text[],
    p_endpoint text[],
    p_identifier text[],
    p_location text[],
    p_network text[],
    p_participating_organization text[],
    p_phone text[],
    p_primary_organization text[],
    p_role text[],
    p_service text[],
    p_specialty text[],
    p_telecom text[]
);
CREATE INDEX ix_organizationaffiliation_at ON ix_organizationaffiliation (at DESC, id);
CREATE INDEX ix_organizationaffiliation_patient ON ix_organizationaffiliation (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_meta ON ix_organizationaffiliation USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_active ON ix_organizationaffiliation USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_date_lo ON ix_organizationaffiliation (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_email ON ix_organizationaffiliation USING gin (p_email) WITH (fastupdate = off) WHERE p_email IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_endpoint ON ix_organizationaffiliation USING gin (p_endpoint) WITH (fastupdate = off) WHERE p_endpoint IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_location ON ix_organizationaffiliation USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_network ON ix_organizationaffiliation USING gin (p_network) WITH (fastupdate = off) WHERE p_network IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_participating_organization ON ix_organizationaffiliation USING gin (p_participating_organization) WITH (fastupdate = off) WHERE p_participating_organization IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_phone ON ix_organizationaffiliation USING gin (p_phone) WITH (fastupdate = off) WHERE p_phone IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_primary_organization ON ix_organizationaffiliation USING gin (p_primary_organization) WITH (fastupdate = off) WHERE p_primary_organization IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_role ON ix_organizationaffiliation USING gin (p_role) WITH (fastupdate = off) WHERE p_role IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_service ON ix_organizationaffiliation USING gin (p_service) WITH (fastupdate = off) WHERE p_service IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_specialty ON ix_organizationaffiliation USING gin (p_specialty) WITH (fastupdate = off) WHERE p_specialty IS NOT NULL;
CREATE INDEX ix_organizationaffiliation_p_telecom ON ix_organizationaffiliation USING gin (p_telecom) WITH (fastupdate = off) WHERE p_telecom IS NOT NULL;

CREATE TABLE ix_patient (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_address_use text[],
    p_birthdate_lo timestamptz,
    p_birthdate_hi timestamptz,
    p_death_date_lo timestamptz,
    p_death_date_hi timestamptz,
    p_deceased text[],
    p_email text[],
    p_gender text[],
    p_general_practitioner text[],
    p_identifier text[],
    p_language text[],
    p_link text[],
    p_organization text[],
    p_phone text[],
    p_telecom text[]
);
CREATE INDEX ix_patient_at ON ix_patient (at DESC, id);
CREATE INDEX ix_patient_patient ON ix_patient (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_patient_meta ON ix_patient USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_patient_p_active ON ix_patient USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_patient_p_address_use ON ix_patient USING gin (p_address_use) WITH (fastupdate = off) WHERE p_address_use IS NOT NULL;
CREATE INDEX ix_patient_p_birthdate_lo ON ix_patient (p_birthdate_lo) WHERE p_birthdate_lo IS NOT NULL;
CREATE INDEX ix_patient_p_death_date_lo ON ix_patient (p_death_date_lo) WHERE p_death_date_lo IS NOT NULL;
CREATE INDEX ix_patient_p_deceased ON ix_patient USING gin (p_deceased) WITH (fastupdate = off) WHERE p_deceased IS NOT NULL;
CREATE INDEX ix_patient_p_email ON ix_patient USING gin (p_email) WITH (fastupdate = off) WHERE p_email IS NOT NULL;
CREATE INDEX ix_patient_p_gender ON ix_patient USING gin (p_gender) WITH (fastupdate = off) WHERE p_gender IS NOT NULL;
CREATE INDEX ix_patient_p_general_practitioner ON ix_patient USING gin (p_general_practitioner) WITH (fastupdate = off) WHERE p_general_practitioner IS NOT NULL;
CREATE INDEX ix_patient_p_language ON ix_patient USING gin (p_language) WITH (fastupdate = off) WHERE p_language IS NOT NULL;
CREATE INDEX ix_patient_p_link ON ix_patient USING gin (p_link) WITH (fastupdate = off) WHERE p_link IS NOT NULL;
CREATE INDEX ix_patient_p_organization ON ix_patient USING gin (p_organization) WITH (fastupdate = off) WHERE p_organization IS NOT NULL;
CREATE INDEX ix_patient_p_phone ON ix_patient USING gin (p_phone) WITH (fastupdate = off) WHERE p_phone IS NOT NULL;
CREATE INDEX ix_patient_p_telecom ON ix_patient USING gin (p_telecom) WITH (fastupdate = off) WHERE p_telecom IS NOT NULL;

CREATE TABLE ix_plandefinition (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_composed_of text[],
    p_context text[],
    p_context_quantity_lo numeric[],
    p_context_quantity_hi numeric[],
    p_context_quantity_units text[],
    p_context_type text[],
    p_context_type_quantity_first text[],
    p_context_type_quantity_lo numeric[],
    p_context_type_quantity_hi numeric[],
    p_context_type_quantity_units text[],
    p_context_type_value text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_definition text[],
    p_depends_on text[],
    p_derived_from text[],
    p_effective_lo timestamptz,
    p_effective_hi timestamptz,
    p_identifier text[],
    p_jurisdiction text[],
    p_predecessor text[],
    p_status text[],
    p_successor text[],
    p_topic text[],
    p_type text[],
    p_url text[],
    p_version text[]
);
CREATE INDEX ix_plandefinition_at ON ix_plandefinition (at DESC, id);
CREATE INDEX ix_plandefinition_patient ON ix_plandefinition (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_plandefinition_meta ON ix_plandefinition USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_plandefinition_p_composed_of ON ix_plandefinition USING gin (p_composed_of) WITH (fastupdate = off) WHERE p_composed_of IS NOT NULL;
CREATE INDEX ix_plandefinition_p_context ON ix_plandefinition USING gin (p_context) WITH (fastupdate = off) WHERE p_context IS NOT NULL;
CREATE INDEX ix_plandefinition_p_context_type ON ix_plandefinition USING gin (p_context_type) WITH (fastupdate = off) WHERE p_context_type IS NOT NULL;
CREATE INDEX ix_plandefinition_p_context_type_quantity_first ON ix_plandefinition USING gin (p_context_type_quantity_first) WITH (fastupdate = off) WHERE p_context_type_quantity_first IS NOT NULL;
CREATE INDEX ix_plandefinition_p_context_type_value ON ix_plandefinition USING gin (p_context_type_value) WITH (fastupdate = off) WHERE p_context_type_value IS NOT NULL;
CREATE INDEX ix_plandefinition_p_date_lo ON ix_plandefinition (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_plandefinition_p_definition ON ix_plandefinition USING gin (p_definition) WITH (fastupdate = off) WHERE p_definition IS NOT NULL;
CREATE INDEX ix_plandefinition_p_depends_on ON ix_plandefinition USING gin (p_depends_on) WITH (fastupdate = off) WHERE p_depends_on IS NOT NULL;
CREATE INDEX ix_plandefinition_p_derived_from ON ix_plandefinition USING gin (p_derived_from) WITH (fastupdate = off) WHERE p_derived_from IS NOT NULL;
CREATE INDEX ix_plandefinition_p_effective_lo ON ix_plandefinition (p_effective_lo) WHERE p_effective_lo IS NOT NULL;
CREATE INDEX ix_plandefinition_p_jurisdiction ON ix_plandefinition USING gin (p_jurisdiction) WITH (fastupdate = off) WHERE p_jurisdiction IS NOT NULL;
CREATE INDEX ix_plandefinition_p_predecessor ON ix_plandefinition USING gin (p_predecessor) WITH (fastupdate = off) WHERE p_predecessor IS NOT NULL;
CREATE INDEX ix_plandefinition_p_status ON ix_plandefinition USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_plandefinition_p_successor ON ix_plandefinition USING gin (p_successor) WITH (fastupdate = off) WHERE p_successor IS NOT NULL;
CREATE INDEX ix_plandefinition_p_topic ON ix_plandefinition USING gin (p_topic) WITH (fastupdate = off) WHERE p_topic IS NOT NULL;
CREATE INDEX ix_plandefinition_p_type ON ix_plandefinition USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;
CREATE INDEX ix_plandefinition_p_url ON ix_plandefinition USING gin (p_url) WITH (fastupdate = off) WHERE p_url IS NOT NULL;
CREATE INDEX ix_plandefinition_p_version ON ix_plandefinition USING gin (p_version) WITH (fastupdate = off) WHERE p_version IS NOT NULL;

CREATE TABLE ix_practitioner (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_address_use text[],
    p_communication text[],
    p_data_information_system text[],
    p_data_registration_authority text[],
    p_email text[],
    p_gender text[],
    p_identifier text[],
    p_mailbox_mss_type text[],
    p_phone text[],
    p_qualification_code text[],
    p_telecom text[],
    p_type_smartcard text[]
);
CREATE INDEX ix_practitioner_at ON ix_practitioner (at DESC, id);
CREATE INDEX ix_practitioner_patient ON ix_practitioner (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_practitioner_meta ON ix_practitioner USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_practitioner_p_active ON ix_practitioner USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_practitioner_p_address_use ON ix_practitioner USING gin (p_address_use) WITH (fastupdate = off) WHERE p_address_use IS NOT NULL;
CREATE INDEX ix_practitioner_p_communication ON ix_practitioner USING gin (p_communication) WITH (fastupdate = off) WHERE p_communication IS NOT NULL;
CREATE INDEX ix_practitioner_p_data_information_system ON ix_practitioner USING gin (p_data_information_system) WITH (fastupdate = off) WHERE p_data_information_system IS NOT NULL;
CREATE INDEX ix_practitioner_p_data_registration_authority ON ix_practitioner USING gin (p_data_registration_authority) WITH (fastupdate = off) WHERE p_data_registration_authority IS NOT NULL;
CREATE INDEX ix_practitioner_p_email ON ix_practitioner USING gin (p_email) WITH (fastupdate = off) WHERE p_email IS NOT NULL;
CREATE INDEX ix_practitioner_p_gender ON ix_practitioner USING gin (p_gender) WITH (fastupdate = off) WHERE p_gender IS NOT NULL;
CREATE INDEX ix_practitioner_p_mailbox_mss_type ON ix_practitioner USING gin (p_mailbox_mss_type) WITH (fastupdate = off) WHERE p_mailbox_mss_type IS NOT NULL;
CREATE INDEX ix_practitioner_p_phone ON ix_practitioner USING gin (p_phone) WITH (fastupdate = off) WHERE p_phone IS NOT NULL;
CREATE INDEX ix_practitioner_p_qualification_code ON ix_practitioner USING gin (p_qualification_code) WITH (fastupdate = off) WHERE p_qualification_code IS NOT NULL;
CREATE INDEX ix_practitioner_p_telecom ON ix_practitioner USING gin (p_telecom) WITH (fastupdate = off) WHERE p_telecom IS NOT NULL;
CREATE INDEX ix_practitioner_p_type_smartcard ON ix_practitioner USING gin (p_type_smartcard) WITH (fastupdate = off) WHERE p_type_smartcard IS NOT NULL;

CREATE TABLE ix_practitionerrole (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_data_information_system text[],
    p_data_registration_authority text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_email text[],
    p_endpoint text[],
    p_identifier text[],
    p_location text[],
    p_mailbox_mss_type text[],
    p_organization text[],
    p_phone text[],
    p_practitioner text[],
    p_role text[],
    p_service text[],
    p_specialty text[],
    p_telecom text[],
    p_type_smartcard text[]
);
CREATE INDEX ix_practitionerrole_at ON ix_practitionerrole (at DESC, id);
CREATE INDEX ix_practitionerrole_patient ON ix_practitionerrole (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_practitionerrole_meta ON ix_practitionerrole USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_active ON ix_practitionerrole USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_data_information_system ON ix_practitionerrole USING gin (p_data_information_system) WITH (fastupdate = off) WHERE p_data_information_system IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_data_registration_authority ON ix_practitionerrole USING gin (p_data_registration_authority) WITH (fastupdate = off) WHERE p_data_registration_authority IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_date_lo ON ix_practitionerrole (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_email ON ix_practitionerrole USING gin (p_email) WITH (fastupdate = off) WHERE p_email IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_endpoint ON ix_practitionerrole USING gin (p_endpoint) WITH (fastupdate = off) WHERE p_endpoint IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_location ON ix_practitionerrole USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_mailbox_mss_type ON ix_practitionerrole USING gin (p_mailbox_mss_type) WITH (fastupdate = off) WHERE p_mailbox_mss_type IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_organization ON ix_practitionerrole USING gin (p_organization) WITH (fastupdate = off) WHERE p_organization IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_phone ON ix_practitionerrole USING gin (p_phone) WITH (fastupdate = off) WHERE p_phone IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_practitioner ON ix_practitionerrole USING gin (p_practitioner) WITH (fastupdate = off) WHERE p_practitioner IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_role ON ix_practitionerrole USING gin (p_role) WITH (fastupdate = off) WHERE p_role IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_service ON ix_practitionerrole USING gin (p_service) WITH (fastupdate = off) WHERE p_service IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_specialty ON ix_practitionerrole USING gin (p_specialty) WITH (fastupdate = off) WHERE p_specialty IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_telecom ON ix_practitionerrole USING gin (p_telecom) WITH (fastupdate = off) WHERE p_telecom IS NOT NULL;
CREATE INDEX ix_practitionerrole_p_type_smartcard ON ix_practitionerrole USING gin (p_type_smartcard) WITH (fastupdate = off) WHERE p_type_smartcard IS NOT NULL;

CREATE TABLE ix_procedure (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_based_on text[],
    p_category text[],
    p_code text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_encounter text[],
    p_identifier text[],
    p_instantiates_canonical text[],
    p_instantiates_uri text[],
    p_location text[],
    p_part_of text[],
    p_patient text[],
    p_performer text[],
    p_reason_code text[],
    p_reason_reference text[],
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_procedure_at ON ix_procedure (at DESC, id);
CREATE INDEX ix_procedure_patient ON ix_procedure (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_procedure_meta ON ix_procedure USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_procedure_p_based_on ON ix_procedure USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_procedure_p_category ON ix_procedure USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_procedure_p_code ON ix_procedure USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_procedure_p_date_lo ON ix_procedure (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_procedure_p_encounter ON ix_procedure USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_procedure_p_instantiates_canonical ON ix_procedure USING gin (p_instantiates_canonical) WITH (fastupdate = off) WHERE p_instantiates_canonical IS NOT NULL;
CREATE INDEX ix_procedure_p_instantiates_uri ON ix_procedure USING gin (p_instantiates_uri) WITH (fastupdate = off) WHERE p_instantiates_uri IS NOT NULL;
CREATE INDEX ix_procedure_p_location ON ix_procedure USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_procedure_p_part_of ON ix_procedure USING gin (p_part_of) WITH (fastupdate = off) WHERE p_part_of IS NOT NULL;
CREATE INDEX ix_procedure_p_patient ON ix_procedure USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_procedure_p_performer ON ix_procedure USING gin (p_performer) WITH (fastupdate = off) WHERE p_performer IS NOT NULL;
CREATE INDEX ix_procedure_p_reason_code ON ix_procedure USING gin (p_reason_code) WITH (fastupdate = off) WHERE p_reason_code IS NOT NULL;
CREATE INDEX ix_procedure_p_reason_reference ON ix_procedure USING gin (p_reason_reference) WITH (fastupdate = off) WHERE p_reason_reference IS NOT NULL;
CREATE INDEX ix_procedure_p_status ON ix_procedure USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_procedure_p_subject ON ix_procedure USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_provenance (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_agent text[],
    p_agent_role text[],
    p_agent_type text[],
    p_entity text[],
    p_location text[],
    p_patient text[],
    p_recorded timestamptz,
    p_signature_type text[],
    p_target text[],
    p_when_lo timestamptz,
    p_when_hi timestamptz
);
CREATE INDEX ix_provenance_at ON ix_provenance (at DESC, id);
CREATE INDEX ix_provenance_patient ON ix_provenance (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_provenance_meta ON ix_provenance USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_provenance_p_agent ON ix_provenance USING gin (p_agent) WITH (fastupdate = off) WHERE p_agent IS NOT NULL;
CREATE INDEX ix_provenance_p_agent_role ON ix_provenance USING gin (p_agent_role) WITH (fastupdate = off) WHERE p_agent_role IS NOT NULL;
CREATE INDEX ix_provenance_p_agent_type ON ix_provenance USING gin (p_agent_type) WITH (fastupdate = off) WHERE p_agent_type IS NOT NULL;
CREATE INDEX ix_provenance_p_entity ON ix_provenance USING gin (p_entity) WITH (fastupdate = off) WHERE p_entity IS NOT NULL;
CREATE INDEX ix_provenance_p_location ON ix_provenance USING gin (p_location) WITH (fastupdate = off) WHERE p_location IS NOT NULL;
CREATE INDEX ix_provenance_p_patient ON ix_provenance USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_provenance_p_recorded ON ix_provenance (p_recorded) WHERE p_recorded IS NOT NULL;
CREATE INDEX ix_provenance_p_signature_type ON ix_provenance USING gin (p_signature_type) WITH (fastupdate = off) WHERE p_signature_type IS NOT NULL;
CREATE INDEX ix_provenance_p_target ON ix_provenance USING gin (p_target) WITH (fastupdate = off) WHERE p_target IS NOT NULL;
CREATE INDEX ix_provenance_p_when_lo ON ix_provenance (p_when_lo) WHERE p_when_lo IS NOT NULL;

CREATE TABLE ix_questionnaire (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_code text[],
    p_context text[],
    p_context_quantity_lo numeric[],
    p_context_quantity_hi numeric[],
    p_context_quantity_units text[],
    p_context_type text[],
    p_context_type_quantity_first text[],
    p_context_type_quantity_lo numeric[],
    p_context_type_quantity_hi numeric[],
    p_context_type_quantity_units text[],
    p_context_type_value text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_definition text[],
    p_effective_lo timestamptz,
    p_effective_hi timestamptz,
    p_identifier text[],
    p_jurisdiction text[],
    p_status text[],
    p_subject_type text[],
    p_url text[],
    p_version text[]
);
CREATE INDEX ix_questionnaire_at ON ix_questionnaire (at DESC, id);
CREATE INDEX ix_questionnaire_patient ON ix_questionnaire (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_questionnaire_meta ON ix_questionnaire USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_questionnaire_p_code ON ix_questionnaire USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_questionnaire_p_context ON ix_questionnaire USING gin (p_context) WITH (fastupdate = off) WHERE p_context IS NOT NULL;
CREATE INDEX ix_questionnaire_p_context_type ON ix_questionnaire USING gin (p_context_type) WITH (fastupdate = off) WHERE p_context_type IS NOT NULL;
CREATE INDEX ix_questionnaire_p_context_type_quantity_first ON ix_questionnaire USING gin (p_context_type_quantity_first) WITH (fastupdate = off) WHERE p_context_type_quantity_first IS NOT NULL;
CREATE INDEX ix_questionnaire_p_context_type_value ON ix_questionnaire USING gin (p_context_type_value) WITH (fastupdate = off) WHERE p_context_type_value IS NOT NULL;
CREATE INDEX ix_questionnaire_p_date_lo ON ix_questionnaire (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_questionnaire_p_definition ON ix_questionnaire USING gin (p_definition) WITH (fastupdate = off) WHERE p_definition IS NOT NULL;
CREATE INDEX ix_questionnaire_p_effective_lo ON ix_questionnaire (p_effective_lo) WHERE p_effective_lo IS NOT NULL;
CREATE INDEX ix_questionnaire_p_jurisdiction ON ix_questionnaire USING gin (p_jurisdiction) WITH (fastupdate = off) WHERE p_jurisdiction IS NOT NULL;
CREATE INDEX ix_questionnaire_p_status ON ix_questionnaire USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_questionnaire_p_subject_type ON ix_questionnaire USING gin (p_subject_type) WITH (fastupdate = off) WHERE p_subject_type IS NOT NULL;
CREATE INDEX ix_questionnaire_p_url ON ix_questionnaire USING gin (p_url) WITH (fastupdate = off) WHERE p_url IS NOT NULL;
CREATE INDEX ix_questionnaire_p_version ON ix_questionnaire USING gin (p_version) WITH (fastupdate = off) WHERE p_version IS NOT NULL;

CREATE TABLE ix_questionnaireresponse (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_author text[],
    p_authored_lo timestamptz,
    p_authored_hi timestamptz,
    p_based_on text[],
    p_encounter text[],
    p_identifier text[],
    p_part_of text[],
    p_patient text[],
    p_questionnaire text[],
    p_source text[],
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_questionnaireresponse_at ON ix_questionnaireresponse (at DESC, id);
CREATE INDEX ix_questionnaireresponse_patient ON ix_questionnaireresponse (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_meta ON ix_questionnaireresponse USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_author ON ix_questionnaireresponse USING gin (p_author) WITH (fastupdate = off) WHERE p_author IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_authored_lo ON ix_questionnaireresponse (p_authored_lo) WHERE p_authored_lo IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_based_on ON ix_questionnaireresponse USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_encounter ON ix_questionnaireresponse USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_part_of ON ix_questionnaireresponse USING gin (p_part_of) WITH (fastupdate = off) WHERE p_part_of IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_patient ON ix_questionnaireresponse USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_questionnaire ON ix_questionnaireresponse USING gin (p_questionnaire) WITH (fastupdate = off) WHERE p_questionnaire IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_source ON ix_questionnaireresponse USING gin (p_source) WITH (fastupdate = off) WHERE p_source IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_status ON ix_questionnaireresponse USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_questionnaireresponse_p_subject ON ix_questionnaireresponse USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_relatedperson (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_address_use text[],
    p_birthdate_lo timestamptz,
    p_birthdate_hi timestamptz,
    p_email text[],
    p_gender text[],
    p_identifier text[],
    p_patient text[],
    p_phone text[],
    p_relationship text[],
    p_telecom text[]
);
CREATE INDEX ix_relatedperson_at ON ix_relatedperson (at DESC, id);
CREATE INDEX ix_relatedperson_patient ON ix_relatedperson (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_relatedperson_meta ON ix_relatedperson USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_relatedperson_p_active ON ix_relatedperson USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_relatedperson_p_address_use ON ix_relatedperson USING gin (p_address_use) WITH (fastupdate = off) WHERE p_address_use IS NOT NULL;
CREATE INDEX ix_relatedperson_p_birthdate_lo ON ix_relatedperson (p_birthdate_lo) WHERE p_birthdate_lo IS NOT NULL;
CREATE INDEX ix_relatedperson_p_email ON ix_relatedperson USING gin (p_email) WITH (fastupdate = off) WHERE p_email IS NOT NULL;
CREATE INDEX ix_relatedperson_p_gender ON ix_relatedperson USING gin (p_gender) WITH (fastupdate = off) WHERE p_gender IS NOT NULL;
CREATE INDEX ix_relatedperson_p_patient ON ix_relatedperson USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_relatedperson_p_phone ON ix_relatedperson USING gin (p_phone) WITH (fastupdate = off) WHERE p_phone IS NOT NULL;
CREATE INDEX ix_relatedperson_p_relationship ON ix_relatedperson USING gin (p_relationship) WITH (fastupdate = off) WHERE p_relationship IS NOT NULL;
CREATE INDEX ix_relatedperson_p_telecom ON ix_relatedperson USING gin (p_telecom) WITH (fastupdate = off) WHERE p_telecom IS NOT NULL;

CREATE TABLE ix_schedule (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_active text[],
    p_actor text[],
    p_date_lo timestamptz,
    p_date_hi timestamptz,
    p_identifier text[],
    p_service_category text[],
    p_service_type text[],
    p_specialty text[]
);
CREATE INDEX ix_schedule_at ON ix_schedule (at DESC, id);
CREATE INDEX ix_schedule_patient ON ix_schedule (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_schedule_meta ON ix_schedule USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_schedule_p_active ON ix_schedule USING gin (p_active) WITH (fastupdate = off) WHERE p_active IS NOT NULL;
CREATE INDEX ix_schedule_p_actor ON ix_schedule USING gin (p_actor) WITH (fastupdate = off) WHERE p_actor IS NOT NULL;
CREATE INDEX ix_schedule_p_date_lo ON ix_schedule (p_date_lo) WHERE p_date_lo IS NOT NULL;
CREATE INDEX ix_schedule_p_service_category ON ix_schedule USING gin (p_service_category) WITH (fastupdate = off) WHERE p_service_category IS NOT NULL;
CREATE INDEX ix_schedule_p_service_type ON ix_schedule USING gin (p_service_type) WITH (fastupdate = off) WHERE p_service_type IS NOT NULL;
CREATE INDEX ix_schedule_p_specialty ON ix_schedule USING gin (p_specialty) WITH (fastupdate = off) WHERE p_specialty IS NOT NULL;

CREATE TABLE ix_servicerequest (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_authored_lo timestamptz,
    p_authored_hi timestamptz,
    p_based_on text[],
    p_body_site text[],
    p_category text[],
    p_code text[],
    p_encounter text[],
    p_identifier text[],
    p_instantiates_canonical text[],
    p_instantiates_uri text[],
    p_intent text[],
    p_occurrence_lo timestamptz,
    p_occurrence_hi timestamptz,
    p_order_detail text[],
    p_patient text[],
    p_performer text[],
    p_performer_type text[],
    p_priority text[],
    p_replaces text[],
    p_requester text[],
    p_requisition text[],
    p_specimen text[],
    p_status text[],
    p_subject text[]
);
CREATE INDEX ix_servicerequest_at ON ix_servicerequest (at DESC, id);
CREATE INDEX ix_servicerequest_patient ON ix_servicerequest (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_servicerequest_meta ON ix_servicerequest USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_servicerequest_p_authored_lo ON ix_servicerequest (p_authored_lo) WHERE p_authored_lo IS NOT NULL;
CREATE INDEX ix_servicerequest_p_based_on ON ix_servicerequest USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_servicerequest_p_body_site ON ix_servicerequest USING gin (p_body_site) WITH (fastupdate = off) WHERE p_body_site IS NOT NULL;
CREATE INDEX ix_servicerequest_p_category ON ix_servicerequest USING gin (p_category) WITH (fastupdate = off) WHERE p_category IS NOT NULL;
CREATE INDEX ix_servicerequest_p_code ON ix_servicerequest USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_servicerequest_p_encounter ON ix_servicerequest USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_servicerequest_p_instantiates_canonical ON ix_servicerequest USING gin (p_instantiates_canonical) WITH (fastupdate = off) WHERE p_instantiates_canonical IS NOT NULL;
CREATE INDEX ix_servicerequest_p_instantiates_uri ON ix_servicerequest USING gin (p_instantiates_uri) WITH (fastupdate = off) WHERE p_instantiates_uri IS NOT NULL;
CREATE INDEX ix_servicerequest_p_intent ON ix_servicerequest USING gin (p_intent) WITH (fastupdate = off) WHERE p_intent IS NOT NULL;
CREATE INDEX ix_servicerequest_p_occurrence_lo ON ix_servicerequest (p_occurrence_lo) WHERE p_occurrence_lo IS NOT NULL;
CREATE INDEX ix_servicerequest_p_order_detail ON ix_servicerequest USING gin (p_order_detail) WITH (fastupdate = off) WHERE p_order_detail IS NOT NULL;
CREATE INDEX ix_servicerequest_p_patient ON ix_servicerequest USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_servicerequest_p_performer ON ix_servicerequest USING gin (p_performer) WITH (fastupdate = off) WHERE p_performer IS NOT NULL;
CREATE INDEX ix_servicerequest_p_performer_type ON ix_servicerequest USING gin (p_performer_type) WITH (fastupdate = off) WHERE p_performer_type IS NOT NULL;
CREATE INDEX ix_servicerequest_p_priority ON ix_servicerequest USING gin (p_priority) WITH (fastupdate = off) WHERE p_priority IS NOT NULL;
CREATE INDEX ix_servicerequest_p_replaces ON ix_servicerequest USING gin (p_replaces) WITH (fastupdate = off) WHERE p_replaces IS NOT NULL;
CREATE INDEX ix_servicerequest_p_requester ON ix_servicerequest USING gin (p_requester) WITH (fastupdate = off) WHERE p_requester IS NOT NULL;
CREATE INDEX ix_servicerequest_p_specimen ON ix_servicerequest USING gin (p_specimen) WITH (fastupdate = off) WHERE p_specimen IS NOT NULL;
CREATE INDEX ix_servicerequest_p_status ON ix_servicerequest USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_servicerequest_p_subject ON ix_servicerequest USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;

CREATE TABLE ix_slot (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_appointment_type text[],
    p_identifier text[],
    p_schedule text[],
    s_schedule text,
    p_service_category text[],
    p_service_type text[],
    p_service_type_reference text[],
    p_specialty text[],
    p_start timestamptz,
    p_status text[],
    s_status text
);
CREATE INDEX ix_slot_at ON ix_slot (at DESC, id);
CREATE INDEX ix_slot_patient ON ix_slot (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_slot_meta ON ix_slot USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_slot_p_appointment_type ON ix_slot USING gin (p_appointment_type) WITH (fastupdate = off) WHERE p_appointment_type IS NOT NULL;
CREATE INDEX ix_slot_p_schedule ON ix_slot USING gin (p_schedule) WITH (fastupdate = off) WHERE p_schedule IS NOT NULL;
CREATE INDEX ix_slot_p_service_category ON ix_slot USING gin (p_service_category) WITH (fastupdate = off) WHERE p_service_category IS NOT NULL;
CREATE INDEX ix_slot_p_service_type ON ix_slot USING gin (p_service_type) WITH (fastupdate = off) WHERE p_service_type IS NOT NULL;
CREATE INDEX ix_slot_p_service_type_reference ON ix_slot USING gin (p_service_type_reference) WITH (fastupdate = off) WHERE p_service_type_reference IS NOT NULL;
CREATE INDEX ix_slot_p_specialty ON ix_slot USING gin (p_specialty) WITH (fastupdate = off) WHERE p_specialty IS NOT NULL;
CREATE INDEX ix_slot_p_start ON ix_slot (p_start) WHERE p_start IS NOT NULL;
CREATE INDEX ix_slot_p_status ON ix_slot USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_slot_worklist_1 ON ix_slot (s_schedule, s_status, p_start);
CREATE INDEX ix_slot_worklist_2 ON ix_slot (s_status, p_start);

CREATE TABLE ix_subscription (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_contact text[],
    p_payload text[],
    p_status text[],
    p_type text[],
    p_url text[]
);
CREATE INDEX ix_subscription_at ON ix_subscription (at DESC, id);
CREATE INDEX ix_subscription_patient ON ix_subscription (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_subscription_meta ON ix_subscription USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_subscription_p_contact ON ix_subscription USING gin (p_contact) WITH (fastupdate = off) WHERE p_contact IS NOT NULL;
CREATE INDEX ix_subscription_p_payload ON ix_subscription USING gin (p_payload) WITH (fastupdate = off) WHERE p_payload IS NOT NULL;
CREATE INDEX ix_subscription_p_status ON ix_subscription USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_subscription_p_type ON ix_subscription USING gin (p_type) WITH (fastupdate = off) WHERE p_type IS NOT NULL;
CREATE INDEX ix_subscription_p_url ON ix_subscription USING gin (p_url) WITH (fastupdate = off) WHERE p_url IS NOT NULL;

CREATE TABLE ix_task (
    id text PRIMARY KEY,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    meta text[],
    texts text[],
    p_authored_on_lo timestamptz,
    p_authored_on_hi timestamptz,
    p_based_on text[],
    p_business_status text[],
    p_code text[],
    p_encounter text[],
    p_focus text[],
    p_group_identifier text[],
    p_identifier text[],
    p_intent text[],
    p_modified_lo timestamptz,
    p_modified_hi timestamptz,
    p_owner text[],
    s_owner text,
    p_part_of text[],
    p_patient text[],
    p_performer text[],
    p_period_lo timestamptz,
    p_period_hi timestamptz,
    p_priority text[],
    p_requester text[],
    p_status text[],
    s_status text,
    p_subject text[]
);
CREATE INDEX ix_task_at ON ix_task (at DESC, id);
CREATE INDEX ix_task_patient ON ix_task (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX ix_task_meta ON ix_task USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;
CREATE INDEX ix_task_p_authored_on_lo ON ix_task (p_authored_on_lo) WHERE p_authored_on_lo IS NOT NULL;
CREATE INDEX ix_task_p_based_on ON ix_task USING gin (p_based_on) WITH (fastupdate = off) WHERE p_based_on IS NOT NULL;
CREATE INDEX ix_task_p_business_status ON ix_task USING gin (p_business_status) WITH (fastupdate = off) WHERE p_business_status IS NOT NULL;
CREATE INDEX ix_task_p_code ON ix_task USING gin (p_code) WITH (fastupdate = off) WHERE p_code IS NOT NULL;
CREATE INDEX ix_task_p_encounter ON ix_task USING gin (p_encounter) WITH (fastupdate = off) WHERE p_encounter IS NOT NULL;
CREATE INDEX ix_task_p_focus ON ix_task USING gin (p_focus) WITH (fastupdate = off) WHERE p_focus IS NOT NULL;
CREATE INDEX ix_task_p_intent ON ix_task USING gin (p_intent) WITH (fastupdate = off) WHERE p_intent IS NOT NULL;
CREATE INDEX ix_task_p_modified_lo ON ix_task (p_modified_lo) WHERE p_modified_lo IS NOT NULL;
CREATE INDEX ix_task_p_owner ON ix_task USING gin (p_owner) WITH (fastupdate = off) WHERE p_owner IS NOT NULL;
CREATE INDEX ix_task_p_part_of ON ix_task USING gin (p_part_of) WITH (fastupdate = off) WHERE p_part_of IS NOT NULL;
CREATE INDEX ix_task_p_patient ON ix_task USING gin (p_patient) WITH (fastupdate = off) WHERE p_patient IS NOT NULL;
CREATE INDEX ix_task_p_performer ON ix_task USING gin (p_performer) WITH (fastupdate = off) WHERE p_performer IS NOT NULL;
CREATE INDEX ix_task_p_period_lo ON ix_task (p_period_lo) WHERE p_period_lo IS NOT NULL;
CREATE INDEX ix_task_p_priority ON ix_task USING gin (p_priority) WITH (fastupdate = off) WHERE p_priority IS NOT NULL;
CREATE INDEX ix_task_p_requester ON ix_task USING gin (p_requester) WITH (fastupdate = off) WHERE p_requester IS NOT NULL;
CREATE INDEX ix_task_p_status ON ix_task USING gin (p_status) WITH (fastupdate = off) WHERE p_status IS NOT NULL;
CREATE INDEX ix_task_p_subject ON ix_task USING gin (p_subject) WITH (fastupdate = off) WHERE p_subject IS NOT NULL;
CREATE INDEX ix_task_worklist_1 ON ix_task (s_owner, s_status, at DESC, id);
CREATE INDEX ix_task_worklist_2 ON ix_task (s_owner, at DESC, id);

-- ===== directory/schema.sql =====

-- Who and where. The resources are kept whole in the record; these rows hold what our rules read of them.

-- A commune of the territory, by its official code.
CREATE TABLE commune (
    insee text PRIMARY KEY CONSTRAINT commune_form CHECK (insee ~ '^([0-9]{2}|2[AB])[0-9]{3}$'),
    name text NOT NULL,
    departement text NOT NULL,
    postal_codes text[] NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL
);

-- A population with its vintage and source; figures are summed over distinct communes only, never per community.
CREATE TABLE commune_population (
    insee text NOT NULL REFERENCES commune (insee),
    vintage integer NOT NULL,
    population integer NOT NULL CHECK (population >= 0),
    source text NOT NULL,
    PRIMARY KEY (insee, vintage)
);

-- The contour of a commune, loaded from an official file: polygons of rings of [longitude, latitude], as in GeoJSON (RFC 7946). Without it a map
-- draws a cell around the commune's position.
CREATE TABLE commune_contour (
    insee text PRIMARY KEY REFERENCES commune (insee),
    polygons text NOT NULL,
    source text NOT NULL,
    loaded_at timestamptz NOT NULL
);

-- A structure: hospital, department, centre, practice, community.
-- A received resource may refer to one that we do not hold, here and below: such references are no foreign keys.
CREATE TABLE organization (
    id text PRIMARY KEY,
    name text NOT NULL,
    short_name text NOT NULL DEFAULT '',
    kind text NOT NULL,
    category text NOT NULL DEFAULT '',
    part_of text,
    active boolean NOT NULL DEFAULT true
);
CREATE INDEX organization_part_of ON organization (part_of) WHERE part_of IS NOT NULL;

-- Which communes a community (CPTS) covers, whole or in part: dated, many to many, never a function of the commune.
CREATE TABLE cpts_commune (
    cpts_id text NOT NULL REFERENCES organization (id),
    insee text NOT NULL REFERENCES commune (insee),
    part boolean NOT NULL,
    since date NOT NULL,
    until date,
    source text NOT NULL,
    PRIMARY KEY (cpts_id, insee, since),
    CONSTRAINT cpts_commune_period CHECK (until IS NULL OR until > since)
);
CREATE INDEX cpts_commune_insee ON cpts_commune (insee);

-- Which communes look to which hospital: dated, many to many.
CREATE TABLE basin_commune (
    hospital_id text NOT NULL REFERENCES organization (id),
    insee text NOT NULL REFERENCES commune (insee),
    part boolean NOT NULL,
    since date NOT NULL,
    until date,
    source text NOT NULL,
    PRIMARY KEY (hospital_id, insee, since),
    CONSTRAINT basin_commune_period CHECK (until IS NULL OR until > since)
);
CREATE INDEX basin_commune_insee ON basin_commune (insee);

-- Which communities look to which hospital: dated, many to many.
CREATE TABLE basin_cpts (
    hospital_id text NOT NULL REFERENCES organization (id),
    cpts_id text NOT NULL REFERENCES organization (id),
    part boolean NOT NULL,
    since date NOT NULL,
    until date,
    source text NOT NULL,
    PRIMARY KEY (hospital_id, cpts_id, since),
    CONSTRAINT basin_cpts_period CHECK (until IS NULL OR until > since)
);

-- A professional, once, wherever he or she works.
CREATE TABLE practitioner (
    id text PRIMARY KEY,
    family text NOT NULL,
    given text NOT NULL,
    display text NOT NULL,
    active boolean NOT NULL DEFAULT true
);

-- One professional in one place: who acts for which organisation, with our role codes, from when to when.
-- The code `garde` names a cover (on call, or instead of somebody absent): for named services, and for a period that has both ends.
CREATE TABLE practitioner_role (
    id text PRIMARY KEY,
    practitioner_id text NOT NULL,
    organization_id text NOT NULL,
    codes text[] NOT NULL DEFAULT '{}',
    specialties text[] NOT NULL DEFAULT '{}',
    service_ids text[] NOT NULL DEFAULT '{}',
    location_ids text[] NOT NULL DEFAULT '{}',
    starts timestamptz,
    ends timestamptz,
    active boolean NOT NULL DEFAULT true,
    CONSTRAINT practitioner_role_period CHECK (ends >= starts),
    CONSTRAINT practitioner_role_cover CHECK (
        NOT ('garde' = ANY (codes)) OR (starts IS NOT NULL AND ends IS NOT NULL AND cardinality(service_ids) > 0))
);
CREATE INDEX practitioner_role_practitioner ON practitioner_role (practitioner_id);
CREATE INDEX practitioner_role_organization ON practitioner_role (organization_id);
CREATE INDEX practitioner_role_services ON practitioner_role USING gin (service_ids);

-- A site or a room.
CREATE TABLE location (
    id text PRIMARY KEY,
    name text NOT NULL,
    organization_id text NOT NULL DEFAULT '',
    part_of text,
    type text NOT NULL DEFAULT '',
    insee text NOT NULL DEFAULT '',
    active boolean NOT NULL DEFAULT true
);
CREATE INDEX location_part_of ON location (part_of) WHERE part_of IS NOT NULL;

-- A version of a form, whole, as rules check it; a published version never changes.
CREATE TABLE questionnaire (
    url text NOT NULL,
    version text NOT NULL,
    id text NOT NULL CONSTRAINT questionnaire_id UNIQUE,
    title text NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (url, version)
);

-- A pathway, whole.
CREATE TABLE plan_definition (
    url text PRIMARY KEY,
    id text NOT NULL CONSTRAINT plan_definition_id UNIQUE,
    title text NOT NULL,
    content text NOT NULL
);

-- How long each step of a service may take, by priority; units of working_time.
CREATE TABLE service_deadline (
    key text NOT NULL,
    step text NOT NULL,
    priority text NOT NULL CHECK (priority IN ('routine', 'urgent', 'asap')),
    amount integer NOT NULL CHECK (amount > 0),
    unit text NOT NULL CHECK (unit IN ('h', 'bh', 'wd', 'd')),
    PRIMARY KEY (key, step, priority)
);

-- A service that takes requests here: open only with two triagers, and a named senior who is neither of them.
CREATE TABLE healthcare_service (
    id text PRIMARY KEY,
    name text NOT NULL,
    organization_id text NOT NULL CONSTRAINT healthcare_service_organization REFERENCES organization (id),
    department_id text CONSTRAINT healthcare_service_department REFERENCES organization (id),
    specialties text[] NOT NULL CONSTRAINT healthcare_service_specialty CHECK (cardinality(specialties) > 0),
    intake text NOT NULL CHECK (intake IN ('bookable', 'triage', 'advice-first')),
    criteria text[] NOT NULL,
    questionnaire_url text NOT NULL,
    questionnaire_version text NOT NULL,
    plan_definition_url text NOT NULL CONSTRAINT healthcare_service_pathway REFERENCES plan_definition (url),
    lead_role_id text NOT NULL CONSTRAINT healthcare_service_lead REFERENCES practitioner_role (id),
    triager_role_ids text[] NOT NULL,
    site_ids text[] NOT NULL,
    deadlines text NOT NULL,
    minutes integer NOT NULL CONSTRAINT healthcare_service_minutes CHECK (minutes BETWEEN 5 AND 480),
    phone text NOT NULL,
    active boolean NOT NULL,
    CONSTRAINT healthcare_service_form FOREIGN KEY (questionnaire_url, questionnaire_version) REFERENCES questionnaire (url, version),
    CONSTRAINT healthcare_service_two_triagers CHECK (NOT active OR cardinality(triager_role_ids) >= 2),
    CONSTRAINT healthcare_service_lead_apart CHECK (lead_role_id <> ALL (triager_role_ids))
);
CREATE INDEX healthcare_service_organization_id ON healthcare_service (organization_id);

-- The identifiers of structures, places and professionals: as received beside as compared; the type tells apart what shares a system.
CREATE TABLE directory_identifier (
    res_type text NOT NULL,
    res_id text NOT NULL,
    rank integer NOT NULL,
    system text NOT NULL,
    type_code text NOT NULL,
    value text NOT NULL,
    normalised text NOT NULL,
    PRIMARY KEY (res_type, res_id, rank)
);
CREATE INDEX directory_identifier_value ON directory_identifier (res_type, system, normalised);

-- A patient: identity and how to reach. Seen through care links alone; `owner_org` says who keeps the file.
CREATE TABLE patient (
    id text PRIMARY KEY,
    patient_id text NOT NULL GENERATED ALWAYS AS (id) STORED,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    family text NOT NULL,
    given text NOT NULL,
    families_folded text[] NOT NULL,
    given_folded text NOT NULL,
    birth_date date,
    gender text NOT NULL CHECK (gender IN ('male', 'female', 'other', 'unknown')),
    birth_insee text NOT NULL,
    identity_status text NOT NULL,
    validation_mode text NOT NULL,
    method_collection text NOT NULL,
    qualified boolean NOT NULL,
    ins text NOT NULL,
    phone text NOT NULL,
    residence_insee text NOT NULL,
    general_practitioner text NOT NULL,
    deceased boolean NOT NULL,
    active boolean NOT NULL,
    version integer NOT NULL,
    -- The file of the same person that is used instead since the two were merged; a replaced file is never active.
    replaced_by text CONSTRAINT patient_survivor_known REFERENCES patient (id),
    CONSTRAINT patient_replaced_is_closed CHECK (replaced_by IS NULL OR (NOT active AND replaced_by <> id))
);
CREATE INDEX patient_birth_date ON patient (birth_date);
CREATE INDEX patient_families ON patient USING gin (families_folded);

-- The identifiers of a patient; a sure INS in use belongs to one active patient only.
CREATE TABLE patient_identifier (
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
    rank integer NOT NULL,
    system text NOT NULL,
    type_code text NOT NULL,
    value text NOT NULL,
    normalised text NOT NULL,
    use text NOT NULL,
    sure boolean NOT NULL,
    PRIMARY KEY (patient_id, rank)
);
CREATE INDEX patient_identifier_value ON patient_identifier (system, normalised);
-- One active file per INS in one organisation. Across organisations nothing is told: that an INS is known elsewhere never shows.
CREATE UNIQUE INDEX patient_identifier_one_ins ON patient_identifier (owner_org, system, normalised) NULLS NOT DISTINCT WHERE sure;

-- A merge of two files of one person: `source_id` is replaced by `target_id`, until somebody takes the merge back.
CREATE TABLE patient_merge (
    id text PRIMARY KEY,
    source_id text NOT NULL REFERENCES patient (id),
    target_id text NOT NULL REFERENCES patient (id),
    patient_id text NOT NULL GENERATED ALWAYS AS (target_id) STORED,
    owner_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org]) STORED,
    comment text NOT NULL DEFAULT '',
    merged_at timestamptz NOT NULL,
    merged_by text NOT NULL,
    undone_at timestamptz,
    undone_by text,
    CONSTRAINT patient_merge_two CHECK (source_id <> target_id),
    CONSTRAINT patient_merge_undone CHECK ((undone_at IS NULL) = (undone_by IS NULL))
);
-- One survivor at a time.
CREATE UNIQUE INDEX patient_merge_one_live ON patient_merge (source_id) WHERE undone_at IS NULL;
CREATE INDEX patient_merge_target ON patient_merge (target_id) WHERE undone_at IS NULL;
CREATE INDEX patient_merge_owner ON patient_merge (owner_org, merged_at DESC);

-- The ledger of a merge: each row that it moves or adds, written before the row moves. `was`: what has to be put back with it.
CREATE TABLE patient_move (
    merge_id text NOT NULL REFERENCES patient_merge (id),
    kind text NOT NULL,
    row_id text NOT NULL,
    was text NOT NULL DEFAULT '',
    CONSTRAINT patient_move_pkey PRIMARY KEY (merge_id, kind, row_id)
);
CREATE INDEX patient_move_row ON patient_move (row_id);

-- Whether a row may go from one patient to another: a merge says so that stands, or the taking back of one, for the rows of its ledger alone.
CREATE FUNCTION may_move(row_id text, before text, after text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM patient_move v JOIN patient_merge m ON m.id = v.merge_id WHERE v.row_id = may_move.row_id
        AND CASE WHEN m.undone_at IS NULL THEN m.source_id = may_move.before AND m.target_id = may_move.after
            ELSE m.target_id = may_move.before AND m.source_id = may_move.after END)
$$;

-- Nothing begins for a file that another one replaces. The lock makes who books wait for who merges, and the other way round.
CREATE FUNCTION refuse_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    survivor text;
BEGIN
    SELECT p.replaced_by INTO survivor FROM patient p WHERE p.id = NEW.patient_id FOR KEY SHARE;
    IF survivor IS NOT NULL THEN
        RAISE EXCEPTION 'this file was replaced by another one' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'patient_replaced';
    END IF;
    RETURN NEW;
END
$$;

-- Two files that look alike and are of two persons, as somebody found who compared them: not proposed again.
CREATE TABLE patient_apart (
    patient_id text NOT NULL REFERENCES patient (id),
    other_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org]) STORED,
    at timestamptz NOT NULL,
    said_by text NOT NULL,
    CONSTRAINT patient_apart_pkey PRIMARY KEY (owner_org, patient_id, other_id),
    CONSTRAINT patient_apart_ordered CHECK (patient_id < other_id)
);

-- The files of an organisation that look alike, as they were found lately: looking for them among two hundred thousand takes seconds. Who is found or is gone
-- since is told the next time; a closed or invisible file is left out when the pairs are read.
CREATE TABLE patient_alike (
    owner_org text PRIMARY KEY REFERENCES organization (id),
    at timestamptz NOT NULL,
    firsts text[] NOT NULL,
    seconds text[] NOT NULL,
    CONSTRAINT patient_alike_pairs CHECK (cardinality(firsts) = cardinality(seconds))
);

-- ===== access/schema.sql =====

-- Who may see whose data, and how people and machines are known.

-- A live link between a patient and an organisation, or one person there (`practitioner_id`): created by events only, never typed
-- (CSP L1110-4, L1110-12). `res_type` and `res_id` narrow it to one resource: a consent says to what it opens.
CREATE TABLE care_link (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    organization_id text NOT NULL,
    practitioner_id text,
    basis text NOT NULL CHECK (basis IN
        ('presence', 'adressage', 'rendez-vous', 'tele-expertise', 'medecin-traitant', 'consentement', 'bris-de-glace')),
    source text NOT NULL,
    res_type text,
    res_id text,
    starts timestamptz NOT NULL,
    ends timestamptz,
    owner_org text NOT NULL GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] NOT NULL,
    CONSTRAINT care_link_once UNIQUE (patient_id, organization_id, basis, source),
    CONSTRAINT care_link_of_a_person CHECK (basis <> 'bris-de-glace' OR (practitioner_id IS NOT NULL AND ends IS NOT NULL)),
    CONSTRAINT care_link_narrowed CHECK ((res_type IS NULL) = (res_id IS NULL) AND (res_type IS NULL OR basis = 'consentement')),
    CONSTRAINT care_link_period CHECK (ends IS NULL OR ends >= starts)
);
CREATE INDEX care_link_organization ON care_link (organization_id, patient_id);
COMMENT ON COLUMN care_link.parties IS 'Who may see and end the link: the organisation that it opens the record to, and the one whose event made it.';
-- Nobody links a patient whom he does not see: refused as if there were none. A trigger, because the policies of `patient` ask `care_link`.
CREATE FUNCTION care_link_of_a_patient_in_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM patient p WHERE p.id = NEW.patient_id) THEN
        RAISE EXCEPTION 'no such patient' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'care_link_patient_id_fkey';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER care_link_in_sight BEFORE INSERT ON care_link FOR EACH ROW EXECUTE FUNCTION care_link_of_a_patient_in_sight();

-- The same lists as in `access.types`, for the second wall; a test compares.
CREATE FUNCTION open_types() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '{Endpoint,HealthcareService,Location,Organization,
OrganizationAffiliation,PlanDefinition,Practitioner,PractitionerRole,Questionnaire,Schedule,Slot}'::text[] $$;
CREATE FUNCTION linked_types() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '{Patient}'::text[] $$;
CREATE FUNCTION shared_bases() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT '{medecin-traitant,consentement,bris-de-glace}'::text[] $$;

-- How long a link outlives the event that made it (closure, visit, answer): the table to change where a deployer decides otherwise.
CREATE TABLE care_link_delay (
    basis text PRIMARY KEY,
    outlives interval NOT NULL CHECK (outlives >= interval '0')
);
INSERT INTO care_link_delay (basis, outlives) VALUES
    ('presence', '90 days'), ('adressage', '90 days'), ('rendez-vous', '30 days'), ('tele-expertise', '30 days'),
    ('medecin-traitant', '0'), ('consentement', '0'), ('bris-de-glace', '0');

-- What a patient agreed to outside the care team (CSP L1110-4): to whom, for what, until when. `id` is that of the Consent resource.
-- It ends at its date or at its withdrawal, a row of its own.
CREATE TABLE consent (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    organization_id text NOT NULL,
    practitioner_id text,
    res_type text,
    res_id text,
    purpose text NOT NULL DEFAULT 'TREAT' CHECK (purpose ~ '^[A-Z]{2,16}$'),
    said_by text NOT NULL CHECK (said_by IN ('patient', 'representant', 'personne-de-confiance')),
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT consent_narrowed CHECK ((res_type IS NULL) = (res_id IS NULL)),
    CONSTRAINT consent_period CHECK (ends > starts)
);
CREATE INDEX consent_patient ON consent (patient_id);

-- What a patient refuses, at once and until it is lifted (CSP L1110-4 IV, L1111-17): `reading` of what is known, `feeding` of the shared record,
-- `messages`, or access by an `emergency`; for everybody (general), an organisation, a professional, or one document. `id` is that of the Consent
-- resource. Never changed: a lifting is a row of its own.
CREATE TABLE opposition (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    act text NOT NULL CHECK (act IN ('reading', 'feeding', 'messages', 'emergency')),
    scope text NOT NULL CHECK (scope IN ('general', 'organization', 'practitioner', 'document')),
    organization_id text,
    practitioner_id text,
    res_type text,
    res_id text,
    said_by text NOT NULL CHECK (said_by IN ('patient', 'representant', 'personne-de-confiance')),
    starts timestamptz NOT NULL,
    ends timestamptz,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT opposition_target CHECK (
        (scope = 'organization') = (organization_id IS NOT NULL) AND (scope = 'practitioner') = (practitioner_id IS NOT NULL)
        AND (scope = 'document') = (res_id IS NOT NULL) AND (res_type IS NULL) = (res_id IS NULL)),
    CONSTRAINT opposition_act CHECK (act IN ('reading', 'feeding') OR scope = 'general'),
    CONSTRAINT opposition_period CHECK (ends IS NULL OR ends > starts)
);
CREATE INDEX opposition_patient ON opposition (patient_id, act);

-- The end of a consent or of an opposition, by the person who gave it or who spoke for the patient.
CREATE TABLE choice_end (
    choice_id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    at timestamptz NOT NULL,
    said_by text NOT NULL CHECK (said_by IN ('patient', 'representant', 'personne-de-confiance')),
    recorded_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);

-- One person opened one patient's record in an emergency: why, for how long, and who must look at it afterwards.
CREATE TABLE break_glass (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    practitioner_id text NOT NULL,
    role_id text,
    organization_id text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('vital', 'emergency', 'unconscious', 'continuity', 'regulation')),
    explanation text NOT NULL CONSTRAINT break_glass_explained CHECK (length(btrim(explanation)) >= 15),
    vital boolean GENERATED ALWAYS AS (reason = 'vital') STORED,
    refused_before boolean NOT NULL,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    review_due timestamptz NOT NULL,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED,
    CONSTRAINT break_glass_period CHECK (ends > starts AND ends <= starts + interval '4 hours'),
    CONSTRAINT break_glass_refusal CHECK (reason = 'vital' OR NOT refused_before)
);
COMMENT ON COLUMN break_glass.refused_before IS 'Whether the patient had refused emergency access: only a vital emergency goes on, and is audited as such.';
CREATE INDEX break_glass_live ON break_glass (practitioner_id, patient_id, ends);
CREATE INDEX break_glass_due ON break_glass (organization_id, review_due);

-- What came of the review of an emergency access; never by the person who made it.
CREATE TABLE break_glass_review (
    break_glass_id text PRIMARY KEY REFERENCES break_glass (id),
    patient_id text NOT NULL REFERENCES patient (id),
    decision text NOT NULL CHECK (decision IN ('justified', 'not-justified', 'to-be-heard')),
    comment text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    reviewed_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);

-- A patient asks why somebody looked: about which look, as the trail told it, and until when that house owes an answer.
CREATE TABLE access_question (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    look_id text NOT NULL,
    looked_at timestamptz NOT NULL,
    practitioner_id text NOT NULL,
    display text NOT NULL,
    organization_id text NOT NULL REFERENCES organization (id),
    text text NOT NULL DEFAULT '' CHECK (length(text) <= 500),
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    called_at timestamptz,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED,
    CONSTRAINT access_question_once UNIQUE (patient_id, look_id),
    CONSTRAINT access_question_due CHECK (due_at > asked_at)
);
COMMENT ON COLUMN access_question.called_at IS 'When a late answer was called for: once.';
CREATE INDEX access_question_organization ON access_question (organization_id, due_at);

-- What the house answered, for the patient to read; never by the person who looked.
CREATE TABLE access_answer (
    question_id text PRIMARY KEY REFERENCES access_question (id),
    patient_id text NOT NULL REFERENCES patient (id),
    text text NOT NULL CONSTRAINT access_answer_said CHECK (length(btrim(text)) >= 15),
    at timestamptz NOT NULL,
    answered_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);

-- How long an emergency access lasts, when it must have been reviewed, when the patient is told, how many a day raise an alarm, and how many patients
-- an hour are more than a day's work explains: the row to change where a deployer decides otherwise.
CREATE TABLE emergency_limit (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    lasts interval NOT NULL DEFAULT '4 hours' CHECK (lasts > interval '0' AND lasts <= interval '4 hours'),
    review interval NOT NULL DEFAULT '7 days' CHECK (review > interval '0' AND review <= interval '7 days'),
    tell_patient_after interval NOT NULL DEFAULT '0' CHECK (tell_patient_after >= interval '0'),
    alarm_above integer NOT NULL DEFAULT 3 CHECK (alarm_above >= 0),
    patients_an_hour integer NOT NULL DEFAULT 30 CHECK (patients_an_hour > 0)
);
INSERT INTO emergency_limit DEFAULT VALUES;

-- A late review was called for: once.
CREATE TABLE break_glass_reminder (
    break_glass_id text PRIMARY KEY REFERENCES break_glass (id),
    at timestamptz NOT NULL
);

-- Which patients a person was shown, hour by hour: what tells a day's work from curiosity. Kept two days.
CREATE TABLE patient_look (
    practitioner_id text NOT NULL,
    organization_id text NOT NULL,
    patient_id text NOT NULL,
    hour timestamptz NOT NULL,
    at timestamptz NOT NULL,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED,
    CONSTRAINT patient_look_once PRIMARY KEY (practitioner_id, organization_id, hour, patient_id)
);
CREATE INDEX patient_look_at ON patient_look (at);

-- Somebody was shown too many patients in an hour, without a reason in the agenda: told once an hour.
CREATE TABLE browsing_alert (
    id text PRIMARY KEY,
    practitioner_id text NOT NULL,
    organization_id text NOT NULL,
    patients integer NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX browsing_alert_person ON browsing_alert (practitioner_id, organization_id, at);

-- Whatever way a person came by a patient's data: under a broken glass the trail says BTG, and the look is counted. A trigger, so that no code forgets it.
-- Rows of the trail share a commit in which nobody acts: it says itself that it may look.
CREATE FUNCTION note_look() RETURNS trigger LANGUAGE plpgsql SET app.kind = 'system' AS $$
DECLARE
    shown text[] := CASE WHEN NEW.patients = '' THEN ARRAY[NEW.patient_id] ELSE string_to_array(NEW.patients, ' ', '') END;
BEGIN
    NEW.under_glass := coalesce((SELECT string_agg(DISTINCT b.patient_id, ' ') FROM break_glass b
        WHERE b.practitioner_id = NEW.actor_id AND b.patient_id = ANY (shown) AND b.starts <= NEW.at AND b.ends > NEW.at), '');
    IF NEW.patients = '' AND NEW.under_glass <> '' THEN
        NEW.purpose := 'BTG';
        NEW.under_glass := '';
    END IF;
    IF (NEW.action = 'R' OR NEW.subtype LIKE 'search%') AND NEW.verb <> 'worklist' THEN
        INSERT INTO patient_look (practitioner_id, organization_id, patient_id, hour, at)
        SELECT NEW.actor_id, NEW.organization, patient, date_trunc('hour', NEW.at), NEW.at
        FROM unnest(shown) AS patient WHERE patient IS NOT NULL ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_event_look BEFORE INSERT ON audit_event FOR EACH ROW
    WHEN ((NEW.patient_id IS NOT NULL OR NEW.patients <> '') AND NEW.actor_kind = 'person') EXECUTE FUNCTION note_look();

CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE ON consent FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER opposition_append_only BEFORE UPDATE OR DELETE ON opposition FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER choice_end_append_only BEFORE UPDATE OR DELETE ON choice_end FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER break_glass_append_only BEFORE UPDATE OR DELETE ON break_glass FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER access_answer_append_only BEFORE UPDATE OR DELETE ON access_answer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER break_glass_review_append_only BEFORE UPDATE OR DELETE ON break_glass_review FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What the server closes: one resource, or all that is known of a patient, by a confidentiality code or a label of visibility. Never changed: its end is a
-- row of its own.
CREATE TABLE security_label (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    res_type text,
    res_id text,
    code text NOT NULL CHECK (code IN
        ('R', 'V', 'PSY', 'SEX', 'CEL', 'MASQUE_PS', 'INVISIBLE_PATIENT', 'INVISIBLE_REPRESENTANTS_LEGAUX')),
    starts timestamptz NOT NULL,
    ends timestamptz,
    set_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT security_label_target CHECK ((res_type IS NULL) = (res_id IS NULL)),
    -- Held back until announced, thirty days at most: then the patient reads it, announced or not (CSP L1111-7; workflow rule book 15).
    CONSTRAINT security_label_announced CHECK ((code = 'INVISIBLE_PATIENT') = (ends IS NOT NULL) AND (ends IS NULL OR ends <= starts + interval '30 days'))
);
CREATE INDEX security_label_patient ON security_label (patient_id);
CREATE INDEX security_label_resource ON security_label (res_id) WHERE res_id IS NOT NULL;
CREATE INDEX security_label_due ON security_label (ends) WHERE ends IS NOT NULL;

CREATE TABLE security_label_end (
    label_id text PRIMARY KEY REFERENCES security_label (id),
    patient_id text NOT NULL REFERENCES patient (id),
    at timestamptz NOT NULL,
    ended_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);
CREATE TRIGGER security_label_append_only BEFORE UPDATE OR DELETE ON security_label FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER security_label_end_append_only BEFORE UPDATE OR DELETE ON security_label_end FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whether a label closes this resource to this actor, whose roles the codes of `closed` stop. Who set it, and an explicit link, go past what is closed
-- to a role; the keeper goes past a mask; nobody goes past what is held back from the patient or from a representative.
CREATE FUNCTION closes(s security_label, kind text, id text, owner text, orgs text[], actor text, closed text[], now timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT s.code = ANY (closed) AND s.starts <= now AND (s.ends IS NULL OR s.ends > now) AND (s.res_id IS NULL OR (s.res_type = kind AND s.res_id = closes.id))
        AND NOT EXISTS (SELECT 1 FROM security_label_end e WHERE e.label_id = s.id AND e.at <= now)
        AND (s.code LIKE 'INVISIBLE%' OR NOT (s.set_by = actor OR (s.code = 'MASQUE_PS' AND (owner = ANY (orgs)) IS TRUE)
            OR EXISTS (SELECT 1 FROM care_link c WHERE c.patient_id = s.patient_id AND c.organization_id = ANY (orgs)
                AND CASE WHEN c.practitioner_id IS NULL THEN c.basis IN ('consentement', 'medecin-traitant') ELSE c.practitioner_id = actor END
                AND (c.res_id IS NULL OR (c.res_type = kind AND c.res_id = closes.id))
                AND c.starts <= now AND (c.ends IS NULL OR c.ends > now))))
$$;

-- Whether one opposition closes this resource to this actor. It beats every other rule, whatever the order of the rows (CSP L1110-4 IV).
-- Named (organisation, professional): nothing of the patient is shown, not even what the organisation holds itself. General, or one document: what
-- is shared stops, the file that an organisation must keep itself (CSP R1112-2, R4127-45) stays. The desk that recorded a general opposition keeps
-- the identity: lifting must be no harder than opposing (GDPR 7.3). Only a vital emergency goes past.
CREATE FUNCTION opposes(o opposition, kind text, id text, owner text, orgs text[], actor text, now timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT o.act = 'reading' AND o.starts <= now AND (o.ends IS NULL OR o.ends > now)
        AND CASE o.scope WHEN 'organization' THEN o.organization_id = ANY (orgs) WHEN 'practitioner' THEN o.practitioner_id = actor
            WHEN 'document' THEN o.res_type = kind AND o.res_id = opposes.id AND (owner = ANY (orgs)) IS NOT TRUE
            ELSE (owner = ANY (orgs) OR (kind = 'Patient' AND o.owner_org = ANY (orgs))) IS NOT TRUE END
        AND NOT EXISTS (SELECT 1 FROM choice_end e WHERE e.choice_id = o.id AND e.at <= now)
        AND NOT EXISTS (SELECT 1 FROM break_glass b WHERE b.practitioner_id = actor AND b.patient_id = o.patient_id AND b.vital
            AND b.organization_id = ANY (orgs) AND b.starts <= now AND b.ends > now)
$$;

-- Whether one of the patient's oppositions closes this resource to this actor: few patients have any, each is found by its index.
CREATE FUNCTION opposed(patient text, kind text, id text, owner text, orgs text[], actor text, now timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT 1 FROM opposition o WHERE o.patient_id = patient AND opposes(o, kind, opposed.id, owner, orgs, actor, now))
$$;

-- Whether a live care link opens a resource to these organisations or to this person there: the record, or one resource of it. `bases` are the links
-- that open this type, NULL all of them. A function that is called, so that a query is planned without it, and costs the same whoever asks.
CREATE FUNCTION linked(patient text, kind text, id text, bases text[], orgs text[], actor text, now timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 20 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM care_link c WHERE c.patient_id = patient AND c.organization_id = ANY (orgs)
        AND (bases IS NULL OR c.basis = ANY (bases)) AND c.starts <= now AND (c.ends IS NULL OR c.ends > now)
        AND (c.practitioner_id IS NULL OR c.practitioner_id = actor)
        AND (c.res_id IS NULL OR (c.res_type = kind AND c.res_id = linked.id)));
END
$$;

-- The same, asked by a policy about whoever acts. What a patient refuses to others hides nothing from the patient.
CREATE FUNCTION opposes(o opposition, kind text, id text, owner text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT app_kind() IS DISTINCT FROM 'patient' AND opposes(o, kind, opposes.id, owner, app_orgs(), app_actor(), app_now())
$$;
-- Whether a resource waits to be announced to its patient: behind the second wall too, a patient does not see it.
CREATE FUNCTION held_back(patient text, kind text, id text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT FROM security_label s WHERE s.patient_id = patient AND s.code = 'INVISIBLE_PATIENT' AND s.starts <= app_now()
        AND s.ends > app_now() AND (s.res_id IS NULL OR (s.res_type = kind AND s.res_id = held_back.id))
        AND NOT EXISTS (SELECT FROM security_label_end e WHERE e.label_id = s.id AND e.at <= app_now()))
$$;
-- Whether whoever acts sees a resource of which no organisation of theirs is a party: the rule of `access.VisibleTo`. A patient's own rows are the
-- patient's; which of them a link opens is the first wall's to say. A function that is called and no text of a policy, because a policy is made ready
-- with each statement, each of its queries again, and nearly no row comes so far (docs/explanation/performance.md).
CREATE FUNCTION seen_otherwise(patient text, kind text, id text, owner text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 20 AS $$
BEGIN
    IF patient IS NULL THEN
        RETURN kind = ANY (open_types()) AND app_kind() IS NOT NULL;
    END IF;
    -- The organisation that keeps the file of a patient finds it again.
    IF kind = ANY (linked_types()) AND owner = ANY (app_orgs()) THEN
        RETURN true;
    END IF;
    IF app_kind() = 'patient' THEN
        RETURN patient = app_actor() AND NOT held_back(patient, kind, id);
    END IF;
    RETURN EXISTS (SELECT FROM care_link c WHERE c.patient_id = patient AND c.organization_id = ANY (app_orgs())
        AND (kind = ANY (linked_types()) OR c.basis = ANY (shared_bases())) AND c.starts <= app_now() AND (c.ends IS NULL OR c.ends > app_now())
        AND (c.practitioner_id IS NULL OR c.practitioner_id = app_actor())
        AND (c.res_id IS NULL OR (c.res_type = kind AND c.res_id = seen_otherwise.id)));
END
$$;

-- What the policies of a table ask, as text for `put_wall`. `kind` is an SQL expression for the resource type of a row, `id` names the column that holds
-- the id of the resource. What is asked of many rows is found out once, in a query of its own; what is asked of the few that are written is called.
CREATE FUNCTION seen_as(name text, kind text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('CASE WHEN parties && (SELECT app_orgs()) THEN true WHEN (SELECT app_is_system()) THEN true
        ELSE seen_otherwise(patient_id, %s, %I.%I, owner_org) END', kind, name, id)
$$;
-- Photographs and what is known of a patient: written by whoever sees them, but never by the patient.
CREATE FUNCTION written_as(name text, kind text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('CASE WHEN parties && app_orgs() THEN true WHEN app_is_system() THEN true WHEN app_kind() = ''patient'' THEN false
        ELSE seen_otherwise(patient_id, %s, %I.%I, owner_org) END', kind, name, id)
$$;
CREATE FUNCTION written_by_parties() RETURNS text LANGUAGE sql AS $$
    SELECT 'CASE WHEN parties && app_orgs() THEN true ELSE app_is_system() END'
$$;
CREATE FUNCTION asked_of_house() RETURNS text LANGUAGE sql AS $$
    SELECT 'CASE WHEN parties && app_orgs() THEN true WHEN app_is_system() THEN true ELSE app_kind() = ''patient'' AND patient_id = app_actor() END'
$$;
-- What the patient refuses beats everything (CSP L1110-4 IV): a restrictive policy, whatever else lets the row through. `OFFSET 0` keeps it a question
-- asked of each row.
CREATE FUNCTION unopposed(name text, kind text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('CASE WHEN patient_id IS NULL OR (SELECT app_is_system()) THEN true ELSE NOT EXISTS (SELECT FROM opposition o
        WHERE o.patient_id = %1$I.patient_id AND opposes(o, %2$s, %1$I.%3$I, %1$I.owner_org) OFFSET 0) END', name, kind, id)
$$;
-- A table about rows of another one: they are seen as those are.
CREATE FUNCTION by_parent(name text, key text, parent text, parent_key text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('EXISTS (SELECT FROM %I p WHERE p.%I = %I.%I OFFSET 0)', parent, parent_key, name, key)
$$;

-- A patient reads what is known of them and writes none of it: what a patient decides is written by the server, beside who decided it.
CREATE PROCEDURE put_reading_alone(name text) LANGUAGE plpgsql AS $$
DECLARE
    ours text := 'app_kind() IS DISTINCT FROM ''patient''';
BEGIN
    EXECUTE format('CREATE POLICY inserted_for_patient ON %I AS RESTRICTIVE FOR INSERT TO app_rw WITH CHECK (%s)', name, ours);
    EXECUTE format('CREATE POLICY updated_for_patient ON %I AS RESTRICTIVE FOR UPDATE TO app_rw USING (%s)', name, ours);
    EXECUTE format('CREATE POLICY deleted_for_patient ON %I AS RESTRICTIVE FOR DELETE TO app_rw USING (%s)', name, ours);
END
$$;
-- An index table of one type.
CREATE PROCEDURE put_index_wall(name text, kind text) LANGUAGE plpgsql AS $$
BEGIN
    CALL put_wall(name, CASE WHEN kind = ANY (open_types()) THEN 'patient_id IS NULL AND (SELECT app_kind()) IS NOT NULL'
            ELSE seen_as(name, quote_literal(kind)) END,
        CASE WHEN kind = ANY (open_types()) THEN 'patient_id IS NULL AND app_kind() IS NOT NULL' ELSE written_as(name, quote_literal(kind)) END,
        'SELECT, INSERT, UPDATE, DELETE', unopposed => unopposed(name, quote_literal(kind)));
    CALL put_reading_alone(name);
END
$$;
-- A table that stands for a resource type: its rows name their parties, and each hangs on a row of another table that who writes it must see.
CREATE PROCEDURE put_party_wall(name text, kind text, key text, parent text) LANGUAGE sql AS $$
    CALL put_wall(name, seen_as(name, quote_literal(kind)), written_by_parties(), parent => by_parent(name, key, parent),
        unopposed => unopposed(name, quote_literal(kind)));
$$;
-- A table about rows of another one.
CREATE PROCEDURE put_child_wall(name text, key text, parent text, rights text DEFAULT 'SELECT, INSERT, UPDATE') LANGUAGE sql AS $$
    CALL put_wall(name, by_parent(name, key, parent), 'true', rights, by_parent(name, key, parent));
$$;

-- Somebody who may sign in. `door` says how: Pro Santé Connect for whoever has an RPPS, a password and a second factor for the others, one click in the
-- demonstration. No local account stands for an RPPS: the two doors exclude each other here, and a password can only belong to the local one.
CREATE TABLE account (
    login text PRIMARY KEY CONSTRAINT account_login_form CHECK (login ~ '^[a-z0-9][a-z0-9._@-]{1,99}$'),
    practitioner_id text NOT NULL,
    display text NOT NULL,
    door text NOT NULL CHECK (door IN ('psc', 'local', 'demo')),
    rpps text CONSTRAINT account_rpps UNIQUE CHECK (rpps ~ '^[0-9]{11}$'),
    disabled boolean NOT NULL DEFAULT false,
    CONSTRAINT account_rpps_by_psc CHECK ((door = 'psc') = (rpps IS NOT NULL)),
    CONSTRAINT account_of_door UNIQUE (login, door)
);

-- One professional, one RPPS: two people who come by Pro Santé Connect are never taken for the same one.
CREATE UNIQUE INDEX account_practitioner ON account (practitioner_id) WHERE door = 'psc';

-- Where this person works (exercice): allowed by the organisation beforehand, one of them chosen at sign-in. The lowest rank is proposed first.
CREATE TABLE account_exercise (
    login text NOT NULL,
    door text NOT NULL,
    role_id text NOT NULL,
    organization_id text NOT NULL,
    roles text[] NOT NULL,
    rank integer NOT NULL DEFAULT 0,
    authorised_at timestamptz NOT NULL,
    authorised_by text NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (login, role_id),
    FOREIGN KEY (login, door) REFERENCES account (login, door) ON UPDATE CASCADE,
    CONSTRAINT account_exercise_one_house EXCLUDE USING gist (login WITH =, organization_id WITH <>) WHERE (door = 'local' AND ended_at IS NULL)
);
COMMENT ON CONSTRAINT account_exercise_one_house ON account_exercise IS
    'A local account is vouched for by one organisation and works for that one only: no organisation lets in whom another one says to be somebody.';

-- A signed-in browser, for one person at one place: only the hash of its secret is kept, `id` is how its owner names it to end it.
-- It never knows a patient: the patient is in the address.
CREATE TABLE web_session (
    token_hash bytea PRIMARY KEY,
    id text NOT NULL CONSTRAINT web_session_id UNIQUE,
    login text NOT NULL,
    role_id text NOT NULL,
    csrf text NOT NULL,
    method text NOT NULL,
    assurance text NOT NULL,
    began_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    browser text NOT NULL DEFAULT '',
    provider_session text,
    provider_subject text,
    provider_token bytea,
    ended_at timestamptz,
    ended_by text CHECK (ended_by IN ('sign-out', 'renewed', 'revoked', 'provider', 'account')),
    FOREIGN KEY (login, role_id) REFERENCES account_exercise (login, role_id),
    CONSTRAINT web_session_end CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX web_session_login ON web_session (login) WHERE ended_at IS NULL;
CREATE INDEX web_session_provider ON web_session (provider_subject) WHERE ended_at IS NULL;
COMMENT ON COLUMN web_session.began_at IS 'Sign-in: the absolute limit counts from here, whatever new ids the session was given since.';
COMMENT ON COLUMN web_session.authenticated_at IS 'The last time a factor was shown, at sign-in or when asked again.';
COMMENT ON COLUMN web_session.provider_token IS 'Sealed ID token, shown to the provider when its session is to end too.';

-- What somebody was writing when the session timed out, sealed by a key that is not in the database: shown again to the same person at the same place,
-- in its form, for some hours; never acted on.
CREATE TABLE interrupted_form (
    id text PRIMARY KEY,
    login text NOT NULL,
    role_id text NOT NULL,
    content bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (login, role_id) REFERENCES account_exercise (login, role_id)
);
CREATE INDEX interrupted_form_login ON interrupted_form (login, expires_at);

-- The password of a local account, as argon2id says it.
CREATE TABLE local_password (
    login text PRIMARY KEY,
    door text NOT NULL DEFAULT 'local' CHECK (door = 'local'),
    hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
    set_at timestamptz NOT NULL,
    FOREIGN KEY (login, door) REFERENCES account (login, door)
);

-- A WebAuthn key: a second factor at sign-in, and for whoever comes by Pro Santé Connect a factor of the house when the provider is away.
CREATE TABLE factor_key (
    credential_id bytea PRIMARY KEY,
    login text NOT NULL REFERENCES account (login),
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX factor_key_login ON factor_key (login);

-- A time-based code (RFC 6238): the secret is sealed by a key that is not in the database; a step is accepted once, and none before it afterwards.
CREATE TABLE factor_totp (
    login text PRIMARY KEY REFERENCES account (login),
    secret bytea NOT NULL,
    last_step bigint NOT NULL,
    created_at timestamptz NOT NULL
);

-- Recovery codes: 120 random bits each, so that a plain hash keeps them; each is good once.
CREATE TABLE recovery_code (
    login text NOT NULL REFERENCES account (login),
    hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (login, hash)
);

-- A link by which somebody sets the factors of an account for the first time, or again; good once, until it expires or another one is made.
CREATE TABLE invitation (
    token_hash bytea PRIMARY KEY,
    login text NOT NULL REFERENCES account (login),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX invitation_login ON invitation (login);

-- A link under which an agenda programme reads the vacations of a person's place without signing in: no patient, no name. Ended by the person, by the
-- end of the account or of the place, and by its age.
CREATE TABLE calendar_feed (
    id text PRIMARY KEY,
    token_hash bytea NOT NULL CONSTRAINT calendar_feed_token UNIQUE,
    login text NOT NULL,
    role_id text NOT NULL,
    site_id text,
    made_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    read_at timestamptz,
    CONSTRAINT calendar_feed_exercise FOREIGN KEY (login, role_id) REFERENCES account_exercise (login, role_id),
    CONSTRAINT calendar_feed_period CHECK (ends_at > made_at)
);
CREATE INDEX calendar_feed_login ON calendar_feed (login);

-- Attempts to sign in that did not end well, and until when the next one is refused: for a name from an address, for a name, for an address.
-- Keys are hashed, and names that belong to nobody count like the others.
CREATE TABLE sign_in_attempt (
    kind text NOT NULL CHECK (kind IN ('pair', 'account', 'address')),
    key bytea NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);

-- A sign-in between two pages (after the password, or before the place is chosen): what was proved so far, sealed, good once and for minutes.
CREATE TABLE sign_in_step (
    token_hash bytea PRIMARY KEY,
    content bytea NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Proofs that are good once (WebAuthn challenges, logout tokens), until they would expire anyway.
CREATE TABLE spent_proof (
    hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- ===== clients/schema.sql =====

-- Clients of the interface, what they may have, and what was given to them.

-- A client of the interface: its organisations are pinned here, never asked for by the request. `kind`: token (bearer tokens that the operator
-- hands out), backend (software with keys), app (acts for a person, with keys), public-app (acts for a person, without).
CREATE TABLE api_client (
    name text PRIMARY KEY,
    kind text NOT NULL DEFAULT 'token' CHECK (kind IN ('token', 'backend', 'app', 'public-app')),
    display text NOT NULL DEFAULT '',
    organizations text[] NOT NULL CONSTRAINT api_client_has_organization CHECK (cardinality(organizations) > 0),
    scopes text[] NOT NULL DEFAULT '{}',
    jwks text,
    certificate text CHECK (certificate ~ '^[A-Za-z0-9_-]{43}$'),
    redirect_uris text[] NOT NULL DEFAULT '{}',
    launch_uri text,
    created_at timestamptz NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    id_prefix text CONSTRAINT api_client_id_prefix UNIQUE
        CONSTRAINT api_client_id_prefix_form CHECK (id_prefix ~ '^[a-z][a-z0-9]{1,20}-$'),
    certificate_from timestamptz,
    certificate_until timestamptz,
    keys_at timestamptz,
    token_at timestamptz,
    signing bytea,
    signing_before bytea,
    signing_at timestamptz,
    jwks_url text,
    keys_asked_at timestamptz,
    keys_fresh_until timestamptz,
    keys_good_until timestamptz,
    CONSTRAINT api_client_keys CHECK ((kind IN ('backend', 'app')) = (jwks IS NOT NULL OR jwks_url IS NOT NULL)),
    CONSTRAINT api_client_fetched CHECK (jwks_url IS NOT NULL OR num_nonnulls(keys_asked_at, keys_fresh_until, keys_good_until) = 0),
    CONSTRAINT api_client_redirects CHECK ((kind IN ('app', 'public-app')) = (cardinality(redirect_uris) > 0))
);
COMMENT ON COLUMN api_client.scopes IS 'The most that a token of a client with keys, or of an app, may be given.';
COMMENT ON COLUMN api_client.certificate IS 'SHA-256 of the certificate that the client shows on every call (RFC 8705), in base64url; NULL: none asked.';
COMMENT ON COLUMN api_client.id_prefix IS
    'How the ids begin that this client may choose itself (PUT to a new id); NULL: none. One prefix, one client: a chosen id never tells what others have.';

COMMENT ON COLUMN api_client.certificate_until IS 'Until when that certificate is good, as it said when it was given to us.';
COMMENT ON COLUMN api_client.keys_at IS 'When its keys, or its certificate, were last given.';
COMMENT ON COLUMN api_client.jwks_url IS
    'Where it publishes its keys, as an administrator approved it; `jwks` then holds what was fetched there last. NULL: `jwks` was given to us.';
COMMENT ON COLUMN api_client.keys_asked_at IS 'When that address was last asked, whatever it answered.';
COMMENT ON COLUMN api_client.keys_good_until IS 'Until when the keys that were fetched may serve while their server is away.';
COMMENT ON COLUMN api_client.token_at IS 'When it last got a token.';
COMMENT ON COLUMN api_client.signing IS
    'The shared secret that signs what is sent to it, sealed; `signing_before` is the one that is being replaced, and signs too.';

-- Where what a client follows may be sent: approved by the operator, one by one; the address itself, or what lies in the folder that it names.
CREATE TABLE api_client_address (
    client text NOT NULL REFERENCES api_client (name),
    address text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (client, address)
);

-- An assertion that was taken: nobody takes it twice while it lives.
CREATE TABLE api_jti (
    client text NOT NULL REFERENCES api_client (name),
    jti text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (client, jti)
);
CREATE INDEX api_jti_expiry ON api_jti (expires_at);

-- A person said yes to an app, at one place, for one patient or for none; its code is good for one minute and once.
CREATE TABLE api_grant (
    id text PRIMARY KEY,
    client text NOT NULL REFERENCES api_client (name),
    login text NOT NULL,
    role_id text NOT NULL,
    scopes text[] NOT NULL,
    patient text,
    redirect_uri text NOT NULL,
    challenge text NOT NULL,
    nonce text NOT NULL DEFAULT '',
    code_hash bytea NOT NULL UNIQUE,
    code_expires_at timestamptz NOT NULL,
    code_used_at timestamptz,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    FOREIGN KEY (login, role_id) REFERENCES account_exercise (login, role_id)
);
CREATE INDEX api_grant_login ON api_grant (login);

-- A bearer token: only the hash of its secret is kept.
CREATE TABLE api_token (
    token_hash bytea PRIMARY KEY,
    client text NOT NULL REFERENCES api_client (name),
    scopes text[] NOT NULL,
    certificate text,
    grant_id text REFERENCES api_grant (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX api_token_expiry ON api_token (expires_at);
CREATE INDEX api_token_grant ON api_token (grant_id) WHERE grant_id IS NOT NULL;

-- A refresh token is used once and answered with the next; one that comes twice was stolen, and ends the consent.
CREATE TABLE api_refresh (
    token_hash bytea PRIMARY KEY,
    grant_id text NOT NULL REFERENCES api_grant (id),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

-- A handle stands for a patient for a few minutes, in the address and never in a session: for one app and the person who opens it from a patient's
-- page (taken once), or, without a login, for the people of the organisations of the software that asked for it. It gives no right.
CREATE TABLE api_launch (
    handle_hash bytea PRIMARY KEY,
    client text NOT NULL REFERENCES api_client (name),
    login text REFERENCES account (login),
    patient text NOT NULL,
    service text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- ===== peers/schema.sql =====

-- Other installations of maillage with which requests are shared.

-- A peer is a client that speaks for the people of its organisations, who work there and not here; what ours do to a shared request is told to it.
CREATE TABLE peer (
    client text PRIMARY KEY REFERENCES api_client (name),
    address text NOT NULL,
    known_as text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    answered_at timestamptz
);
COMMENT ON COLUMN peer.address IS 'Its FHIR base.';
COMMENT ON COLUMN peer.known_as IS 'Our own client_id there.';
COMMENT ON COLUMN peer.due_at IS 'Not before this instant is it asked again: what could not be told waits.';

-- Which peer holds the other side of what lies between two organisations, and which side that is; nothing when both work here, or both there.
CREATE FUNCTION peer_between(owner text, requester text) RETURNS TABLE (client text, side text) LANGUAGE sql STABLE AS $$
    SELECT p.client, CASE WHEN c.organizations @> ARRAY[owner] THEN 'performer' ELSE 'requester' END
    FROM peer p JOIN api_client c ON c.name = p.client
    WHERE NOT c.disabled AND (c.organizations @> ARRAY[owner]) <> (c.organizations @> ARRAY[requester])
    ORDER BY c.organizations @> ARRAY[owner] DESC, p.client LIMIT 1
$$;

-- ===== patient_binding/schema.sql =====

-- Which citizen of a national provider reads which file: bound once, by a link that the care side gave and by the strict traits (ADR 0027). The provider's
-- name of the person is kept as a hash. Never two files for one citizen, nor two citizens for one file, at one time.
CREATE TABLE patient_binding (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    subject_hash bytea NOT NULL CHECK (length(subject_hash) = 32),
    level text NOT NULL CHECK (level IN ('eidas1', 'eidas2', 'eidas3')),
    bound_at timestamptz NOT NULL,
    signed_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text CHECK (ended_by IN ('patient', 'desk', 'identity')),
    owner_org text NOT NULL DEFAULT '',
    parties text[] NOT NULL DEFAULT '{}',
    CONSTRAINT patient_binding_end CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX patient_binding_one_file ON patient_binding (subject_hash) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX patient_binding_one_citizen ON patient_binding (patient_id) WHERE ended_at IS NULL;
COMMENT ON COLUMN patient_binding.ended_by IS 'identity: a trait of the file changed, it was closed, replaced, or its patient died; the next link binds it again.';

-- A file whose identity changes, which is closed or replaced, or whose patient has died, is nobody's to read from that commit on, whatever code wrote it.
CREATE FUNCTION unbind_changed_identity() RETURNS trigger LANGUAGE plpgsql SET app.kind = 'system' AS $$
BEGIN
    UPDATE patient_binding SET ended_at = greatest(app_now(), bound_at), ended_by = 'identity' WHERE patient_id = NEW.id AND ended_at IS NULL;
    UPDATE patient_visit SET ended_at = app_now() WHERE patient_id = NEW.id AND binding_id IS NOT NULL AND ended_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER patient_unbound AFTER UPDATE ON patient FOR EACH ROW
    WHEN ((OLD.family, OLD.given, OLD.birth_date, OLD.gender, OLD.birth_insee, OLD.active, OLD.deceased, OLD.replaced_by)
        IS DISTINCT FROM (NEW.family, NEW.given, NEW.birth_date, NEW.gender, NEW.birth_insee, NEW.active, NEW.deceased, NEW.replaced_by))
    EXECUTE FUNCTION unbind_changed_identity();

-- ===== patient_link/schema.sql =====

-- How a patient opens, without an account, the page of one request, one appointment or one emergency access (workflow rule book 15).
-- These rows are the system's alone: they belong to no organisation, and nobody reads them but to open a page.

-- The code of a patient, which every link asks: told at booking, or sent by another channel than the link. Ten wrong ones take it away.
CREATE TABLE patient_code (
    patient_id text PRIMARY KEY REFERENCES patient (id),
    code_hash text CHECK (code_hash LIKE '$argon2id$%'),
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    asked_at timestamptz,
    owner_org text NOT NULL DEFAULT '',
    parties text[] NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN patient_code.asked_at IS 'The last time that the patient asked for a new link: no more than one every ten minutes.';

-- Each link that was given, by the hash of its secret: it opens one page, once, until it expires.
CREATE TABLE patient_link (
    token_hash bytea PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient_code (patient_id),
    res_type text NOT NULL CONSTRAINT patient_link_about CHECK (res_type IN ('Task', 'Appointment', 'BreakGlass', 'AccessQuestion')),
    res_id text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz,
    owner_org text NOT NULL DEFAULT '',
    parties text[] NOT NULL DEFAULT '{}',
    CONSTRAINT patient_link_period CHECK (expires_at > made_at),
    CONSTRAINT patient_link_one_end CHECK (num_nonnulls(used_at, revoked_at) <= 1)
);
CREATE INDEX patient_link_patient ON patient_link (patient_id);
CREATE INDEX patient_link_made ON patient_link (made_at);

-- A page that a link opened, in one browser, for a quarter of an hour; or, with a binding, the own record after a strong sign-in, as long as it is used
-- and for an hour. Its id stands in the address, its secret in a cookie of its own: two pages never cross.
CREATE TABLE patient_visit (
    id text PRIMARY KEY,
    secret_hash bytea NOT NULL CONSTRAINT patient_visit_secret UNIQUE,
    patient_id text NOT NULL REFERENCES patient_code (patient_id),
    res_type text,
    res_id text,
    binding_id text REFERENCES patient_binding (id),
    assurance text NOT NULL DEFAULT 'lien' CHECK (assurance IN ('lien', 'eidas1', 'eidas2', 'eidas3')),
    csrf text NOT NULL,
    began_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    provider_token bytea,
    owner_org text NOT NULL DEFAULT '',
    parties text[] NOT NULL DEFAULT '{}',
    CONSTRAINT patient_visit_period CHECK (ends_at > began_at),
    CONSTRAINT patient_visit_means CHECK ((binding_id IS NULL) = (assurance = 'lien') AND (binding_id IS NULL) = (res_id IS NOT NULL)
        AND (res_type IS NULL) = (res_id IS NULL))
);
COMMENT ON COLUMN patient_visit.provider_token IS 'Sealed ID token, shown to the provider when its session is to end too.';
CREATE INDEX patient_visit_patient ON patient_visit (patient_id);
CREATE INDEX patient_visit_ends ON patient_visit (ends_at);

-- ===== messaging/schema.sql =====

-- In-app notifications: something awaits you. No name, no reason: the page says the rest to who may see it.
CREATE TABLE notification (
    id text PRIMARY KEY,
    event text NOT NULL,
    focus_type text NOT NULL,
    focus_id text NOT NULL,
    organization_id text NOT NULL,
    role text,
    role_id text,
    patient_id text,
    urgent boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    read_at timestamptz,
    read_by text,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED
);
CREATE TRIGGER notification_told AFTER INSERT OR UPDATE ON notification FOR EACH ROW EXECUTE FUNCTION tell_change('Communication');
CREATE INDEX notification_inbox ON notification (organization_id, created_at DESC) WHERE read_at IS NULL;
CREATE INDEX notification_focus ON notification (focus_type, focus_id);

-- How a person wants to be told beside the pages, at one place of work. `digest_at` NULL: as things come. Quiet hours may pass midnight.
CREATE TABLE notification_setting (
    role_id text PRIMARY KEY,
    organization_id text NOT NULL,
    roles text[] NOT NULL,
    channel text NOT NULL CHECK (channel IN ('none', 'email', 'sms')),
    email text NOT NULL DEFAULT '',
    phone text NOT NULL DEFAULT '',
    digest_at time,
    quiet_from time,
    quiet_to time,
    changed_at timestamptz NOT NULL,
    CONSTRAINT notification_setting_address CHECK ((channel <> 'email' OR email <> '') AND (channel <> 'sms' OR phone <> '')),
    CONSTRAINT notification_setting_quiet CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
);
CREATE INDEX notification_setting_organization ON notification_setting (organization_id);

-- What is to be told to whom beside the pages, by when; several leave in one message (`sent_in`). One notification reaches a person once by a channel.
CREATE TABLE notice (
    notification_id text NOT NULL REFERENCES notification (id),
    role_id text NOT NULL REFERENCES notification_setting (role_id),
    channel text NOT NULL CHECK (channel IN ('email', 'sms')),
    urgent boolean NOT NULL,
    due_at timestamptz NOT NULL,
    sent_in text,
    sent_at timestamptz,
    PRIMARY KEY (notification_id, role_id, channel),
    CONSTRAINT notice_sent CHECK ((sent_in IS NULL) = (sent_at IS NULL))
);
CREATE INDEX notice_due ON notice (due_at) WHERE sent_in IS NULL;
CREATE INDEX notice_message ON notice (sent_in) WHERE sent_in IS NOT NULL;

-- How a patient wants to be told; nothing said is by SMS, else by e-mail.
CREATE TABLE patient_channel (
    patient_id text PRIMARY KEY REFERENCES patient (id),
    channel text NOT NULL CHECK (channel IN ('sms', 'email', 'call')),
    chosen_at timestamptz NOT NULL,
    owner_org text NOT NULL DEFAULT '',
    parties text[] NOT NULL DEFAULT '{}'
);

-- A message of a partner's software, kept whole as it came, with what became of it: played by a verb, or kept with the reason. Never changed; the same
-- message again gets the same answer.
CREATE TABLE partner_message (
    id text PRIMARY KEY,
    sender text NOT NULL,
    message_id text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    event text NOT NULL,
    received_at timestamptz NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('done', 'kept')),
    outcomes text NOT NULL,
    content text NOT NULL,
    patient_id text,
    owner_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org]) STORED,
    CONSTRAINT partner_message_once UNIQUE (owner_org, sender, message_id)
);
CREATE INDEX partner_message_last ON partner_message (sender, received_at DESC);
CREATE TRIGGER partner_message_append_only BEFORE UPDATE OR DELETE ON partner_message FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- ===== subscriptions/schema.sql =====

-- Subscriptions of machine clients, and what each of them is to be told.

-- A subscription: whom it belongs to, what it wants, how it stands. `criteria`: its filters. `events`: how many events it has had, each with its number.
-- `due_at`: when a handshake or a heartbeat is due. `fence` counts the turns of workers: one that lost its turn can no longer say how it ended.
CREATE TABLE subscription (
    id text PRIMARY KEY,
    client text NOT NULL REFERENCES api_client (name),
    topic text NOT NULL,
    focus_type text NOT NULL,
    criteria text[] NOT NULL DEFAULT '{}',
    endpoint text NOT NULL,
    destination text NOT NULL,
    content text NOT NULL CHECK (content IN ('id-only', 'empty')),
    media text NOT NULL,
    timeout integer NOT NULL CHECK (timeout > 0),
    heartbeat integer CHECK (heartbeat > 0),
    starts timestamptz CHECK (is_sane(starts)),
    ends timestamptz CHECK (is_sane(ends)),
    scopes text[] NOT NULL,
    resource text NOT NULL,
    status text NOT NULL CHECK (status IN ('requested', 'active', 'error', 'off')),
    error text NOT NULL DEFAULT '',
    events bigint NOT NULL DEFAULT 0 CHECK (events >= 0),
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    answered_at timestamptz,
    failed_at timestamptz,
    leased_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);
CREATE INDEX subscription_focus ON subscription (focus_type) WHERE status <> 'off';
CREATE INDEX subscription_client ON subscription (client);

-- One row for each subscription and event: written once however often the event comes, and ended once: sent, dead after too many tries until somebody
-- decides, or withheld because its subscriber may no longer know of it. `id` is what the receiver knows a repetition by.
CREATE TABLE subscription_delivery (
    id text PRIMARY KEY,
    subscription_id text NOT NULL REFERENCES subscription (id),
    number bigint NOT NULL CHECK (number > 0),
    res_type text NOT NULL,
    res_id text NOT NULL,
    version integer NOT NULL,
    act text NOT NULL CHECK (act IN ('create', 'update', 'delete')),
    at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    tried_at timestamptz,
    sent_at timestamptz,
    dead_at timestamptz,
    withheld_at timestamptz,
    patient_id text,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT subscription_delivery_number UNIQUE (subscription_id, number),
    CONSTRAINT subscription_delivery_once UNIQUE (subscription_id, res_type, res_id, version),
    CONSTRAINT subscription_delivery_one_end CHECK (num_nonnulls(sent_at, dead_at, withheld_at) <= 1)
);
CREATE INDEX subscription_delivery_waiting ON subscription_delivery (subscription_id, number)
    WHERE sent_at IS NULL AND dead_at IS NULL AND withheld_at IS NULL;
CREATE INDEX subscription_delivery_dead ON subscription_delivery (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX subscription_delivery_done ON subscription_delivery (coalesce(sent_at, withheld_at));

-- Every version of what partners follow becomes a message of the transaction that wrote it: a trigger, so that no code forgets it and nothing is lost
-- between the act and the telling. Nobody follows: nothing is written. It reads subscriptions as the system, and shows nothing of them.
CREATE FUNCTION tell_subscribers() RETURNS trigger LANGUAGE plpgsql SET app.kind = 'system' AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM subscription s WHERE s.focus_type = NEW.res_type AND s.status <> 'off') THEN
        INSERT INTO outbox (id, topic, key, payload, request_id, created_at, due_at)
        VALUES (gen_random_uuid()::text, 'subscription-event', 'event:' || NEW.res_type || '/' || NEW.id,
            json_build_object('type', NEW.res_type, 'id', NEW.id, 'version', NEW.version)::text,
            coalesce(current_setting('app.request', true), ''), app_now(), app_now());
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER resource_version_told AFTER INSERT ON resource_version FOR EACH ROW
    WHEN (NEW.res_type IN ('Appointment', 'CommunicationRequest', 'ServiceRequest', 'Task')) EXECUTE FUNCTION tell_subscribers();

-- ===== documents/schema.sql =====

-- A file that somebody entrusted to us: its bytes lie encrypted in the folder of objects, under the key that only this row holds, wrapped.
-- Who sees a document is said by the resource that it belongs to, whose columns are copied here by that resource's room.
CREATE TABLE document (
    id text PRIMARY KEY,
    patient_id text NOT NULL CONSTRAINT document_patient_known REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    content_version integer NOT NULL DEFAULT 1 CHECK (content_version > 0),
    content_type text NOT NULL CONSTRAINT document_type_allowed CHECK (content_type IN
        ('application/pdf', 'image/jpeg', 'image/png', 'application/xml', 'text/plain')),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    size integer NOT NULL CHECK (size >= 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    sha1 bytea NOT NULL CHECK (length(sha1) = 20),
    key_id text,
    wrapped_key bytea,
    received_at timestamptz NOT NULL,
    received_by text NOT NULL,
    withheld_at timestamptz,
    destroyed_at timestamptz,
    -- A destroyed document has no key any more: what is left of its file, here or in a backup, cannot be read.
    CONSTRAINT document_key CHECK ((destroyed_at IS NULL) = (wrapped_key IS NOT NULL) AND (key_id IS NULL) = (wrapped_key IS NULL))
);
COMMENT ON COLUMN document.withheld_at IS 'What it came with should never have been: its bytes are shown to nobody, and are kept until somebody decides.';
COMMENT ON COLUMN document.sha1 IS 'What FHIR R4 calls Attachment.hash; nothing here is decided on it.';
CREATE INDEX document_patient ON document (patient_id);
CREATE INDEX document_key_used ON document (key_id) WHERE key_id IS NOT NULL;

-- ===== exports/schema.sql =====

-- A Bulk Data export: who asked for what, how far it is, until when its files are kept.
CREATE TABLE bulk_export (
    id text PRIMARY KEY,
    -- The client as it asked, with the scopes of its token: each portion is read as this actor.
    actor text NOT NULL,
    client text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL CONSTRAINT bulk_export_parties CHECK (cardinality(parties) > 0),
    level text NOT NULL CONSTRAINT bulk_export_level CHECK (level IN ('system', 'patient', 'group')),
    group_id text CONSTRAINT bulk_export_group CHECK ((group_id IS NOT NULL) = (level = 'group')),
    types text[] NOT NULL,
    -- The patients that were named, where some were; and for a type the searches of which a resource must answer one: [[type, [[name, value]]]].
    patients text[],
    filters text NOT NULL DEFAULT '[]',
    since timestamptz,
    request text NOT NULL,
    status text NOT NULL CONSTRAINT bulk_export_status CHECK (status IN ('accepted', 'running', 'done', 'failed', 'cancelled', 'expired')),
    -- Which type is being read (after the last one, and since an instant: what of the first was deleted), and the last id that was: what a portion commits with its file.
    step integer NOT NULL DEFAULT 0,
    after_id text NOT NULL DEFAULT '',
    -- The fencing number: how often it was claimed. `tries` counts claims without progress.
    claims integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    asked_at timestamptz NOT NULL,
    ended_at timestamptz,
    expires_at timestamptz,
    CONSTRAINT bulk_export_ended CHECK ((status IN ('accepted', 'running')) = (ended_at IS NULL)),
    CONSTRAINT bulk_export_kept CHECK (status <> 'done' OR expires_at IS NOT NULL)
);
CREATE INDEX bulk_export_waiting ON bulk_export (asked_at) WHERE status IN ('accepted', 'running');
CREATE INDEX bulk_export_client ON bulk_export (client, status);

-- One file of it: its bytes lie encrypted in the folder of exports, under a key that only this row holds, wrapped.
CREATE TABLE bulk_export_file (
    id text PRIMARY KEY,
    export_id text NOT NULL REFERENCES bulk_export (id),
    step integer NOT NULL,
    after_id text NOT NULL,
    res_type text NOT NULL,
    -- Its lines tell what was deleted.
    deleted boolean NOT NULL DEFAULT false,
    lines integer NOT NULL,
    size integer NOT NULL,
    sha256 bytea NOT NULL,
    key_id text NOT NULL,
    wrapped_key bytea NOT NULL,
    CONSTRAINT bulk_export_file_once UNIQUE (export_id, step, after_id)
);

-- Whom an export has shown so far: each is audited once while it is built.
CREATE TABLE bulk_export_patient (
    export_id text NOT NULL REFERENCES bulk_export (id),
    patient_id text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    PRIMARY KEY (export_id, patient_id)
);

-- ===== referrals/schema.sql =====

-- The referral: requests, coordination Tasks, their statuses, and what is owed to whom (workflows.md 1).
-- Tables that name a patient carry owner_org and parties: every SELECT starts from what the actor may see.

-- The versioned lists of reasons, with the one axis on which each code is counted; the rule book holds the same lists, a test compares.
CREATE TABLE referral_reason (
    list text NOT NULL,
    code text NOT NULL,
    axis text NOT NULL CHECK (axis IN ('clinical', 'capacity', 'completeness', 'organisation', 'patient', 'error')),
    version text NOT NULL,
    CONSTRAINT referral_reason_pkey PRIMARY KEY (list, code),
    CONSTRAINT referral_reason_axis UNIQUE (list, code, axis)
);
INSERT INTO referral_reason (list, code, axis, version) VALUES
    ('decline', 'no-indication', 'clinical', '2026-1'),
    ('decline', 'wrong-specialty', 'clinical', '2026-1'),
    ('decline', 'contraindication', 'clinical', '2026-1'),
    ('decline', 'already-followed', 'clinical', '2026-1'),
    ('decline', 'became-impossible', 'clinical', '2026-1'),
    ('decline', 'prerequisites-missing', 'completeness', '2026-1'),
    ('decline', 'patient-declines', 'patient', '2026-1'),
    ('decline', 'after-absence', 'patient', '2026-1'),
    ('decline', 'duplicate', 'error', '2026-1'),
    ('decline', 'wrong-patient', 'error', '2026-1'),
    ('decline', 'other', 'organisation', '2026-1'),
    ('redirect', 'age', 'clinical', '2026-1'),
    ('redirect', 'sub-specialty', 'clinical', '2026-1'),
    ('redirect', 'priority', 'clinical', '2026-1'),
    ('redirect', 'closer-site', 'organisation', '2026-1'),
    ('redirect', 'confidentiality', 'organisation', '2026-1'),
    ('redirect', 'equipment', 'organisation', '2026-1'),
    ('redirect', 'practitioner-absent', 'capacity', '2026-1'),
    ('redirect', 'other', 'organisation', '2026-1'),
    ('capacity', 'no-slot-in-target', 'capacity', '2026-1'),
    ('capacity', 'session-cancelled', 'capacity', '2026-1'),
    ('capacity', 'quota-exhausted', 'capacity', '2026-1'),
    ('capacity', 'practitioner-absent', 'capacity', '2026-1'),
    ('capacity', 'no-room-or-kit', 'capacity', '2026-1'),
    ('capacity', 'other', 'organisation', '2026-1'),
    ('absence', 'forgot', 'patient', '2026-1'),
    ('absence', 'ill', 'patient', '2026-1'),
    ('absence', 'late', 'patient', '2026-1'),
    ('absence', 'cancelled-late', 'patient', '2026-1'),
    ('absence', 'transport', 'patient', '2026-1'),
    ('absence', 'hospitalised', 'patient', '2026-1'),
    ('absence', 'died', 'patient', '2026-1'),
    ('absence', 'unknown', 'patient', '2026-1'),
    ('absence', 'not-informed', 'organisation', '2026-1'),
    ('absence', 'other', 'organisation', '2026-1'),
    ('cancel-by-patient', 'forgot', 'patient', '2026-1'),
    ('cancel-by-patient', 'ill', 'patient', '2026-1'),
    ('cancel-by-patient', 'late', 'patient', '2026-1'),
    ('cancel-by-patient', 'transport', 'patient', '2026-1'),
    ('cancel-by-patient', 'hospitalised', 'patient', '2026-1'),
    ('cancel-by-patient', 'died', 'patient', '2026-1'),
    ('cancel-by-patient', 'declined', 'patient', '2026-1'),
    ('cancel-by-patient', 'unknown', 'patient', '2026-1'),
    ('cancel-by-patient', 'not-informed', 'organisation', '2026-1'),
    ('cancel-by-patient', 'other', 'organisation', '2026-1'),
    ('cancel-by-service', 'leave', 'capacity', '2026-1'),
    ('cancel-by-service', 'ill', 'capacity', '2026-1'),
    ('cancel-by-service', 'deployment', 'capacity', '2026-1'),
    ('cancel-by-service', 'strike', 'capacity', '2026-1'),
    ('cancel-by-service', 'room', 'capacity', '2026-1'),
    ('cancel-by-service', 'kit', 'capacity', '2026-1'),
    ('cancel-by-service', 'no-help', 'capacity', '2026-1'),
    ('cancel-by-service', 'session-cancelled', 'capacity', '2026-1'),
    ('cancel-by-service', 'other', 'organisation', '2026-1'),
    ('refuse-offer', 'date-unsuitable', 'patient', '2026-1'),
    ('refuse-offer', 'too-far', 'patient', '2026-1'),
    ('refuse-offer', 'transport', 'patient', '2026-1'),
    ('refuse-offer', 'patient-declines', 'patient', '2026-1'),
    ('refuse-offer', 'seen-elsewhere', 'patient', '2026-1'),
    ('refuse-offer', 'too-short-notice', 'organisation', '2026-1'),
    ('refuse-offer', 'other', 'organisation', '2026-1'),
    ('dispute', 'no-conclusion', 'completeness', '2026-1'),
    ('dispute', 'treatment-unclear', 'completeness', '2026-1'),
    ('dispute', 'who-does-what', 'completeness', '2026-1'),
    ('dispute', 'pending-result', 'completeness', '2026-1'),
    ('dispute', 'other', 'organisation', '2026-1'),
    ('withdraw', 'resolved', 'clinical', '2026-1'),
    ('withdraw', 'seen-elsewhere', 'patient', '2026-1'),
    ('withdraw', 'patient-declines', 'patient', '2026-1'),
    ('withdraw', 'died', 'patient', '2026-1'),
    ('withdraw', 'duplicate', 'error', '2026-1'),
    ('withdraw', 'wrong-patient', 'error', '2026-1'),
    ('withdraw', 'wrong-service', 'error', '2026-1'),
    ('withdraw', 'other', 'organisation', '2026-1'),
    ('request-cancellation', 'resolved', 'clinical', '2026-1'),
    ('request-cancellation', 'seen-elsewhere', 'patient', '2026-1'),
    ('request-cancellation', 'patient-declines', 'patient', '2026-1'),
    ('request-cancellation', 'died', 'patient', '2026-1'),
    ('request-cancellation', 'duplicate', 'error', '2026-1'),
    ('request-cancellation', 'wrong-patient', 'error', '2026-1'),
    ('request-cancellation', 'wrong-service', 'error', '2026-1'),
    ('request-cancellation', 'other', 'organisation', '2026-1'),
    ('decide-next', 'resolved', 'clinical', '2026-1'),
    ('decide-next', 'seen-elsewhere', 'patient', '2026-1'),
    ('decide-next', 'patient-declines', 'patient', '2026-1'),
    ('decide-next', 'died', 'patient', '2026-1'),
    ('decide-next', 'duplicate', 'error', '2026-1'),
    ('decide-next', 'wrong-patient', 'error', '2026-1'),
    ('decide-next', 'wrong-service', 'error', '2026-1'),
    ('decide-next', 'other', 'organisation', '2026-1'),
    ('send-elsewhere', 'other-specialty', 'clinical', '2026-1'),
    ('send-elsewhere', 'too-late', 'capacity', '2026-1'),
    ('send-elsewhere', 'closer-site', 'organisation', '2026-1'),
    ('send-elsewhere', 'service-closed', 'organisation', '2026-1'),
    ('send-elsewhere', 'patient-choice', 'patient', '2026-1'),
    ('send-elsewhere', 'other', 'organisation', '2026-1'),
    ('priority', 'worsened', 'clinical', '2026-1'),
    ('priority', 'improved', 'clinical', '2026-1'),
    ('priority', 'new-result', 'clinical', '2026-1'),
    ('priority', 'triage-assessment', 'clinical', '2026-1'),
    ('priority', 'patient-situation', 'patient', '2026-1'),
    ('priority', 'entered-wrongly', 'error', '2026-1'),
    ('priority', 'other', 'organisation', '2026-1'),
    ('enter-in-error', 'wrong-patient', 'error', '2026-1'),
    ('enter-in-error', 'wrong-service', 'error', '2026-1'),
    ('enter-in-error', 'duplicate', 'error', '2026-1'),
    ('enter-in-error', 'entered-by-mistake', 'error', '2026-1'),
    ('enter-in-error', 'other', 'organisation', '2026-1'),
    ('duplicate-override', 'other-problem', 'clinical', '2026-1'),
    ('duplicate-override', 'second-opinion', 'clinical', '2026-1'),
    ('duplicate-override', 'previous-lost', 'completeness', '2026-1'),
    ('duplicate-override', 'other', 'organisation', '2026-1');

-- The request itself, written by the requester's side alone. `received` keeps the parts of a posted ServiceRequest that no rule reads.
CREATE TABLE service_request (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    status text NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'revoked', 'entered-in-error')),
    patient_id text NOT NULL CONSTRAINT service_request_patient_known REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    requester_role_id text NOT NULL CONSTRAINT service_request_requester_known REFERENCES practitioner_role (id),
    requester_id text NOT NULL,
    prepared_by text NOT NULL DEFAULT '',
    plan text NOT NULL DEFAULT '',
    priority text NOT NULL CHECK (priority IN ('stat', 'asap', 'urgent', 'routine')),
    authored_on timestamptz NOT NULL,
    received text NOT NULL DEFAULT '{}',
    identity_confirmed boolean NOT NULL DEFAULT false,
    patient_informed boolean NOT NULL DEFAULT false,
    outside_criteria boolean NOT NULL DEFAULT false,
    may_redirect boolean NOT NULL DEFAULT true,
    may_advise boolean NOT NULL DEFAULT true,
    may_convert boolean NOT NULL DEFAULT true,
    asked_active boolean NOT NULL DEFAULT false,
    first_sent_at timestamptz,
    ended_at timestamptz,
    -- A request that needs a call at once is never sent as a form.
    CONSTRAINT service_request_stat CHECK (priority <> 'stat' OR status IN ('draft', 'entered-in-error'))
);
-- A request that came in as active is sent in the same transaction or not taken at all: nobody believes that it left when it did not.
CREATE FUNCTION service_request_was_sent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM service_request WHERE id = NEW.id AND asked_active AND status = 'draft') THEN
        RAISE EXCEPTION 'an active request was not sent'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'service_request_active_is_sent';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER service_request_active_is_sent AFTER INSERT ON service_request
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION service_request_was_sent();
CREATE TRIGGER service_request_in_use BEFORE INSERT ON service_request FOR EACH ROW EXECUTE FUNCTION refuse_replaced();
CREATE INDEX service_request_last_of ON service_request (requester_role_id, first_sent_at DESC) WHERE first_sent_at IS NOT NULL;
CREATE INDEX service_request_patient ON service_request (patient_id, owner_org);

-- One coordination Task per addressed service: where the request stands, whose turn it is, who holds it, by when.
CREATE TABLE referral_task (
    id text PRIMARY KEY,
    -- In which order those of one instant were made: an id says nothing of it.
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    version integer NOT NULL DEFAULT 0,
    request_id text NOT NULL REFERENCES service_request (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    -- A draft is the requester's alone.
    parties text[] NOT NULL GENERATED ALWAYS AS
        (CASE WHEN sent_at IS NULL THEN ARRAY[requester_org] ELSE ARRAY[owner_org, requester_org] END) STORED,
    service_id text NOT NULL CONSTRAINT referral_task_service_known REFERENCES healthcare_service (id),
    lead_role_id text,
    state text NOT NULL CHECK (state IN (
        'to-complete', 'sent', 'opened', 'info-requested', 'info-received', 'insisted', 'to-book', 'waiting-capacity',
        'offered', 'booked', 'not-attended', 'to-rebook', 'seen', 'cancellation-requested', 'letter-sent', 'advised',
        'declined', 'redirected', 'closed', 'cancelled', 'entered-in-error')),
    fhir_status text NOT NULL,
    business text,
    priority text NOT NULL CHECK (priority IN ('stat', 'asap', 'urgent', 'routine')),
    turn text,
    holder text,
    deadline text,
    due_since timestamptz,
    due_at timestamptz,
    due_unit text,
    ladder_at timestamptz,
    clocks text NOT NULL DEFAULT '{}',
    authored_on timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    first_sent_at timestamptz,
    sent_at timestamptz,
    opened_at timestamptz,
    decided_at timestamptz,
    decided_by text,
    seen_at timestamptz,
    ended_at timestamptz,
    reason_list text,
    reason text,
    reason_axis text,
    comment text NOT NULL DEFAULT '',
    rounds integer NOT NULL DEFAULT 0,
    unanswered_round boolean NOT NULL DEFAULT false,
    recommendation text,
    recommendation_due timestamptz,
    advice text NOT NULL DEFAULT '',
    appointment_id text,
    slot_start timestamptz,
    slot_end timestamptz,
    offered_at timestamptz,
    hold_expires_at timestamptz,
    refusals integer NOT NULL DEFAULT 0,
    reschedules integer NOT NULL DEFAULT 0,
    encounter_id text,
    document_id text,
    came_from text REFERENCES referral_task (id),
    came_by text CHECK (came_by IN ('redirect', 'send-elsewhere', 'insist')),
    insists_on text CONSTRAINT referral_task_insist_once UNIQUE REFERENCES referral_task (id),
    duplicate_reason text,
    -- The other installation that holds the same Task, and the side whose people work there.
    peer text REFERENCES peer (client),
    peer_side text CHECK (peer_side IN ('requester', 'performer')),
    CONSTRAINT referral_task_peer CHECK ((peer IS NULL) = (peer_side IS NULL)),
    -- Open means that somebody owes the next act by a date; ended means that nobody does.
    CONSTRAINT referral_task_turn CHECK (
        num_nulls(turn, holder, deadline, due_since, due_at, due_unit) = CASE WHEN state IN ('closed', 'cancelled', 'entered-in-error') THEN 6 ELSE 0 END),
    -- Lack of capacity can never refuse (workflows.md 0.6); a decline always says why.
    CONSTRAINT referral_task_capacity_never_declines CHECK (NOT (state = 'declined' AND reason_axis = 'capacity')),
    CONSTRAINT referral_task_decline_says_why CHECK (state <> 'declined' OR reason IS NOT NULL),
    CONSTRAINT referral_task_reason_whole CHECK (num_nulls(reason_list, reason, reason_axis) IN (0, 3)),
    CONSTRAINT referral_task_reason FOREIGN KEY (reason_list, reason, reason_axis) REFERENCES referral_reason (list, code, axis),
    -- A visit is written when it has taken place, never before.
    CONSTRAINT referral_task_seen_happened CHECK (seen_at <= changed_at),
    CONSTRAINT referral_task_dates CHECK (is_sane(seen_at) AND is_sane(recommendation_due) AND is_sane(due_at) AND is_sane(slot_start) AND is_sane(slot_end)),
    CONSTRAINT referral_task_counts CHECK (rounds BETWEEN 0 AND 100 AND refusals BETWEEN 0 AND 10000 AND reschedules BETWEEN 0 AND 10000)
);
-- Every Task between ours and people who work at a peer is shared with it.
CREATE FUNCTION share_with_peer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT client, side INTO NEW.peer, NEW.peer_side FROM peer_between(NEW.owner_org, NEW.requester_org);
    RETURN NEW;
END
$$;
CREATE TRIGGER referral_task_shared BEFORE INSERT ON referral_task FOR EACH ROW EXECUTE FUNCTION share_with_peer();
CREATE TRIGGER referral_task_in_use BEFORE INSERT ON referral_task FOR EACH ROW EXECUTE FUNCTION refuse_replaced();
CREATE TRIGGER referral_task_told AFTER INSERT OR UPDATE ON referral_task FOR EACH ROW EXECUTE FUNCTION tell_change('Task');
-- One request of a requester for a patient at a time in the hands of a service, unless the requester said why there are two.
CREATE UNIQUE INDEX referral_task_one_open ON referral_task (patient_id, service_id, requester_org)
    WHERE fhir_status IN ('received', 'accepted', 'in-progress') AND duplicate_reason IS NULL;
CREATE INDEX referral_task_request ON referral_task (request_id);
CREATE INDEX referral_task_patient ON referral_task (patient_id);
-- What lists are read by: a side, a state, then the order of its lines.
CREATE INDEX referral_task_performer ON referral_task
    (owner_org, state, array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], priority), due_at, number);
CREATE INDEX referral_task_requester ON referral_task
    (requester_org, state, array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], priority), due_at, number);
CREATE INDEX referral_task_ladder ON referral_task (ladder_at) WHERE ladder_at IS NOT NULL;

-- The Tasks of a request whose caller sees the request: an acceptance ends those of other services, which the caller does not see.
CREATE FUNCTION tasks_of_request(request text) RETURNS SETOF referral_task LANGUAGE sql STABLE SET app.kind = 'system' AS
    $$ SELECT * FROM referral_task WHERE request_id = request $$;

-- Every state that a Task has been in, with its author; never changed. Time by turn is the time between two rows of a Task.
CREATE TABLE referral_status (
    task_id text NOT NULL REFERENCES referral_task (id),
    seq integer NOT NULL,
    at timestamptz NOT NULL,
    verb text NOT NULL,
    state text NOT NULL,
    fhir_status text NOT NULL,
    business text,
    published_rows text NOT NULL DEFAULT '',
    turn text,
    holder text,
    deadline text,
    due_at timestamptz,
    priority text NOT NULL,
    party text NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    on_behalf_of text NOT NULL DEFAULT '',
    reason_list text,
    reason text,
    reason_axis text,
    comment text NOT NULL DEFAULT '',
    CONSTRAINT referral_status_pkey PRIMARY KEY (task_id, seq),
    CONSTRAINT referral_status_capacity_never_declines CHECK (NOT (state = 'declined' AND reason_axis = 'capacity'))
);
CREATE INDEX referral_status_at ON referral_status (at, verb);
CREATE TRIGGER referral_status_append_only BEFORE UPDATE OR DELETE ON referral_status FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What ours did to a shared Task, with what they brought, until the peer has played it too: told in order, once, whatever fails meanwhile.
CREATE TABLE referral_step (
    task_id text NOT NULL REFERENCES referral_task (id),
    seq integer NOT NULL,
    target text NOT NULL,
    verb text NOT NULL,
    given text NOT NULL,
    role_id text,
    at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    told_at timestamptz,
    refused_at timestamptz,
    error text NOT NULL DEFAULT '',
    CONSTRAINT referral_step_pkey PRIMARY KEY (task_id, seq),
    CONSTRAINT referral_step_ends_once CHECK (told_at IS NULL OR refused_at IS NULL)
);
COMMENT ON COLUMN referral_step.given IS 'What was brought with the verb, until the peer has it.';
COMMENT ON COLUMN referral_step.target IS 'The Task that the verb was played on: the Task itself, or one of its children.';
CREATE INDEX referral_step_waiting ON referral_step (at, task_id, seq) WHERE told_at IS NULL AND refused_at IS NULL;

-- Turns that are not the performer's, follow-ups and abort Tasks, as child Tasks that any FHIR client finds.
CREATE TABLE referral_child (
    id text PRIMARY KEY,
    -- In which order those of one instant were made: an id says nothing of it.
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    code text NOT NULL CHECK (code IN
        ('provide-information', 'confirm-appointment', 'decide-next', 'acknowledge-letter', 'follow-up', 'abort', 'no-news')),
    state text NOT NULL CHECK (state IN ('due', 'accepted', 'handed-back', 'completed', 'cancelled')),
    priority text NOT NULL,
    round integer,
    turn text,
    holder text NOT NULL,
    due_at timestamptz NOT NULL,
    authored_on timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    description text NOT NULL DEFAULT '',
    recommendation text,
    outcome text,
    comment text NOT NULL DEFAULT '',
    -- Holder and date stay as the record of who owed what; the turn ends with the Task.
    CONSTRAINT referral_child_turn CHECK ((turn IS NULL) = (state IN ('completed', 'cancelled'))),
    CONSTRAINT referral_child_dates CHECK (is_sane(due_at)),
    -- What is advised is owed that day at the earliest.
    CONSTRAINT referral_child_due CHECK (code <> 'follow-up' OR due_at > authored_on - interval '1 day')
);
CREATE INDEX referral_child_task ON referral_child (task_id);
-- What each side owes, the first due first.
CREATE INDEX referral_child_owed ON referral_child ((CASE WHEN turn = 'requester' THEN requester_org ELSE owner_org END), due_at, number)
    WHERE code = 'follow-up' AND turn IS NOT NULL;
-- At most one open child says whose turn it is.
CREATE UNIQUE INDEX referral_child_one_turn ON referral_child (task_id)
    WHERE state IN ('due', 'accepted', 'handed-back') AND code NOT IN ('follow-up', 'abort', 'no-news');
-- A patient who hears nothing says it once, until somebody acts.
CREATE UNIQUE INDEX referral_child_no_news ON referral_child (task_id) WHERE code = 'no-news' AND turn IS NOT NULL;

-- Who did what to a child Task, and when; never changed.
CREATE TABLE referral_child_status (
    child_id text NOT NULL REFERENCES referral_child (id),
    seq integer NOT NULL,
    at timestamptz NOT NULL,
    verb text NOT NULL,
    state text NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    comment text NOT NULL DEFAULT '',
    CONSTRAINT referral_child_status_pkey PRIMARY KEY (child_id, seq)
);
CREATE TRIGGER referral_child_status_append_only BEFORE UPDATE OR DELETE ON referral_child_status
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The named items of each round of questions, with their answers.
CREATE TABLE referral_question (
    task_id text NOT NULL REFERENCES referral_task (id),
    round integer NOT NULL,
    number integer NOT NULL,
    axis text NOT NULL CHECK (axis IN ('completeness', 'clinical')),
    item text NOT NULL CHECK (item <> ''),
    answer text NOT NULL DEFAULT '',
    cannot boolean NOT NULL DEFAULT false,
    answered_at timestamptz,
    CONSTRAINT referral_question_pkey PRIMARY KEY (task_id, round, number),
    CONSTRAINT referral_question_number CHECK (number BETWEEN 1 AND 50)
);

-- The form of the pathway as answered (QuestionnaireResponse).
CREATE TABLE referral_form (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    request_id text NOT NULL REFERENCES service_request (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    questionnaire text NOT NULL,
    status text NOT NULL CHECK (status IN ('in-progress', 'completed', 'amended', 'entered-in-error')),
    authored timestamptz NOT NULL,
    author_role_id text,
    items text NOT NULL,
    CONSTRAINT referral_form_dates CHECK (is_sane(authored))
);
CREATE INDEX referral_form_request ON referral_form (request_id);

-- The letter that comes back (DocumentReference 11488-4), signed. A disputed letter is superseded, never rewritten.
CREATE TABLE referral_letter (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    status text NOT NULL CHECK (status IN ('current', 'superseded', 'entered-in-error')),
    encounter_id text,
    title text NOT NULL,
    content_type text NOT NULL CHECK (content_type IN ('text/plain', 'application/pdf')),
    content bytea NOT NULL,
    author_role_id text,
    author_display text NOT NULL,
    signed_at timestamptz NOT NULL,
    replaces text REFERENCES referral_letter (id)
);
CREATE INDEX referral_letter_task ON referral_letter (task_id);

-- What came with a request, an answer or a letter: a file whose bytes `document` keeps (DocumentReference). It goes where that text goes.
CREATE TABLE referral_attachment (
    id text PRIMARY KEY REFERENCES document (id),
    version integer NOT NULL DEFAULT 0,
    request_id text NOT NULL REFERENCES service_request (id),
    task_id text REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    part text NOT NULL CHECK (part IN ('request', 'answer', 'letter')),
    round integer,
    letter_id text REFERENCES referral_letter (id),
    status text NOT NULL CHECK (status IN ('current', 'entered-in-error')),
    title text NOT NULL,
    content_type text NOT NULL,
    size integer NOT NULL,
    hash bytea NOT NULL,
    author_role_id text,
    author_display text NOT NULL,
    attached_at timestamptz NOT NULL,
    CONSTRAINT referral_attachment_whose CHECK ((part = 'request') = (task_id IS NULL)),
    CONSTRAINT referral_attachment_letter CHECK ((part = 'letter') = (letter_id IS NOT NULL)),
    CONSTRAINT referral_attachment_round CHECK ((part = 'answer') = (round IS NOT NULL))
);
CREATE INDEX referral_attachment_request ON referral_attachment (request_id);
CREATE INDEX referral_attachment_of_letter ON referral_attachment (letter_id) WHERE letter_id IS NOT NULL;

-- The visit (Encounter), as little as the loop needs.
CREATE TABLE referral_encounter (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    status text NOT NULL DEFAULT 'finished' CHECK (status IN ('finished', 'entered-in-error')),
    class text NOT NULL CHECK (class IN ('AMB', 'VR', 'HH')),
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    appointment_id text,
    role_id text,
    CONSTRAINT referral_encounter_period CHECK (ends > starts AND ends <= starts + interval '1 day' AND is_sane(starts))
);

-- Each step of the breach ladder that a deadline has reached; never changed, never taken back.
CREATE TABLE referral_breach (
    task_id text NOT NULL REFERENCES referral_task (id),
    deadline text NOT NULL,
    due_at timestamptz NOT NULL,
    level integer NOT NULL CHECK (level IN (75, 100, 150, 300)),
    at timestamptz NOT NULL,
    state text NOT NULL,
    turn text NOT NULL,
    holder text NOT NULL,
    CONSTRAINT referral_breach_pkey PRIMARY KEY (task_id, deadline, due_at, level)
);
CREATE INDEX referral_breach_at ON referral_breach (at, level);
CREATE TRIGGER referral_breach_append_only BEFORE UPDATE OR DELETE ON referral_breach FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The ledger of what could not be given in time (Task code capacity-failure): written each time a place lacks, never a refusal.
CREATE TABLE capacity_failure (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    service_id text NOT NULL,
    priority text NOT NULL,
    step text NOT NULL CHECK (step IN ('first-offer', 'visit', 'redirection', 'cancelled-by-service')),
    reason text NOT NULL,
    wanted_by timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    decision_seq integer NOT NULL,
    resolution text CHECK (resolution IN
        ('slot-added', 'overbooked', 'other-service', 'other-site', 'went-to-ed', 'patient-gave-up', 'withdrawn')),
    resolved_at timestamptz,
    CONSTRAINT capacity_failure_resolved CHECK (num_nulls(resolution, resolved_at) IN (0, 2)),
    CONSTRAINT capacity_failure_dates CHECK (is_sane(wanted_by))
);
CREATE INDEX capacity_failure_task ON capacity_failure (task_id);

-- The part of a wait that belongs to the patient (workflows.md 0.9): P1 unavailable, P2 offer unanswered, P3 offer refused, P4 absence.
-- Periods of one Task may overlap: a delay removes their union. `ends` may lie ahead; the next event of the Task cuts it.
CREATE TABLE patient_interval (
    id text PRIMARY KEY,
    request_id text NOT NULL REFERENCES service_request (id),
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    kind text NOT NULL CHECK (kind IN ('P1', 'P2', 'P3', 'P4')),
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    verb text NOT NULL,
    contact text NOT NULL DEFAULT '',
    written_at timestamptz NOT NULL,
    written_by text NOT NULL,
    CONSTRAINT patient_interval_period CHECK (ends >= starts AND is_sane(starts) AND is_sane(ends))
);
CREATE INDEX patient_interval_task ON patient_interval (task_id, starts);

-- "Read by X": who has the request on screen; a hint that never blocks.
CREATE TABLE referral_reading (
    task_id text NOT NULL REFERENCES referral_task (id),
    reader_id text NOT NULL,
    display text NOT NULL,
    organization text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT referral_reading_pkey PRIMARY KEY (task_id, reader_id)
);

-- ===== booking/schema.sql =====

-- Vacations, their dated sessions, slots, appointments, the waiting list.

-- What a convention allows: a specialty, at a site, between two dates. Stands here until `governance` owns clauses.
CREATE TABLE vacation_clause (
    id text PRIMARY KEY,
    location_id text NOT NULL REFERENCES location (id),
    specialty text NOT NULL,
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text NOT NULL REFERENCES organization (id),
    valid_from date NOT NULL,
    valid_to date,
    sessions_due integer CONSTRAINT vacation_clause_due CHECK (sessions_due >= 0),
    contract text NOT NULL DEFAULT '',
    CONSTRAINT vacation_clause_period CHECK (valid_to >= valid_from),
    CONSTRAINT vacation_clause_dates CHECK (is_sane(valid_from) AND is_sane(valid_to)),
    CONSTRAINT vacation_clause_target UNIQUE (id, location_id, specialty)
);
CREATE INDEX vacation_clause_search ON vacation_clause (location_id, specialty, valid_from);

-- The right of a practitioner to practise at a site, on file (for the armed forces health service, a dated authorisation).
CREATE TABLE practice_authorisation (
    id text PRIMARY KEY,
    practitioner_id text NOT NULL REFERENCES practitioner (id),
    location_id text NOT NULL REFERENCES location (id),
    valid_from date NOT NULL,
    valid_to date,
    basis text NOT NULL DEFAULT '',
    CONSTRAINT practice_authorisation_period CHECK (valid_to >= valid_from),
    CONSTRAINT practice_authorisation_dates CHECK (is_sane(valid_from) AND is_sane(valid_to)),
    CONSTRAINT practice_authorisation_target UNIQUE (id, practitioner_id, location_id)
);
CREATE INDEX practice_authorisation_search ON practice_authorisation (practitioner_id, location_id, valid_from);

-- The template: a hospital practitioner's recurring session at a site, in wall-clock time of Paris. `ends` at or before `starts` is the next day.
CREATE TABLE vacation (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    active boolean NOT NULL DEFAULT true,
    practitioner_id text NOT NULL REFERENCES practitioner (id),
    practitioner_role_id text NOT NULL REFERENCES practitioner_role (id),
    healthcare_service_id text NOT NULL REFERENCES healthcare_service (id),
    specialty text NOT NULL,
    location_id text NOT NULL REFERENCES location (id),
    room_id text NOT NULL REFERENCES location (id),
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text NOT NULL REFERENCES organization (id),
    starts time NOT NULL,
    ends time NOT NULL,
    rrule text NOT NULL CONSTRAINT vacation_rrule CHECK (rrule ~ '^FREQ=(WEEKLY|MONTHLY);INTERVAL=[0-9]+;BYDAY='),
    valid_from date NOT NULL,
    valid_to date,
    slot_minutes integer NOT NULL CONSTRAINT vacation_slot_minutes CHECK (slot_minutes BETWEEN 5 AND 480),
    buffer_before integer NOT NULL DEFAULT 0,
    buffer_after integer NOT NULL DEFAULT 0,
    reserved_asap integer NOT NULL DEFAULT 0,
    reserved_urgent integer NOT NULL DEFAULT 0,
    closed_on_holidays boolean NOT NULL DEFAULT true,
    -- To whom the SAS shows its free slots (TRE_R314); to nobody when there is none.
    type_creneau text CONSTRAINT vacation_type_creneau CHECK (type_creneau IN ('PUBLIC', 'PRO', 'SNP')),
    created_at timestamptz NOT NULL,
    CONSTRAINT vacation_period CHECK (valid_to >= valid_from),
    CONSTRAINT vacation_dates CHECK (is_sane(valid_from) AND is_sane(valid_to)),
    CONSTRAINT vacation_buffers CHECK (buffer_before BETWEEN 0 AND 240 AND buffer_after BETWEEN 0 AND 240),
    -- A day holds 288 slots of five minutes.
    CONSTRAINT vacation_reserved CHECK (reserved_asap BETWEEN 0 AND 288 AND reserved_urgent BETWEEN 0 AND 288)
);
CREATE INDEX vacation_owner ON vacation (owner_org, id);

-- One line a day at most; it beats the recurrence and the holidays.
CREATE TABLE vacation_exception (
    vacation_id text NOT NULL REFERENCES vacation (id),
    day date NOT NULL,
    kind text NOT NULL CONSTRAINT vacation_exception_kind CHECK (kind IN ('closed', 'moved', 'extra')),
    to_day date,
    starts time,
    ends time,
    room_id text REFERENCES location (id),
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (vacation_id, day),
    CONSTRAINT vacation_exception_moved CHECK ((kind = 'moved') = (to_day IS NOT NULL)),
    CONSTRAINT vacation_exception_dates CHECK (is_sane(day) AND is_sane(to_day))
);

-- What a requesting organisation is promised in each session: slots kept for it until D-10, and at most how many it may take until then.
CREATE TABLE vacation_quota (
    vacation_id text NOT NULL REFERENCES vacation (id),
    organization_id text NOT NULL REFERENCES organization (id),
    slots integer NOT NULL CONSTRAINT vacation_quota_slots CHECK (slots BETWEEN 0 AND 288),
    at_most integer CONSTRAINT vacation_quota_at_most CHECK (at_most >= slots),
    PRIMARY KEY (vacation_id, organization_id)
);

-- A session is of the hospital that sends the practitioner and of the site that receives: it has no patient, hence no parties.
CREATE FUNCTION tell_session_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('change', 'Schedule ' || NEW.owner_org || ',' || NEW.host_org || ' ' || NEW.id);
    RETURN NULL;
END
$$;

-- A dated session: a copy of its template on the day it was planned, so that a change of template never touches it.
CREATE TABLE vacation_session (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    vacation_id text NOT NULL REFERENCES vacation (id),
    day date NOT NULL,
    origin text NOT NULL CONSTRAINT vacation_session_origin CHECK (origin IN ('rule', 'moved', 'extra')),
    school_holiday boolean NOT NULL,
    status text NOT NULL CONSTRAINT vacation_session_status_known
        CHECK (status IN ('planned', 'open', 'at-risk', 'cancelled', 'running', 'done', 'settled', 'settlement-disputed')),
    turn text,
    due_at timestamptz,
    ladder_at timestamptz,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    occupied_from timestamptz NOT NULL,
    occupied_to timestamptz NOT NULL,
    clause_id text,
    authorisation_id text,
    practitioner_id text NOT NULL REFERENCES practitioner (id),
    practitioner_role_id text NOT NULL REFERENCES practitioner_role (id),
    healthcare_service_id text NOT NULL REFERENCES healthcare_service (id),
    specialty text NOT NULL,
    location_id text NOT NULL REFERENCES location (id),
    room_id text NOT NULL REFERENCES location (id),
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text NOT NULL REFERENCES organization (id),
    slot_minutes integer NOT NULL,
    slot_count integer NOT NULL,
    reserved_asap integer NOT NULL,
    reserved_urgent integer NOT NULL,
    reserved_site integer NOT NULL,
    type_creneau text,
    superseded boolean NOT NULL DEFAULT false,
    room_confirmed_at timestamptz,
    kit_confirmed boolean NOT NULL DEFAULT false,
    help_confirmed boolean NOT NULL DEFAULT false,
    published_at timestamptz,
    at_risk_at timestamptz,
    substituted_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    cancel_comment text,
    cancel_side text,
    short_notice boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    finished_at timestamptz,
    signed_owner_at timestamptz,
    signed_host_at timestamptz,
    settled_minutes integer,
    settled_patients integer,
    settled_cost_cents integer,
    dispute_comment text,
    CONSTRAINT vacation_session_period CHECK (ends_at > starts_at AND occupied_from <= starts_at AND occupied_to >= ends_at),
    CONSTRAINT vacation_session_dates CHECK (is_sane(day) AND is_sane(occupied_from) AND is_sane(occupied_to) AND is_sane(due_at)),
    CONSTRAINT vacation_session_figures CHECK (settled_minutes BETWEEN 0 AND 1440 AND settled_patients BETWEEN 0 AND 288
        AND settled_cost_cents BETWEEN 0 AND 100000000),
    CONSTRAINT vacation_session_quota CHECK (reserved_asap + reserved_urgent + reserved_site <= slot_count),
    CONSTRAINT vacation_session_turn CHECK ((status IN ('cancelled', 'settled')) = (turn IS NULL) AND (turn IS NULL) = (due_at IS NULL)),
    CONSTRAINT vacation_session_room_confirmed CHECK (status IN ('planned', 'cancelled') OR room_confirmed_at IS NOT NULL),
    CONSTRAINT vacation_session_cancelled CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL)),
    CONSTRAINT vacation_session_signed CHECK (status <> 'settled' OR (signed_owner_at IS NOT NULL AND signed_host_at IS NOT NULL)),
    CONSTRAINT vacation_session_agreed CHECK (owner_org = host_org OR (clause_id IS NOT NULL AND authorisation_id IS NOT NULL)),
    CONSTRAINT vacation_session_clause FOREIGN KEY (clause_id, location_id, specialty) REFERENCES vacation_clause (id, location_id, specialty),
    CONSTRAINT vacation_session_authorisation FOREIGN KEY (authorisation_id, practitioner_id, location_id)
        REFERENCES practice_authorisation (id, practitioner_id, location_id),
    CONSTRAINT vacation_session_practitioner_free EXCLUDE USING gist
        (practitioner_id WITH =, tstzrange(occupied_from, occupied_to) WITH &&) WHERE (status <> 'cancelled'),
    CONSTRAINT vacation_session_room_free EXCLUDE USING gist
        (room_id WITH =, tstzrange(occupied_from, occupied_to) WITH &&) WHERE (status <> 'cancelled')
);
CREATE TRIGGER vacation_session_told AFTER INSERT OR UPDATE ON vacation_session FOR EACH ROW EXECUTE FUNCTION tell_session_change();
CREATE UNIQUE INDEX vacation_session_once_a_day ON vacation_session (vacation_id, day) WHERE status <> 'cancelled';
CREATE INDEX vacation_session_site ON vacation_session (location_id, starts_at);
CREATE INDEX vacation_session_owner ON vacation_session (owner_org, starts_at);
CREATE INDEX vacation_session_due ON vacation_session (due_at) WHERE turn IS NOT NULL;
CREATE INDEX vacation_session_ladder ON vacation_session (ladder_at) WHERE turn IS NOT NULL;

-- Another state or another date: the scheduler looks at the turn again, whichever verb wrote it.
CREATE FUNCTION watch_turn_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ladder_at := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER vacation_session_watched BEFORE UPDATE OF status, due_at ON vacation_session FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.due_at IS DISTINCT FROM NEW.due_at) EXECUTE FUNCTION watch_turn_again();

-- Every status that a session had, with author and time; written once.
CREATE TABLE vacation_session_status (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL REFERENCES vacation_session (id),
    verb text NOT NULL,
    status text NOT NULL,
    at timestamptz NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    reason text,
    comment text
);
CREATE INDEX vacation_session_status_session ON vacation_session_status (session_id, seq);

-- The shares of a session, copied from its template; the row that bookings under a cap lock.
CREATE TABLE session_quota (
    session_id text NOT NULL REFERENCES vacation_session (id),
    organization_id text NOT NULL REFERENCES organization (id),
    slots integer NOT NULL,
    at_most integer,
    PRIMARY KEY (session_id, organization_id)
);

-- The slots of a published session. `reserved_for` counts until `release_at`, or until `released_at` is written.
CREATE TABLE slot (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    session_id text NOT NULL REFERENCES vacation_session (id),
    status text NOT NULL CONSTRAINT slot_status CHECK (status IN ('free', 'busy', 'busy-tentative', 'busy-unavailable')),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    owner_org text NOT NULL,
    healthcare_service_id text NOT NULL,
    specialty text NOT NULL,
    location_id text NOT NULL,
    practitioner_role_id text NOT NULL,
    reserved_for text CONSTRAINT slot_reserved_for CHECK (reserved_for IN ('asap', 'urgent', 'site')),
    reserved_org text REFERENCES organization (id),
    release_at timestamptz,
    released_at timestamptz,
    type_creneau text,
    appointment_id text,
    expires_at timestamptz,
    CONSTRAINT slot_period CHECK (ends_at > starts_at),
    CONSTRAINT slot_reservation CHECK ((reserved_for IS NULL) = (release_at IS NULL) AND (reserved_for IS NOT DISTINCT FROM 'site') = (reserved_org IS NOT NULL)),
    CONSTRAINT slot_busy_has_appointment CHECK (status <> 'busy' OR appointment_id IS NOT NULL),
    CONSTRAINT slot_open_has_none CHECK (appointment_id IS NULL OR status IN ('busy', 'busy-tentative')),
    CONSTRAINT slot_expiry CHECK ((expires_at IS NOT NULL) = (status = 'busy-tentative')),
    CONSTRAINT slot_pair UNIQUE (id, appointment_id),
    CONSTRAINT slot_no_overlap EXCLUDE USING gist (session_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
);
CREATE INDEX slot_free_by_service ON slot (healthcare_service_id, starts_at, id) WHERE status = 'free';
CREATE INDEX slot_session ON slot (session_id, starts_at);
CREATE INDEX slot_expiring ON slot (expires_at) WHERE status = 'busy-tentative';
CREATE INDEX slot_to_release ON slot (release_at) WHERE reserved_for IS NOT NULL AND released_at IS NULL;

-- An appointment, a hold (pending with a slot), an offer of the waiting list (pending with an offered slot), or a line of the waiting list.
CREATE TABLE appointment (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    status text NOT NULL CONSTRAINT appointment_status
        CHECK (status IN ('pending', 'waitlist', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled')),
    turn text,
    due_at timestamptz,
    ladder_at timestamptz,
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text REFERENCES organization (id),
    requester_org text NOT NULL REFERENCES organization (id),
    parties text[] NOT NULL GENERATED ALWAYS AS (array_remove(ARRAY[owner_org, host_org, requester_org], NULL)) STORED,
    healthcare_service_id text NOT NULL REFERENCES healthcare_service (id),
    specialty text NOT NULL,
    location_id text REFERENCES location (id),
    practitioner_role_id text REFERENCES practitioner_role (id),
    practitioner_id text REFERENCES practitioner (id),
    slot_id text REFERENCES slot (id),
    offered_slot_id text REFERENCES slot (id),
    starts_at timestamptz,
    ends_at timestamptz,
    priority text NOT NULL CONSTRAINT appointment_priority CHECK (priority IN ('stat', 'asap', 'urgent', 'routine')),
    based_on text,
    task_id text,
    first_visit boolean NOT NULL DEFAULT true,
    -- Under which numbers a partner knows it: Identifiers of FHIR as they came.
    partner_identifiers text,
    created_at timestamptz NOT NULL,
    hold_kind text CONSTRAINT appointment_hold_kind CHECK (hold_kind IN ('screen', 'offer')),
    expires_at timestamptz,
    booked_at timestamptz,
    moved integer NOT NULL DEFAULT 0,
    confirm_asked_at timestamptz,
    to_call_at timestamptz,
    confirmed_at timestamptz,
    arrived_at timestamptz,
    called_in_at timestamptz,
    fulfilled_at timestamptz,
    absence_proposed_at timestamptz,
    absent_at timestamptz,
    absence_reason text,
    cancelled_at timestamptz,
    cancel_side text,
    cancel_reason text,
    cancel_comment text,
    late_cancellation boolean NOT NULL DEFAULT false,
    wait_since timestamptz,
    wait_target timestamptz,
    wait_removed interval NOT NULL DEFAULT '0',
    wait_notice_hours integer NOT NULL DEFAULT 0,
    wait_boost integer NOT NULL DEFAULT 0,
    wait_boost_reason text,
    wait_location_id text REFERENCES location (id),
    wait_role_id text REFERENCES practitioner_role (id),
    -- Waits beside another line of the same person since two files were merged: somebody ends one of them.
    waits_beside boolean NOT NULL DEFAULT false,
    live_id text GENERATED ALWAYS AS (CASE WHEN status IN ('booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')
        OR (status = 'pending' AND slot_id IS NOT NULL) THEN id END) STORED,
    CONSTRAINT appointment_turn CHECK ((status IN ('fulfilled', 'noshow', 'cancelled')) = (turn IS NULL) AND (turn IS NULL) = (due_at IS NULL)),
    CONSTRAINT appointment_has_slot CHECK (CASE status WHEN 'pending' THEN num_nonnulls(slot_id, offered_slot_id) = 1
        WHEN 'waitlist' THEN num_nonnulls(slot_id, offered_slot_id) = 0
        WHEN 'cancelled' THEN offered_slot_id IS NULL ELSE slot_id IS NOT NULL AND offered_slot_id IS NULL END),
    CONSTRAINT appointment_period CHECK ((slot_id IS NULL AND offered_slot_id IS NULL) OR (starts_at IS NOT NULL AND ends_at > starts_at)),
    CONSTRAINT appointment_expiry CHECK ((status = 'pending') = (expires_at IS NOT NULL)),
    CONSTRAINT appointment_cancelled CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL AND cancel_side IS NOT NULL)),
    CONSTRAINT appointment_waits CHECK (status <> 'waitlist' OR wait_since IS NOT NULL),
    CONSTRAINT appointment_dates CHECK (is_sane(starts_at) AND is_sane(ends_at) AND is_sane(wait_since) AND is_sane(wait_target)),
    CONSTRAINT appointment_wait_figures CHECK (wait_boost BETWEEN -100 AND 100 AND wait_notice_hours BETWEEN 0 AND 8784),
    -- Nobody arrives, is called or is seen on a day before that of the appointment.
    CONSTRAINT appointment_happened CHECK (starts_at < least(arrived_at, called_in_at, fulfilled_at) + interval '1 day'),
    CONSTRAINT appointment_pair UNIQUE (id, slot_id)
);
CREATE TRIGGER appointment_in_use BEFORE INSERT ON appointment FOR EACH ROW EXECUTE FUNCTION refuse_replaced();
CREATE TRIGGER appointment_told AFTER INSERT OR UPDATE ON appointment FOR EACH ROW EXECUTE FUNCTION tell_change('Appointment');
CREATE UNIQUE INDEX appointment_one_live_per_slot ON appointment (slot_id) WHERE live_id IS NOT NULL;
CREATE UNIQUE INDEX appointment_waits_once ON appointment (patient_id, healthcare_service_id)
    WHERE (status = 'waitlist' OR (status = 'pending' AND offered_slot_id IS NOT NULL)) AND NOT waits_beside;
CREATE INDEX appointment_patient ON appointment (patient_id, starts_at);
CREATE INDEX appointment_parties ON appointment USING gin (parties);
CREATE INDEX appointment_owner_day ON appointment (owner_org, starts_at);
CREATE INDEX appointment_host_day ON appointment (host_org, starts_at);
CREATE INDEX appointment_waiting ON appointment (healthcare_service_id, wait_since) WHERE status = 'waitlist';
CREATE INDEX appointment_holds ON appointment (expires_at) WHERE status = 'pending';
CREATE INDEX appointment_clock ON appointment (starts_at) WHERE status = 'booked';
CREATE INDEX appointment_task ON appointment (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX appointment_ladder ON appointment (ladder_at) WHERE turn IS NOT NULL AND task_id IS NULL;
CREATE TRIGGER appointment_watched BEFORE UPDATE OF status, due_at ON appointment FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.due_at IS DISTINCT FROM NEW.due_at) EXECUTE FUNCTION watch_turn_again();

-- A live appointment and its slot name each other: neither stands without the other at the end of a transaction.
ALTER TABLE slot ADD CONSTRAINT slot_names_its_appointment FOREIGN KEY (appointment_id, id)
    REFERENCES appointment (id, slot_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE appointment ADD CONSTRAINT appointment_names_its_slot FOREIGN KEY (slot_id, live_id)
    REFERENCES slot (id, appointment_id) DEFERRABLE INITIALLY DEFERRED;

-- Every status that an appointment had, with author, time and slot; written once.
CREATE TABLE appointment_history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    appointment_id text NOT NULL REFERENCES appointment (id),
    verb text NOT NULL,
    status text NOT NULL,
    at timestamptz NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    slot_id text,
    starts_at timestamptz,
    reason text,
    side text
);
CREATE INDEX appointment_history_appointment ON appointment_history (appointment_id, seq);

-- A slot that was freed or released and is offered to the waiting list; a slot that nobody could take is logged too.
CREATE TABLE refill (
    id text PRIMARY KEY,
    slot_id text NOT NULL REFERENCES slot (id),
    cause text NOT NULL CONSTRAINT refill_cause CHECK (cause IN ('cancel', 'move', 'expire', 'release', 'publish')),
    late boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    waves integer NOT NULL DEFAULT 0,
    state text NOT NULL CONSTRAINT refill_state CHECK (state IN ('open', 'filled', 'unfilled', 'withdrawn')),
    closed_at timestamptz,
    filled_by text REFERENCES appointment (id),
    CONSTRAINT refill_closed CHECK ((state = 'open') = (closed_at IS NULL) AND (state = 'filled') = (filled_by IS NOT NULL))
);
CREATE UNIQUE INDEX refill_one_open_per_slot ON refill (slot_id) WHERE state = 'open';
CREATE INDEX refill_opened ON refill (opened_at);

-- Who was asked for a freed slot, in which wave, and what became of it.
CREATE TABLE refill_offer (
    refill_id text NOT NULL REFERENCES refill (id),
    appointment_id text NOT NULL REFERENCES appointment (id),
    wave integer NOT NULL,
    offered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    answer text NOT NULL DEFAULT 'waiting' CONSTRAINT refill_offer_answer CHECK (answer IN ('waiting', 'accepted', 'refused', 'expired', 'lost')),
    answered_at timestamptz,
    PRIMARY KEY (refill_id, appointment_id),
    CONSTRAINT refill_offer_answered CHECK ((answer = 'waiting') = (answered_at IS NULL))
);
CREATE UNIQUE INDEX refill_offer_one_waiting ON refill_offer (appointment_id) WHERE answer = 'waiting';

CREATE TRIGGER vacation_session_status_append_only BEFORE UPDATE OR DELETE ON vacation_session_status
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER vacation_session_status_no_truncate BEFORE TRUNCATE ON vacation_session_status EXECUTE FUNCTION refuse_change();
CREATE TRIGGER appointment_history_append_only BEFORE UPDATE OR DELETE ON appointment_history FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER appointment_history_no_truncate BEFORE TRUNCATE ON appointment_history EXECUTE FUNCTION refuse_change();

-- Each step of the breach ladder that the turn of a session or of an appointment has reached; never changed, never taken back.
-- An appointment that serves a request has none: its turn is the request's, which climbs there.
CREATE TABLE booking_breach (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text REFERENCES vacation_session (id),
    appointment_id text REFERENCES appointment (id),
    deadline text NOT NULL,
    due_at timestamptz NOT NULL,
    level integer NOT NULL CHECK (level IN (75, 100, 150, 300)),
    at timestamptz NOT NULL,
    status text NOT NULL,
    turn text NOT NULL,
    CONSTRAINT booking_breach_of_one CHECK (num_nonnulls(session_id, appointment_id) = 1),
    CONSTRAINT booking_breach_once UNIQUE NULLS NOT DISTINCT (session_id, appointment_id, deadline, due_at, level)
);
CREATE INDEX booking_breach_at ON booking_breach (at, level);
CREATE TRIGGER booking_breach_append_only BEFORE UPDATE OR DELETE ON booking_breach FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- ===== experiments/schema.sql =====

-- What organisations ask of the simulation. Nothing here is about a patient.

-- A scenario of the emergency department that an organisation keeps, as a file that stands alone.
CREATE TABLE scenario (
    id text PRIMARY KEY,
    owner_org text NOT NULL,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    content text NOT NULL CHECK (length(content) <= 50000),
    digest text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);
CREATE INDEX scenario_owner ON scenario (owner_org);

-- One question: the scenarios as they were when it was asked (for a forecast, hourly counts, which hold no passage), how far it is, its answer. The worker plays those that are requested, oldest first.
CREATE TABLE experiment (
    id text PRIMARY KEY,
    owner_org text NOT NULL,
    kind text NOT NULL CONSTRAINT experiment_kind CHECK (kind IN ('figures', 'sensitivity', 'staffing', 'forecast')),
    status text NOT NULL CONSTRAINT experiment_status CHECK (status IN ('requested', 'in-progress', 'completed', 'cancelled', 'failed')),
    scenario_name text NOT NULL,
    scenario text NOT NULL CHECK (length(scenario) <= 50000),
    against_name text,
    against text CHECK (length(against) <= 50000),
    seed bigint NOT NULL CHECK (seed >= 0),
    replications integer CHECK (replications BETWEEN 2 AND 1000),
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    tries integer NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 3),
    done integer NOT NULL DEFAULT 0,
    expected integer NOT NULL DEFAULT 0,
    answer jsonb,
    reason text NOT NULL DEFAULT '',
    report text,
    report_en text,
    paper bytea,
    paper_en bytea,
    begun_at timestamptz,
    beat_at timestamptz,
    first_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT experiment_against CHECK ((against IS NULL) = (against_name IS NULL)),
    CONSTRAINT experiment_answered CHECK (status <> 'completed' OR answer IS NOT NULL),
    CONSTRAINT experiment_ended CHECK ((status IN ('completed', 'cancelled', 'failed')) = (ended_at IS NOT NULL)),
    CONSTRAINT experiment_failed CHECK (status <> 'failed' OR reason <> '')
);
COMMENT ON COLUMN experiment.beat_at IS 'When whoever plays it was last heard of.';
COMMENT ON COLUMN experiment.tries IS 'How often it was begun: what ends whoever plays it is not tried for ever.';
COMMENT ON COLUMN experiment.first_at IS 'When a first answer was there, which later ones replace.';
CREATE INDEX experiment_owner ON experiment (owner_org, asked_at DESC);
CREATE INDEX experiment_live ON experiment (asked_at) WHERE status IN ('requested', 'in-progress');

-- ===== indicators/schema.sql =====

-- The figures of the whole territory as they were counted last, one line for each definition: counting a year of requests takes seconds, reading this
-- line a millisecond. Nothing here that cannot be counted again. Cells are kept as counted: who reads is told no more than the floors allow.
CREATE TABLE indicator_count (
    name text PRIMARY KEY,
    version text NOT NULL,
    at timestamptz NOT NULL,
    content text NOT NULL
);

-- ===== store/walls.sql =====

-- Messages name no patient in a column, but their payload may: whoever acts adds them, the scheduler alone reads them.
CALL put_wall('outbox', '(SELECT app_is_system())', 'true', 'SELECT, INSERT, UPDATE, DELETE');
-- An answer that was given is for the organisation to which it was given.
CALL put_wall('idempotency', 'CASE WHEN organization = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', 'true',
    'SELECT, INSERT, UPDATE, DELETE');
-- Which migrations the database has had.
CALL put_grants('{schema_migration}', 'SELECT');

-- ===== record/walls.sql =====

-- Who sees which photographs. An old version is seen only while its resource is.
CALL put_wall('resource_head', seen_as('resource_head', 'resource_head.res_type'), written_as('resource_head', 'resource_head.res_type'),
    unopposed => unopposed('resource_head', 'resource_head.res_type'));
CALL put_wall('resource_version', 'EXISTS (SELECT FROM resource_head h WHERE h.res_type = resource_version.res_type AND h.id = resource_version.id OFFSET 0)',
    written_as('resource_version', 'resource_version.res_type'), 'SELECT, INSERT');
CALL put_wall('ix_string', seen_as('ix_string', 'ix_string.res_type'), written_as('ix_string', 'ix_string.res_type'), 'SELECT, INSERT, UPDATE, DELETE',
    unopposed => unopposed('ix_string', 'ix_string.res_type'));
CALL put_reading_alone('resource_head');
CALL put_reading_alone('resource_version');
CALL put_reading_alone('ix_string');
-- Whoever acts adds to the trail, and reads none of it under the login that serves; nobody changes it. Under `audit_r` a patient reads who looked (an act
-- that showed others too: through `audit_of_patient` alone), an organisation what was done for it.
CALL put_wall('audit_event', 'false', rights => 'INSERT');
GRANT SELECT ON audit_event TO audit_r;
CREATE POLICY told ON audit_event FOR SELECT TO audit_r USING (CASE WHEN organization = ANY ((SELECT app_orgs())::text[]) THEN true
    WHEN (SELECT app_is_system()) THEN true ELSE (SELECT app_kind()) = 'patient' AND patient_id = (SELECT app_actor()) END);
GRANT USAGE ON SEQUENCE audit_event_seq TO app_rw;
-- Parts are reached through their table alone: no grant, and no policy lets a row through.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit_event'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', part);
    END LOOP;
END
$$;
-- But for the scheduler, who looks whether rows lie in the part of no month.
CALL put_wall('audit_event_rest', '(SELECT app_is_system())', rights => 'SELECT', login => 'audit_r');
-- The chain holds hashes and ids of audit rows.
CALL put_wall('audit_chain', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT', login => 'audit_r');
CALL put_grants('{audit_chainer}', 'SELECT, UPDATE', 'audit_r');
CALL put_grants('{sealing_key}', 'SELECT, INSERT');

-- ===== record/index_walls.sql =====

-- Generated by `python -m maillage.record.index` from the published search parameters: change nothing here.

CALL put_index_wall('ix_allergyintolerance', 'AllergyIntolerance');
CALL put_index_wall('ix_appointment', 'Appointment');
CALL put_index_wall('ix_appointmentresponse', 'AppointmentResponse');
CALL put_index_wall('ix_basic', 'Basic');
CALL put_index_wall('ix_careteam', 'CareTeam');
CALL put_index_wall('ix_communication', 'Communication');
CALL put_index_wall('ix_communicationrequest', 'CommunicationRequest');
CALL put_index_wall('ix_composition', 'Composition');
CALL put_index_wall('ix_condition', 'Condition');
CALL put_index_wall('ix_consent', 'Consent');
CALL put_index_wall('ix_diagnosticreport', 'DiagnosticReport');
CALL put_index_wall('ix_documentreference', 'DocumentReference');
CALL put_index_wall('ix_encounter', 'Encounter');
CALL put_index_wall('ix_endpoint', 'Endpoint');
CALL put_index_wall('ix_episodeofcare', 'EpisodeOfCare');
CALL put_index_wall('ix_group', 'Group');
CALL put_index_wall('ix_healthcareservice', 'HealthcareService');
CALL put_index_wall('ix_list', 'List');
CALL put_index_wall('ix_location', 'Location');
CALL put_index_wall('ix_media', 'Media');
CALL put_index_wall('ix_medicationstatement', 'MedicationStatement');
CALL put_index_wall('ix_observation', 'Observation');
CALL put_index_wall('ix_organization', 'Organization');
CALL put_index_wall('ix_organizationaffiliation', 'OrganizationAffiliation');
CALL put_index_wall('ix_patient', 'Patient');
CALL put_index_wall('ix_plandefinition', 'PlanDefinition');
CALL put_index_wall('ix_practitioner', 'Practitioner');
CALL put_index_wall('ix_practitionerrole', 'PractitionerRole');
CALL put_index_wall('ix_procedure', 'Procedure');
CALL put_index_wall('ix_provenance', 'Provenance');
CALL put_index_wall('ix_questionnaire', 'Questionnaire');
CALL put_index_wall('ix_questionnaireresponse', 'QuestionnaireResponse');
CALL put_index_wall('ix_relatedperson', 'RelatedPerson');
CALL put_index_wall('ix_schedule', 'Schedule');
CALL put_index_wall('ix_servicerequest', 'ServiceRequest');
CALL put_index_wall('ix_slot', 'Slot');
CALL put_index_wall('ix_subscription', 'Subscription');
CALL put_index_wall('ix_task', 'Task');

-- ===== directory/walls.sql =====

-- Places, people, services: no patient in them, everybody reads them.
CALL put_grants('{commune,commune_contour,commune_population,organization,cpts_commune,basin_commune,basin_cpts,practitioner,practitioner_role,location,questionnaire,
plan_definition,service_deadline,healthcare_service}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{directory_identifier}', 'SELECT, INSERT, UPDATE, DELETE');
-- Identities, by care links.
CALL put_wall('patient', seen_as('patient', '''Patient'''), written_as('patient', '''Patient'''), unopposed => unopposed('patient', '''Patient'''));
CALL put_wall('patient_identifier', seen_as('patient_identifier', '''Patient''', 'patient_id'), written_as('patient_identifier', '''Patient''', 'patient_id'),
    'SELECT, INSERT, UPDATE, DELETE', unopposed => unopposed('patient_identifier', '''Patient''', 'patient_id'));
-- Merges are the affair of who keeps the files; their ledger goes with them.
CALL put_wall('patient_merge', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END');
CALL put_child_wall('patient_move', 'merge_id', 'patient_merge', 'SELECT, INSERT');
CALL put_wall('patient_apart', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', 'SELECT, INSERT',
    by_parent('patient_apart', 'patient_id', 'patient'));
CALL put_wall('patient_alike', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', '(SELECT app_is_system())',
    'SELECT, INSERT, UPDATE');
CALL put_reading_alone('patient');
CALL put_reading_alone('patient_identifier');

-- ===== access/walls.sql =====

-- Links: who they open the record to and who made them sees them.
CALL put_wall('care_link', written_by_parties(), written_by_parties());
CALL put_grants('{care_link_delay}', 'SELECT');
CALL put_wall('consent', seen_as('consent', '''Consent'''), written_by_parties(), 'SELECT, INSERT', by_parent('consent', 'patient_id', 'patient'));
CALL put_wall('break_glass', written_by_parties(), written_by_parties(), 'SELECT, INSERT');
CALL put_wall('break_glass_review', written_by_parties(), written_by_parties(), 'SELECT, INSERT',
    by_parent('break_glass_review', 'break_glass_id', 'break_glass'));
-- A question is its patient's and the house's that is asked; its answer too.
CALL put_wall('access_question', asked_of_house(), written_by_parties());
CALL put_wall('access_answer', asked_of_house(), written_by_parties(), 'SELECT, INSERT', by_parent('access_answer', 'question_id', 'access_question'));
CALL put_child_wall('break_glass_reminder', 'break_glass_id', 'break_glass', 'SELECT, INSERT');
CALL put_grants('{emergency_limit}', 'SELECT');
CALL put_wall('patient_look', written_by_parties(), rights => 'SELECT, INSERT, DELETE');
CALL put_wall('browsing_alert', 'CASE WHEN organization_id = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    rights => 'SELECT, INSERT');
-- A label closes what it closes to whoever comes, whoever set it.
CALL put_wall('security_label', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
CALL put_wall('security_label_end', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
-- A refusal decides for everybody, also for those who may not know who made it: whoever acts finds it, nobody without saying who acts.
CALL put_wall('opposition', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
CALL put_wall('choice_end', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
-- How people are known: no patient in it; read before anybody acts.
CALL put_grants('{account,account_exercise}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{web_session,interrupted_form,calendar_feed,local_password,factor_key,factor_totp,recovery_code,invitation,sign_in_attempt,sign_in_step,spent_proof}',
    'SELECT, INSERT, UPDATE, DELETE');

-- ===== clients/walls.sql =====

-- How machines are known: read before anybody acts. A launch names its patient and is found by the handle alone.
CALL put_grants('{api_client}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{api_grant,api_refresh,api_token,api_jti,api_launch}', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_grants('{api_client_address}', 'SELECT, INSERT, UPDATE, DELETE');

-- ===== peers/walls.sql =====

-- Which installation speaks for which organisation: no patient is named.
CALL put_grants('{peer}', 'SELECT, INSERT, UPDATE, DELETE');

-- ===== patient_binding/walls.sql =====

-- Nobody reads or writes who a citizen is here but the system itself.
CALL put_wall('patient_binding', '(SELECT app_is_system())', '(SELECT app_is_system())');

-- ===== patient_link/walls.sql =====

-- Nobody reads or writes what opens a patient's page but the system itself.
CALL put_wall('patient_code', '(SELECT app_is_system())', '(SELECT app_is_system())');
CALL put_wall('patient_link', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_wall('patient_visit', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT, UPDATE, DELETE');

-- ===== messaging/walls.sql =====

-- A notification is seen by the organisation that it awaits; whoever acts may write one for another.
CALL put_wall('notification', written_by_parties(), '(SELECT app_kind()) IS NOT NULL');
-- How colleagues are told: no patient in it.
CALL put_grants('{notification_setting}', 'SELECT, INSERT, UPDATE');
-- What leaves the house is the system's to carry.
CALL put_wall('notice', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_wall('patient_channel', '(SELECT app_is_system())', '(SELECT app_is_system())');
-- What a partner sent is its receiver's to see.
CALL put_wall('partner_message', written_by_parties(), written_by_parties(), 'SELECT, INSERT');

-- ===== subscriptions/walls.sql =====

-- A subscription is seen by the organisations of its client; what it is told of, in the same way: numbers and instants, and never a resource.
CALL put_wall('subscription', written_by_parties(), written_by_parties());
CALL put_wall('subscription_delivery', written_by_parties(), written_by_parties(), 'SELECT, INSERT, UPDATE, DELETE',
    by_parent('subscription_delivery', 'subscription_id', 'subscription'));

-- ===== documents/walls.sql =====

CALL put_party_wall('document', 'DocumentReference', 'patient_id', 'patient');

-- ===== exports/walls.sql =====

CALL put_wall('bulk_export', written_by_parties(), written_by_parties());
CALL put_child_wall('bulk_export_file', 'export_id', 'bulk_export', 'SELECT, INSERT, DELETE');
CALL put_child_wall('bulk_export_patient', 'export_id', 'bulk_export', 'SELECT, INSERT, DELETE');

-- ===== referrals/walls.sql =====

CALL put_grants('{referral_reason}', 'SELECT');
CALL put_party_wall('service_request', 'ServiceRequest', 'patient_id', 'patient');
CALL put_party_wall('referral_task', 'Task', 'request_id', 'service_request');
CALL put_party_wall('referral_child', 'Task', 'task_id', 'referral_task');
CALL put_party_wall('referral_form', 'QuestionnaireResponse', 'request_id', 'service_request');
CALL put_party_wall('referral_letter', 'DocumentReference', 'task_id', 'referral_task');
CALL put_party_wall('referral_attachment', 'DocumentReference', 'request_id', 'service_request');
CALL put_party_wall('referral_encounter', 'Encounter', 'task_id', 'referral_task');
CALL put_party_wall('capacity_failure', 'Task', 'task_id', 'referral_task');
CALL put_party_wall('patient_interval', 'Task', 'task_id', 'referral_task');
-- What is written about a Task goes where the Task goes.
CALL put_child_wall('referral_status', 'task_id', 'referral_task', 'SELECT, INSERT');
CALL put_child_wall('referral_child_status', 'child_id', 'referral_child', 'SELECT, INSERT');
CALL put_child_wall('referral_question', 'task_id', 'referral_task');
CALL put_child_wall('referral_step', 'task_id', 'referral_task', 'SELECT, INSERT, UPDATE');
CALL put_child_wall('referral_breach', 'task_id', 'referral_task', 'SELECT, INSERT');
CALL put_child_wall('referral_reading', 'task_id', 'referral_task');

-- ===== booking/walls.sql =====

-- Vacations, sessions, slots: no patient in them.
CALL put_grants('{vacation_clause,practice_authorisation,vacation,vacation_exception,vacation_session,session_quota,slot}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{vacation_quota}', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_grants('{vacation_session_status}', 'SELECT, INSERT');
CALL put_party_wall('appointment', 'Appointment', 'patient_id', 'patient');
CALL put_child_wall('appointment_history', 'appointment_id', 'appointment', 'SELECT, INSERT');
-- The way of a freed slot tells no patient; who was asked for it does.
CALL put_grants('{refill}', 'SELECT, INSERT, UPDATE');
CALL put_child_wall('refill_offer', 'appointment_id', 'appointment');
CALL put_wall('booking_breach', 'CASE WHEN appointment_id IS NULL THEN (SELECT app_kind()) IS NOT NULL ELSE '
    || by_parent('booking_breach', 'appointment_id', 'appointment') || ' END', rights => 'SELECT, INSERT');

-- ===== experiments/walls.sql =====

-- An organisation sees and writes its own scenarios and experiments; the worker plays those of all.
CALL put_wall('scenario', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'owner_org = ANY ((SELECT app_orgs())::text[])', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_wall('experiment', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', 'SELECT, INSERT, UPDATE, DELETE');

-- ===== indicators/walls.sql =====

-- Counts under the floors stand here too: only the program reads them, and tells each reader what the floors allow.
CALL put_wall('indicator_count', '(SELECT app_is_system())', 'true', 'SELECT, INSERT, UPDATE');
-- Figures are counted under a login of their own: these columns alone, whoever's patients they are; no name, no birth date, no identifier, no text.
CALL put_counted('referral_task', 'id, request_id, service_id, patient_id, requester_org, state, fhir_status, came_by, rounds, sent_at, first_sent_at, seen_at,
    decided_at, due_at, due_since');
CALL put_counted('referral_status', 'task_id, seq, at, state, fhir_status, verb, turn, reason_axis');
CALL put_counted('referral_breach', 'task_id, level, deadline');
CALL put_counted('appointment', 'patient_id, requester_org, healthcare_service_id, status, starts_at');
CALL put_counted('capacity_failure', 'patient_id, service_id, step, reason, resolution, wanted_by, opened_at');
CALL put_counted('patient_interval', 'request_id, starts, ends');
CALL put_counted('patient', 'id, deceased');
