-- The first state, written by `python -m maillage.store.migrate snapshot`.

-- ===== store =====

-- What the ground needs for itself: extensions, the outbox, the answers kept for retries.

-- Exclusion constraints over (practitioner, period) need equality in a GiST index; searches by name need trigrams without accents.
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

-- Effects to carry out because a transaction committed; `key` names the object whose messages keep their order.
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
    CONSTRAINT outbox_one_end CHECK (done_at IS NULL OR dead_at IS NULL)
);
CREATE INDEX outbox_waiting ON outbox (due_at, number) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_order ON outbox (key, number) WHERE done_at IS NULL AND dead_at IS NULL AND key <> '';
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (number) WHERE dead_at IS NOT NULL;

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

-- ===== record =====

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
CREATE TABLE resource_head (
    res_type text NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL DEFAULT '{}',
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

-- ===== access =====

-- Who may see whose data, and how people and machines are known.

-- A live link between a patient and an organisation: created by events only, never typed (security.md 1).
CREATE TABLE care_link (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    organization_id text NOT NULL,
    basis text NOT NULL CHECK (basis IN
        ('presence', 'adressage', 'rendez-vous', 'tele-expertise', 'medecin-traitant', 'consentement', 'bris-de-glace')),
    source text NOT NULL,
    starts timestamptz NOT NULL,
    ends timestamptz,
    CONSTRAINT care_link_once UNIQUE (patient_id, organization_id, basis, source),
    CONSTRAINT care_link_period CHECK (ends IS NULL OR ends >= starts)
);
CREATE INDEX care_link_organization ON care_link (organization_id, patient_id);

-- A person's account at one place of exercise; `demo` accounts exist in demonstration only.
CREATE TABLE account (
    login text PRIMARY KEY,
    practitioner_id text NOT NULL,
    role_id text NOT NULL,
    organization_id text NOT NULL,
    roles text[] NOT NULL,
    display text NOT NULL,
    demo boolean NOT NULL DEFAULT false,
    disabled boolean NOT NULL DEFAULT false
);

-- A signed-in browser: only the hash of its secret is kept.
CREATE TABLE web_session (
    token_hash bytea PRIMARY KEY,
    login text NOT NULL REFERENCES account (login),
    csrf text NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ended_at timestamptz
);

-- A machine client: its organisations are pinned here, never asked for by the request.
CREATE TABLE api_client (
    name text PRIMARY KEY,
    organizations text[] NOT NULL CONSTRAINT api_client_has_organization CHECK (cardinality(organizations) > 0),
    created_at timestamptz NOT NULL,
    disabled boolean NOT NULL DEFAULT false
);

CREATE TABLE api_token (
    token_hash bytea PRIMARY KEY,
    client text NOT NULL REFERENCES api_client (name),
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- ===== messaging =====

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
CREATE INDEX notification_inbox ON notification (organization_id, created_at DESC) WHERE read_at IS NULL;
CREATE INDEX notification_focus ON notification (focus_type, focus_id);
