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
