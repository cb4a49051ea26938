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
