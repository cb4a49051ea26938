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
