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
