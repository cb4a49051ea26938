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
