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
