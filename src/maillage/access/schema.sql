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
    disabled boolean NOT NULL DEFAULT false,
    id_prefix text CONSTRAINT api_client_id_prefix UNIQUE
        CONSTRAINT api_client_id_prefix_form CHECK (id_prefix ~ '^[a-z][a-z0-9]{1,20}-$')
);
COMMENT ON COLUMN api_client.id_prefix IS
    'How the ids begin that this client may choose itself (PUT to a new id); NULL: none. One prefix, one client: a chosen id never tells what others have.';

CREATE TABLE api_token (
    token_hash bytea PRIMARY KEY,
    client text NOT NULL REFERENCES api_client (name),
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
