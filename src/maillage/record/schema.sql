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
