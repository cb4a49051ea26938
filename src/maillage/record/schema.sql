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

-- Who did or saw what, when and why: inserted in the transaction of the act, never changed (security.md 4).
CREATE TABLE audit_event (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL CONSTRAINT audit_event_id UNIQUE,
    at timestamptz NOT NULL,
    action text NOT NULL CHECK (action IN ('C', 'R', 'U', 'D', 'E')),
    verb text NOT NULL DEFAULT '',
    outcome text NOT NULL DEFAULT '0' CHECK (outcome IN ('0', '4', '8', '12')),
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL DEFAULT '',
    purpose text NOT NULL DEFAULT 'TREAT',
    res_type text NOT NULL,
    res_id text NOT NULL DEFAULT '',
    patient_id text,
    query_hash text NOT NULL DEFAULT '',
    request_id text NOT NULL DEFAULT ''
);
CREATE INDEX audit_event_patient ON audit_event (patient_id, at DESC) WHERE patient_id IS NOT NULL;
CREATE INDEX audit_event_focus ON audit_event (res_type, res_id, at DESC);
CREATE INDEX audit_event_organization ON audit_event (organization, at DESC);

-- Refuses to rewrite history, whoever asks.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER resource_version_append_only BEFORE UPDATE OR DELETE ON resource_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER resource_version_no_truncate BEFORE TRUNCATE ON resource_version EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event EXECUTE FUNCTION refuse_change();

-- The key that seals paging positions to their caller: one row.
CREATE TABLE sealing_key (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    key bytea NOT NULL CHECK (length(key) = 32)
);
