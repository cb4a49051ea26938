-- Who may see whose data, and how people and machines are known.

-- A live link between a patient and an organisation, or one person there (`practitioner_id`): created by events only, never typed
-- (CSP L1110-4, L1110-12). `res_type` and `res_id` narrow it to one resource: a consent says to what it opens.
CREATE TABLE care_link (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    organization_id text NOT NULL,
    practitioner_id text,
    basis text NOT NULL CHECK (basis IN
        ('presence', 'adressage', 'rendez-vous', 'tele-expertise', 'medecin-traitant', 'consentement', 'bris-de-glace')),
    source text NOT NULL,
    res_type text,
    res_id text,
    starts timestamptz NOT NULL,
    ends timestamptz,
    owner_org text NOT NULL GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] NOT NULL,
    CONSTRAINT care_link_once UNIQUE (patient_id, organization_id, basis, source),
    CONSTRAINT care_link_of_a_person CHECK (basis <> 'bris-de-glace' OR (practitioner_id IS NOT NULL AND ends IS NOT NULL)),
    CONSTRAINT care_link_narrowed CHECK ((res_type IS NULL) = (res_id IS NULL) AND (res_type IS NULL OR basis = 'consentement')),
    CONSTRAINT care_link_period CHECK (ends IS NULL OR ends >= starts)
);
CREATE INDEX care_link_organization ON care_link (organization_id, patient_id);
COMMENT ON COLUMN care_link.parties IS 'Who may see and end the link: the organisation that it opens the record to, and the one whose event made it.';
-- Nobody links a patient whom he does not see: refused as if there were none. A trigger, because the policies of `patient` ask `care_link`.
CREATE FUNCTION care_link_of_a_patient_in_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM patient p WHERE p.id = NEW.patient_id) THEN
        RAISE EXCEPTION 'no such patient' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'care_link_patient_id_fkey';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER care_link_in_sight BEFORE INSERT ON care_link FOR EACH ROW EXECUTE FUNCTION care_link_of_a_patient_in_sight();

-- The same lists as in `access.types`, for the second wall; a test compares.
CREATE FUNCTION open_types() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '{Endpoint,HealthcareService,Location,Organization,
OrganizationAffiliation,PlanDefinition,Practitioner,PractitionerRole,Questionnaire,Schedule,Slot}'::text[] $$;
CREATE FUNCTION linked_types() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '{Patient}'::text[] $$;
CREATE FUNCTION shared_bases() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT '{medecin-traitant,consentement,bris-de-glace}'::text[] $$;

-- How long a link outlives the event that made it (closure, visit, answer): the table to change where a deployer decides otherwise.
CREATE TABLE care_link_delay (
    basis text PRIMARY KEY,
    outlives interval NOT NULL CHECK (outlives >= interval '0')
);
INSERT INTO care_link_delay (basis, outlives) VALUES
    ('presence', '90 days'), ('adressage', '90 days'), ('rendez-vous', '30 days'), ('tele-expertise', '30 days'),
    ('medecin-traitant', '0'), ('consentement', '0'), ('bris-de-glace', '0');

-- What a patient agreed to outside the care team (CSP L1110-4): to whom, for what, until when. `id` is that of the Consent resource.
-- It ends at its date or at its withdrawal, a row of its own.
CREATE TABLE consent (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    organization_id text NOT NULL,
    practitioner_id text,
    res_type text,
    res_id text,
    purpose text NOT NULL DEFAULT 'TREAT' CHECK (purpose ~ '^[A-Z]{2,16}$'),
    said_by text NOT NULL CHECK (said_by IN ('patient', 'representant', 'personne-de-confiance')),
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT consent_narrowed CHECK ((res_type IS NULL) = (res_id IS NULL)),
    CONSTRAINT consent_period CHECK (ends > starts)
);
CREATE INDEX consent_patient ON consent (patient_id);

-- What a patient refuses, at once and until it is lifted (CSP L1110-4 IV, L1111-17): `reading` of what is known, `feeding` of the shared record,
-- `messages`, or access by an `emergency`; for everybody (general), an organisation, a professional, or one document. `id` is that of the Consent
-- resource. Never changed: a lifting is a row of its own.
CREATE TABLE opposition (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    act text NOT NULL CHECK (act IN ('reading', 'feeding', 'messages', 'emergency')),
    scope text NOT NULL CHECK (scope IN ('general', 'organization', 'practitioner', 'document')),
    organization_id text,
    practitioner_id text,
    res_type text,
    res_id text,
    said_by text NOT NULL CHECK (said_by IN ('patient', 'representant', 'personne-de-confiance')),
    starts timestamptz NOT NULL,
    ends timestamptz,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT opposition_target CHECK (
        (scope = 'organization') = (organization_id IS NOT NULL) AND (scope = 'practitioner') = (practitioner_id IS NOT NULL)
        AND (scope = 'document') = (res_id IS NOT NULL) AND (res_type IS NULL) = (res_id IS NULL)),
    CONSTRAINT opposition_act CHECK (act IN ('reading', 'feeding') OR scope = 'general'),
    CONSTRAINT opposition_period CHECK (ends IS NULL OR ends > starts)
);
CREATE INDEX opposition_patient ON opposition (patient_id, act);

-- The end of a consent or of an opposition, by the person who gave it or who spoke for the patient.
CREATE TABLE choice_end (
    choice_id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    at timestamptz NOT NULL,
    said_by text NOT NULL CHECK (said_by IN ('patient', 'representant', 'personne-de-confiance')),
    recorded_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);

-- One person opened one patient's record in an emergency: why, for how long, and who must look at it afterwards.
CREATE TABLE break_glass (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    practitioner_id text NOT NULL,
    role_id text,
    organization_id text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('vital', 'emergency', 'unconscious', 'continuity', 'regulation')),
    explanation text NOT NULL CONSTRAINT break_glass_explained CHECK (length(btrim(explanation)) >= 15),
    vital boolean GENERATED ALWAYS AS (reason = 'vital') STORED,
    refused_before boolean NOT NULL,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    review_due timestamptz NOT NULL,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED,
    CONSTRAINT break_glass_period CHECK (ends > starts AND ends <= starts + interval '4 hours'),
    CONSTRAINT break_glass_refusal CHECK (reason = 'vital' OR NOT refused_before)
);
COMMENT ON COLUMN break_glass.refused_before IS 'Whether the patient had refused emergency access: only a vital emergency goes on, and is audited as such.';
CREATE INDEX break_glass_live ON break_glass (practitioner_id, patient_id, ends);
CREATE INDEX break_glass_due ON break_glass (organization_id, review_due);

-- What came of the review of an emergency access; never by the person who made it.
CREATE TABLE break_glass_review (
    break_glass_id text PRIMARY KEY REFERENCES break_glass (id),
    patient_id text NOT NULL REFERENCES patient (id),
    decision text NOT NULL CHECK (decision IN ('justified', 'not-justified', 'to-be-heard')),
    comment text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    reviewed_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);

-- A patient asks why somebody looked: about which look, as the trail told it, and until when that house owes an answer.
CREATE TABLE access_question (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    look_id text NOT NULL,
    looked_at timestamptz NOT NULL,
    practitioner_id text NOT NULL,
    display text NOT NULL,
    organization_id text NOT NULL REFERENCES organization (id),
    text text NOT NULL DEFAULT '' CHECK (length(text) <= 500),
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    called_at timestamptz,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED,
    CONSTRAINT access_question_once UNIQUE (patient_id, look_id),
    CONSTRAINT access_question_due CHECK (due_at > asked_at)
);
COMMENT ON COLUMN access_question.called_at IS 'When a late answer was called for: once.';
CREATE INDEX access_question_organization ON access_question (organization_id, due_at);

-- What the house answered, for the patient to read; never by the person who looked.
CREATE TABLE access_answer (
    question_id text PRIMARY KEY REFERENCES access_question (id),
    patient_id text NOT NULL REFERENCES patient (id),
    text text NOT NULL CONSTRAINT access_answer_said CHECK (length(btrim(text)) >= 15),
    at timestamptz NOT NULL,
    answered_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);

-- How long an emergency access lasts, when it must have been reviewed, when the patient is told, how many a day raise an alarm, and how many patients
-- an hour are more than a day's work explains: the row to change where a deployer decides otherwise.
CREATE TABLE emergency_limit (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    lasts interval NOT NULL DEFAULT '4 hours' CHECK (lasts > interval '0' AND lasts <= interval '4 hours'),
    review interval NOT NULL DEFAULT '7 days' CHECK (review > interval '0' AND review <= interval '7 days'),
    tell_patient_after interval NOT NULL DEFAULT '0' CHECK (tell_patient_after >= interval '0'),
    alarm_above integer NOT NULL DEFAULT 3 CHECK (alarm_above >= 0),
    patients_an_hour integer NOT NULL DEFAULT 30 CHECK (patients_an_hour > 0)
);
INSERT INTO emergency_limit DEFAULT VALUES;

-- A late review was called for: once.
CREATE TABLE break_glass_reminder (
    break_glass_id text PRIMARY KEY REFERENCES break_glass (id),
    at timestamptz NOT NULL
);

-- Which patients a person was shown, hour by hour: what tells a day's work from curiosity. Kept two days.
CREATE TABLE patient_look (
    practitioner_id text NOT NULL,
    organization_id text NOT NULL,
    patient_id text NOT NULL,
    hour timestamptz NOT NULL,
    at timestamptz NOT NULL,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED,
    CONSTRAINT patient_look_once PRIMARY KEY (practitioner_id, organization_id, hour, patient_id)
);
CREATE INDEX patient_look_at ON patient_look (at);

-- Somebody was shown too many patients in an hour, without a reason in the agenda: told once an hour.
CREATE TABLE browsing_alert (
    id text PRIMARY KEY,
    practitioner_id text NOT NULL,
    organization_id text NOT NULL,
    patients integer NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX browsing_alert_person ON browsing_alert (practitioner_id, organization_id, at);

-- Whatever way a person came by a patient's data: under a broken glass the trail says BTG, and the look is counted. A trigger, so that no code forgets it.
-- Rows of the trail share a commit in which nobody acts: it says itself that it may look.
CREATE FUNCTION note_look() RETURNS trigger LANGUAGE plpgsql SET app.kind = 'system' AS $$
DECLARE
    shown text[] := CASE WHEN NEW.patients = '' THEN ARRAY[NEW.patient_id] ELSE string_to_array(NEW.patients, ' ', '') END;
BEGIN
    NEW.under_glass := coalesce((SELECT string_agg(DISTINCT b.patient_id, ' ') FROM break_glass b
        WHERE b.practitioner_id = NEW.actor_id AND b.patient_id = ANY (shown) AND b.starts <= NEW.at AND b.ends > NEW.at), '');
    IF NEW.patients = '' AND NEW.under_glass <> '' THEN
        NEW.purpose := 'BTG';
        NEW.under_glass := '';
    END IF;
    IF (NEW.action = 'R' OR NEW.subtype LIKE 'search%') AND NEW.verb <> 'worklist' THEN
        INSERT INTO patient_look (practitioner_id, organization_id, patient_id, hour, at)
        SELECT NEW.actor_id, NEW.organization, patient, date_trunc('hour', NEW.at), NEW.at
        FROM unnest(shown) AS patient WHERE patient IS NOT NULL ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_event_look BEFORE INSERT ON audit_event FOR EACH ROW
    WHEN ((NEW.patient_id IS NOT NULL OR NEW.patients <> '') AND NEW.actor_kind = 'person') EXECUTE FUNCTION note_look();

CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE ON consent FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER opposition_append_only BEFORE UPDATE OR DELETE ON opposition FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER choice_end_append_only BEFORE UPDATE OR DELETE ON choice_end FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER break_glass_append_only BEFORE UPDATE OR DELETE ON break_glass FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER access_answer_append_only BEFORE UPDATE OR DELETE ON access_answer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER break_glass_review_append_only BEFORE UPDATE OR DELETE ON break_glass_review FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What the server closes: one resource, or all that is known of a patient, by a confidentiality code or a label of visibility. Never changed: its end is a
-- row of its own.
CREATE TABLE security_label (
    id text PRIMARY KEY,
    patient_id text NOT NULL REFERENCES patient (id),
    res_type text,
    res_id text,
    code text NOT NULL CHECK (code IN
        ('R', 'V', 'PSY', 'SEX', 'CEL', 'MASQUE_PS', 'INVISIBLE_PATIENT', 'INVISIBLE_REPRESENTANTS_LEGAUX')),
    starts timestamptz NOT NULL,
    ends timestamptz,
    set_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT security_label_target CHECK ((res_type IS NULL) = (res_id IS NULL)),
    -- Held back until announced, thirty days at most: then the patient reads it, announced or not (CSP L1111-7; workflow rule book 15).
    CONSTRAINT security_label_announced CHECK ((code = 'INVISIBLE_PATIENT') = (ends IS NOT NULL) AND (ends IS NULL OR ends <= starts + interval '30 days'))
);
CREATE INDEX security_label_patient ON security_label (patient_id);
CREATE INDEX security_label_resource ON security_label (res_id) WHERE res_id IS NOT NULL;
CREATE INDEX security_label_due ON security_label (ends) WHERE ends IS NOT NULL;

CREATE TABLE security_label_end (
    label_id text PRIMARY KEY REFERENCES security_label (id),
    patient_id text NOT NULL REFERENCES patient (id),
    at timestamptz NOT NULL,
    ended_by text NOT NULL,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);
CREATE TRIGGER security_label_append_only BEFORE UPDATE OR DELETE ON security_label FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER security_label_end_append_only BEFORE UPDATE OR DELETE ON security_label_end FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Whether a label closes this resource to this actor, whose roles the codes of `closed` stop. Who set it, and an explicit link, go past what is closed
-- to a role; the keeper goes past a mask; nobody goes past what is held back from the patient or from a representative.
CREATE FUNCTION closes(s security_label, kind text, id text, owner text, orgs text[], actor text, closed text[], now timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT s.code = ANY (closed) AND s.starts <= now AND (s.ends IS NULL OR s.ends > now) AND (s.res_id IS NULL OR (s.res_type = kind AND s.res_id = closes.id))
        AND NOT EXISTS (SELECT 1 FROM security_label_end e WHERE e.label_id = s.id AND e.at <= now)
        AND (s.code LIKE 'INVISIBLE%' OR NOT (s.set_by = actor OR (s.code = 'MASQUE_PS' AND (owner = ANY (orgs)) IS TRUE)
            OR EXISTS (SELECT 1 FROM care_link c WHERE c.patient_id = s.patient_id AND c.organization_id = ANY (orgs)
                AND CASE WHEN c.practitioner_id IS NULL THEN c.basis IN ('consentement', 'medecin-traitant') ELSE c.practitioner_id = actor END
                AND (c.res_id IS NULL OR (c.res_type = kind AND c.res_id = closes.id))
                AND c.starts <= now AND (c.ends IS NULL OR c.ends > now))))
$$;

-- Whether one opposition closes this resource to this actor. It beats every other rule, whatever the order of the rows (CSP L1110-4 IV).
-- Named (organisation, professional): nothing of the patient is shown, not even what the organisation holds itself. General, or one document: what
-- is shared stops, the file that an organisation must keep itself (CSP R1112-2, R4127-45) stays. The desk that recorded a general opposition keeps
-- the identity: lifting must be no harder than opposing (GDPR 7.3). Only a vital emergency goes past.
CREATE FUNCTION opposes(o opposition, kind text, id text, owner text, orgs text[], actor text, now timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT o.act = 'reading' AND o.starts <= now AND (o.ends IS NULL OR o.ends > now)
        AND CASE o.scope WHEN 'organization' THEN o.organization_id = ANY (orgs) WHEN 'practitioner' THEN o.practitioner_id = actor
            WHEN 'document' THEN o.res_type = kind AND o.res_id = opposes.id AND (owner = ANY (orgs)) IS NOT TRUE
            ELSE (owner = ANY (orgs) OR (kind = 'Patient' AND o.owner_org = ANY (orgs))) IS NOT TRUE END
        AND NOT EXISTS (SELECT 1 FROM choice_end e WHERE e.choice_id = o.id AND e.at <= now)
        AND NOT EXISTS (SELECT 1 FROM break_glass b WHERE b.practitioner_id = actor AND b.patient_id = o.patient_id AND b.vital
            AND b.organization_id = ANY (orgs) AND b.starts <= now AND b.ends > now)
$$;

-- Whether one of the patient's oppositions closes this resource to this actor: few patients have any, each is found by its index.
CREATE FUNCTION opposed(patient text, kind text, id text, owner text, orgs text[], actor text, now timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT 1 FROM opposition o WHERE o.patient_id = patient AND opposes(o, kind, opposed.id, owner, orgs, actor, now))
$$;

-- Whether a live care link opens a resource to these organisations or to this person there: the record, or one resource of it. `bases` are the links
-- that open this type, NULL all of them. A function that is called, so that a query is planned without it, and costs the same whoever asks.
CREATE FUNCTION linked(patient text, kind text, id text, bases text[], orgs text[], actor text, now timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 20 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM care_link c WHERE c.patient_id = patient AND c.organization_id = ANY (orgs)
        AND (bases IS NULL OR c.basis = ANY (bases)) AND c.starts <= now AND (c.ends IS NULL OR c.ends > now)
        AND (c.practitioner_id IS NULL OR c.practitioner_id = actor)
        AND (c.res_id IS NULL OR (c.res_type = kind AND c.res_id = linked.id)));
END
$$;

-- The same, asked by a policy about whoever acts. What a patient refuses to others hides nothing from the patient.
CREATE FUNCTION opposes(o opposition, kind text, id text, owner text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT app_kind() IS DISTINCT FROM 'patient' AND opposes(o, kind, opposes.id, owner, app_orgs(), app_actor(), app_now())
$$;
-- Whether a resource waits to be announced to its patient: behind the second wall too, a patient does not see it.
CREATE FUNCTION held_back(patient text, kind text, id text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT FROM security_label s WHERE s.patient_id = patient AND s.code = 'INVISIBLE_PATIENT' AND s.starts <= app_now()
        AND s.ends > app_now() AND (s.res_id IS NULL OR (s.res_type = kind AND s.res_id = held_back.id))
        AND NOT EXISTS (SELECT FROM security_label_end e WHERE e.label_id = s.id AND e.at <= app_now()))
$$;
-- Whether whoever acts sees a resource of which no organisation of theirs is a party: the rule of `access.VisibleTo`. A patient's own rows are the
-- patient's; which of them a link opens is the first wall's to say. A function that is called and no text of a policy, because a policy is made ready
-- with each statement, each of its queries again, and nearly no row comes so far (docs/explanation/performance.md).
CREATE FUNCTION seen_otherwise(patient text, kind text, id text, owner text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 20 AS $$
BEGIN
    IF patient IS NULL THEN
        RETURN kind = ANY (open_types()) AND app_kind() IS NOT NULL;
    END IF;
    -- The organisation that keeps the file of a patient finds it again.
    IF kind = ANY (linked_types()) AND owner = ANY (app_orgs()) THEN
        RETURN true;
    END IF;
    IF app_kind() = 'patient' THEN
        RETURN patient = app_actor() AND NOT held_back(patient, kind, id);
    END IF;
    RETURN EXISTS (SELECT FROM care_link c WHERE c.patient_id = patient AND c.organization_id = ANY (app_orgs())
        AND (kind = ANY (linked_types()) OR c.basis = ANY (shared_bases())) AND c.starts <= app_now() AND (c.ends IS NULL OR c.ends > app_now())
        AND (c.practitioner_id IS NULL OR c.practitioner_id = app_actor())
        AND (c.res_id IS NULL OR (c.res_type = kind AND c.res_id = seen_otherwise.id)));
END
$$;

-- What the policies of a table ask, as text for `put_wall`. `kind` is an SQL expression for the resource type of a row, `id` names the column that holds
-- the id of the resource. What is asked of many rows is found out once, in a query of its own; what is asked of the few that are written is called.
CREATE FUNCTION seen_as(name text, kind text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('CASE WHEN parties && (SELECT app_orgs()) THEN true WHEN (SELECT app_is_system()) THEN true
        ELSE seen_otherwise(patient_id, %s, %I.%I, owner_org) END', kind, name, id)
$$;
-- Photographs and what is known of a patient: written by whoever sees them, but never by the patient.
CREATE FUNCTION written_as(name text, kind text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('CASE WHEN parties && app_orgs() THEN true WHEN app_is_system() THEN true WHEN app_kind() = ''patient'' THEN false
        ELSE seen_otherwise(patient_id, %s, %I.%I, owner_org) END', kind, name, id)
$$;
CREATE FUNCTION written_by_parties() RETURNS text LANGUAGE sql AS $$
    SELECT 'CASE WHEN parties && app_orgs() THEN true ELSE app_is_system() END'
$$;
CREATE FUNCTION asked_of_house() RETURNS text LANGUAGE sql AS $$
    SELECT 'CASE WHEN parties && app_orgs() THEN true WHEN app_is_system() THEN true ELSE app_kind() = ''patient'' AND patient_id = app_actor() END'
$$;
-- What the patient refuses beats everything (CSP L1110-4 IV): a restrictive policy, whatever else lets the row through. `OFFSET 0` keeps it a question
-- asked of each row.
CREATE FUNCTION unopposed(name text, kind text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('CASE WHEN patient_id IS NULL OR (SELECT app_is_system()) THEN true ELSE NOT EXISTS (SELECT FROM opposition o
        WHERE o.patient_id = %1$I.patient_id AND opposes(o, %2$s, %1$I.%3$I, %1$I.owner_org) OFFSET 0) END', name, kind, id)
$$;
-- A table about rows of another one: they are seen as those are.
CREATE FUNCTION by_parent(name text, key text, parent text, parent_key text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
    SELECT format('EXISTS (SELECT FROM %I p WHERE p.%I = %I.%I OFFSET 0)', parent, parent_key, name, key)
$$;

-- A patient reads what is known of them and writes none of it: what a patient decides is written by the server, beside who decided it.
CREATE PROCEDURE put_reading_alone(name text) LANGUAGE plpgsql AS $$
DECLARE
    ours text := 'app_kind() IS DISTINCT FROM ''patient''';
BEGIN
    EXECUTE format('CREATE POLICY inserted_for_patient ON %I AS RESTRICTIVE FOR INSERT TO app_rw WITH CHECK (%s)', name, ours);
    EXECUTE format('CREATE POLICY updated_for_patient ON %I AS RESTRICTIVE FOR UPDATE TO app_rw USING (%s)', name, ours);
    EXECUTE format('CREATE POLICY deleted_for_patient ON %I AS RESTRICTIVE FOR DELETE TO app_rw USING (%s)', name, ours);
END
$$;
-- An index table of one type.
CREATE PROCEDURE put_index_wall(name text, kind text) LANGUAGE plpgsql AS $$
BEGIN
    CALL put_wall(name, CASE WHEN kind = ANY (open_types()) THEN 'patient_id IS NULL AND (SELECT app_kind()) IS NOT NULL'
            ELSE seen_as(name, quote_literal(kind)) END,
        CASE WHEN kind = ANY (open_types()) THEN 'patient_id IS NULL AND app_kind() IS NOT NULL' ELSE written_as(name, quote_literal(kind)) END,
        'SELECT, INSERT, UPDATE, DELETE', unopposed => unopposed(name, quote_literal(kind)));
    CALL put_reading_alone(name);
END
$$;
-- A table that stands for a resource type: its rows name their parties, and each hangs on a row of another table that who writes it must see.
CREATE PROCEDURE put_party_wall(name text, kind text, key text, parent text) LANGUAGE sql AS $$
    CALL put_wall(name, seen_as(name, quote_literal(kind)), written_by_parties(), parent => by_parent(name, key, parent),
        unopposed => unopposed(name, quote_literal(kind)));
$$;
-- A table about rows of another one.
CREATE PROCEDURE put_child_wall(name text, key text, parent text, rights text DEFAULT 'SELECT, INSERT, UPDATE') LANGUAGE sql AS $$
    CALL put_wall(name, by_parent(name, key, parent), 'true', rights, by_parent(name, key, parent));
$$;

-- Somebody who may sign in. `door` says how: Pro Santé Connect for whoever has an RPPS, a password and a second factor for the others, one click in the
-- demonstration. No local account stands for an RPPS: the two doors exclude each other here, and a password can only belong to the local one.
CREATE TABLE account (
    login text PRIMARY KEY CONSTRAINT account_login_form CHECK (login ~ '^[a-z0-9][a-z0-9._@-]{1,99}$'),
    practitioner_id text NOT NULL,
    display text NOT NULL,
    door text NOT NULL CHECK (door IN ('psc', 'local', 'demo')),
    rpps text CONSTRAINT account_rpps UNIQUE CHECK (rpps ~ '^[0-9]{11}$'),
    disabled boolean NOT NULL DEFAULT false,
    CONSTRAINT account_rpps_by_psc CHECK ((door = 'psc') = (rpps IS NOT NULL)),
    CONSTRAINT account_of_door UNIQUE (login, door)
);

-- One professional, one RPPS: two people who come by Pro Santé Connect are never taken for the same one.
CREATE UNIQUE INDEX account_practitioner ON account (practitioner_id) WHERE door = 'psc';

-- Where this person works (exercice): allowed by the organisation beforehand, one of them chosen at sign-in. The lowest rank is proposed first.
CREATE TABLE account_exercise (
    login text NOT NULL,
    door text NOT NULL,
    role_id text NOT NULL,
    organization_id text NOT NULL,
    roles text[] NOT NULL,
    rank integer NOT NULL DEFAULT 0,
    authorised_at timestamptz NOT NULL,
    authorised_by text NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (login, role_id),
    FOREIGN KEY (login, door) REFERENCES account (login, door) ON UPDATE CASCADE,
    CONSTRAINT account_exercise_one_house EXCLUDE USING gist (login WITH =, organization_id WITH <>) WHERE (door = 'local' AND ended_at IS NULL)
);
COMMENT ON CONSTRAINT account_exercise_one_house ON account_exercise IS
    'A local account is vouched for by one organisation and works for that one only: no organisation lets in whom another one says to be somebody.';

-- A signed-in browser, for one person at one place: only the hash of its secret is kept, `id` is how its owner names it to end it.
-- It never knows a patient: the patient is in the address.
CREATE TABLE web_session (
    token_hash bytea PRIMARY KEY,
    id text NOT NULL CONSTRAINT web_session_id UNIQUE,
    login text NOT NULL,
    role_id text NOT NULL,
    csrf text NOT NULL,
    method text NOT NULL,
    assurance text NOT NULL,
    began_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    browser text NOT NULL DEFAULT '',
    provider_session text,
    provider_subject text,
    provider_token bytea,
    ended_at timestamptz,
    ended_by text CHECK (ended_by IN ('sign-out', 'renewed', 'revoked', 'provider', 'account')),
    FOREIGN KEY (login, role_id) REFERENCES account_exercise (login, role_id),
    CONSTRAINT web_session_end CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX web_session_login ON web_session (login) WHERE ended_at IS NULL;
CREATE INDEX web_session_provider ON web_session (provider_subject) WHERE ended_at IS NULL;
COMMENT ON COLUMN web_session.began_at IS 'Sign-in: the absolute limit counts from here, whatever new ids the session was given since.';
COMMENT ON COLUMN web_session.authenticated_at IS 'The last time a factor was shown, at sign-in or when asked again.';
COMMENT ON COLUMN web_session.provider_token IS 'Sealed ID token, shown to the provider when its session is to end too.';

-- What somebody was writing when the session timed out, sealed by a key that is not in the database: shown again to the same person at the same place,
-- in its form, for some hours; never acted on.
CREATE TABLE interrupted_form (
    id text PRIMARY KEY,
    login text NOT NULL,
    role_id text NOT NULL,
    content bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (login, role_id) REFERENCES account_exercise (login, role_id)
);
CREATE INDEX interrupted_form_login ON interrupted_form (login, expires_at);

-- The password of a local account, as argon2id says it.
CREATE TABLE local_password (
    login text PRIMARY KEY,
    door text NOT NULL DEFAULT 'local' CHECK (door = 'local'),
    hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
    set_at timestamptz NOT NULL,
    FOREIGN KEY (login, door) REFERENCES account (login, door)
);

-- A WebAuthn key: a second factor at sign-in, and for whoever comes by Pro Santé Connect a factor of the house when the provider is away.
CREATE TABLE factor_key (
    credential_id bytea PRIMARY KEY,
    login text NOT NULL REFERENCES account (login),
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX factor_key_login ON factor_key (login);

-- A time-based code (RFC 6238): the secret is sealed by a key that is not in the database; a step is accepted once, and none before it afterwards.
CREATE TABLE factor_totp (
    login text PRIMARY KEY REFERENCES account (login),
    secret bytea NOT NULL,
    last_step bigint NOT NULL,
    created_at timestamptz NOT NULL
);

-- Recovery codes: 120 random bits each, so that a plain hash keeps them; each is good once.
CREATE TABLE recovery_code (
    login text NOT NULL REFERENCES account (login),
    hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (login, hash)
);

-- A link by which somebody sets the factors of an account for the first time, or again; good once, until it expires or another one is made.
CREATE TABLE invitation (
    token_hash bytea PRIMARY KEY,
    login text NOT NULL REFERENCES account (login),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX invitation_login ON invitation (login);

-- A link under which an agenda programme reads the vacations of a person's place without signing in: no patient, no name. Ended by the person, by the
-- end of the account or of the place, and by its age.
CREATE TABLE calendar_feed (
    id text PRIMARY KEY,
    token_hash bytea NOT NULL CONSTRAINT calendar_feed_token UNIQUE,
    login text NOT NULL,
    role_id text NOT NULL,
    site_id text,
    made_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    read_at timestamptz,
    CONSTRAINT calendar_feed_exercise FOREIGN KEY (login, role_id) REFERENCES account_exercise (login, role_id),
    CONSTRAINT calendar_feed_period CHECK (ends_at > made_at)
);
CREATE INDEX calendar_feed_login ON calendar_feed (login);

-- Attempts to sign in that did not end well, and until when the next one is refused: for a name from an address, for a name, for an address.
-- Keys are hashed, and names that belong to nobody count like the others.
CREATE TABLE sign_in_attempt (
    kind text NOT NULL CHECK (kind IN ('pair', 'account', 'address')),
    key bytea NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);

-- A sign-in between two pages (after the password, or before the place is chosen): what was proved so far, sealed, good once and for minutes.
CREATE TABLE sign_in_step (
    token_hash bytea PRIMARY KEY,
    content bytea NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Proofs that are good once (WebAuthn challenges, logout tokens), until they would expire anyway.
CREATE TABLE spent_proof (
    hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
