-- The referral: requests, coordination Tasks, their statuses, and what is owed to whom (workflows.md 1).
-- Tables that name a patient carry owner_org and parties: every SELECT starts from what the actor may see.

-- The versioned lists of reasons, with the one axis on which each code is counted; the rule book holds the same lists, a test compares.
CREATE TABLE referral_reason (
    list text NOT NULL,
    code text NOT NULL,
    axis text NOT NULL CHECK (axis IN ('clinical', 'capacity', 'completeness', 'organisation', 'patient', 'error')),
    version text NOT NULL,
    CONSTRAINT referral_reason_pkey PRIMARY KEY (list, code),
    CONSTRAINT referral_reason_axis UNIQUE (list, code, axis)
);
INSERT INTO referral_reason (list, code, axis, version) VALUES
    ('decline', 'no-indication', 'clinical', '2026-1'),
    ('decline', 'wrong-specialty', 'clinical', '2026-1'),
    ('decline', 'contraindication', 'clinical', '2026-1'),
    ('decline', 'already-followed', 'clinical', '2026-1'),
    ('decline', 'became-impossible', 'clinical', '2026-1'),
    ('decline', 'prerequisites-missing', 'completeness', '2026-1'),
    ('decline', 'patient-declines', 'patient', '2026-1'),
    ('decline', 'after-absence', 'patient', '2026-1'),
    ('decline', 'duplicate', 'error', '2026-1'),
    ('decline', 'wrong-patient', 'error', '2026-1'),
    ('decline', 'other', 'organisation', '2026-1'),
    ('redirect', 'age', 'clinical', '2026-1'),
    ('redirect', 'sub-specialty', 'clinical', '2026-1'),
    ('redirect', 'priority', 'clinical', '2026-1'),
    ('redirect', 'closer-site', 'organisation', '2026-1'),
    ('redirect', 'confidentiality', 'organisation', '2026-1'),
    ('redirect', 'equipment', 'organisation', '2026-1'),
    ('redirect', 'practitioner-absent', 'capacity', '2026-1'),
    ('redirect', 'other', 'organisation', '2026-1'),
    ('capacity', 'no-slot-in-target', 'capacity', '2026-1'),
    ('capacity', 'session-cancelled', 'capacity', '2026-1'),
    ('capacity', 'quota-exhausted', 'capacity', '2026-1'),
    ('capacity', 'practitioner-absent', 'capacity', '2026-1'),
    ('capacity', 'no-room-or-kit', 'capacity', '2026-1'),
    ('capacity', 'other', 'organisation', '2026-1'),
    ('absence', 'forgot', 'patient', '2026-1'),
    ('absence', 'ill', 'patient', '2026-1'),
    ('absence', 'late', 'patient', '2026-1'),
    ('absence', 'cancelled-late', 'patient', '2026-1'),
    ('absence', 'transport', 'patient', '2026-1'),
    ('absence', 'hospitalised', 'patient', '2026-1'),
    ('absence', 'died', 'patient', '2026-1'),
    ('absence', 'unknown', 'patient', '2026-1'),
    ('absence', 'not-informed', 'organisation', '2026-1'),
    ('absence', 'other', 'organisation', '2026-1'),
    ('cancel-by-patient', 'forgot', 'patient', '2026-1'),
    ('cancel-by-patient', 'ill', 'patient', '2026-1'),
    ('cancel-by-patient', 'late', 'patient', '2026-1'),
    ('cancel-by-patient', 'transport', 'patient', '2026-1'),
    ('cancel-by-patient', 'hospitalised', 'patient', '2026-1'),
    ('cancel-by-patient', 'died', 'patient', '2026-1'),
    ('cancel-by-patient', 'declined', 'patient', '2026-1'),
    ('cancel-by-patient', 'unknown', 'patient', '2026-1'),
    ('cancel-by-patient', 'not-informed', 'organisation', '2026-1'),
    ('cancel-by-patient', 'other', 'organisation', '2026-1'),
    ('cancel-by-service', 'leave', 'capacity', '2026-1'),
    ('cancel-by-service', 'ill', 'capacity', '2026-1'),
    ('cancel-by-service', 'deployment', 'capacity', '2026-1'),
    ('cancel-by-service', 'strike', 'capacity', '2026-1'),
    ('cancel-by-service', 'room', 'capacity', '2026-1'),
    ('cancel-by-service', 'kit', 'capacity', '2026-1'),
    ('cancel-by-service', 'no-help', 'capacity', '2026-1'),
    ('cancel-by-service', 'session-cancelled', 'capacity', '2026-1'),
    ('cancel-by-service', 'other', 'organisation', '2026-1'),
    ('refuse-offer', 'date-unsuitable', 'patient', '2026-1'),
    ('refuse-offer', 'too-far', 'patient', '2026-1'),
    ('refuse-offer', 'transport', 'patient', '2026-1'),
    ('refuse-offer', 'patient-declines', 'patient', '2026-1'),
    ('refuse-offer', 'seen-elsewhere', 'patient', '2026-1'),
    ('refuse-offer', 'too-short-notice', 'organisation', '2026-1'),
    ('refuse-offer', 'other', 'organisation', '2026-1'),
    ('dispute', 'no-conclusion', 'completeness', '2026-1'),
    ('dispute', 'treatment-unclear', 'completeness', '2026-1'),
    ('dispute', 'who-does-what', 'completeness', '2026-1'),
    ('dispute', 'pending-result', 'completeness', '2026-1'),
    ('dispute', 'other', 'organisation', '2026-1'),
    ('withdraw', 'resolved', 'clinical', '2026-1'),
    ('withdraw', 'seen-elsewhere', 'patient', '2026-1'),
    ('withdraw', 'patient-declines', 'patient', '2026-1'),
    ('withdraw', 'died', 'patient', '2026-1'),
    ('withdraw', 'duplicate', 'error', '2026-1'),
    ('withdraw', 'wrong-patient', 'error', '2026-1'),
    ('withdraw', 'wrong-service', 'error', '2026-1'),
    ('withdraw', 'other', 'organisation', '2026-1'),
    ('request-cancellation', 'resolved', 'clinical', '2026-1'),
    ('request-cancellation', 'seen-elsewhere', 'patient', '2026-1'),
    ('request-cancellation', 'patient-declines', 'patient', '2026-1'),
    ('request-cancellation', 'died', 'patient', '2026-1'),
    ('request-cancellation', 'duplicate', 'error', '2026-1'),
    ('request-cancellation', 'wrong-patient', 'error', '2026-1'),
    ('request-cancellation', 'wrong-service', 'error', '2026-1'),
    ('request-cancellation', 'other', 'organisation', '2026-1'),
    ('decide-next', 'resolved', 'clinical', '2026-1'),
    ('decide-next', 'seen-elsewhere', 'patient', '2026-1'),
    ('decide-next', 'patient-declines', 'patient', '2026-1'),
    ('decide-next', 'died', 'patient', '2026-1'),
    ('decide-next', 'duplicate', 'error', '2026-1'),
    ('decide-next', 'wrong-patient', 'error', '2026-1'),
    ('decide-next', 'wrong-service', 'error', '2026-1'),
    ('decide-next', 'other', 'organisation', '2026-1'),
    ('send-elsewhere', 'other-specialty', 'clinical', '2026-1'),
    ('send-elsewhere', 'too-late', 'capacity', '2026-1'),
    ('send-elsewhere', 'closer-site', 'organisation', '2026-1'),
    ('send-elsewhere', 'service-closed', 'organisation', '2026-1'),
    ('send-elsewhere', 'patient-choice', 'patient', '2026-1'),
    ('send-elsewhere', 'other', 'organisation', '2026-1'),
    ('priority', 'worsened', 'clinical', '2026-1'),
    ('priority', 'improved', 'clinical', '2026-1'),
    ('priority', 'new-result', 'clinical', '2026-1'),
    ('priority', 'triage-assessment', 'clinical', '2026-1'),
    ('priority', 'patient-situation', 'patient', '2026-1'),
    ('priority', 'entered-wrongly', 'error', '2026-1'),
    ('priority', 'other', 'organisation', '2026-1'),
    ('enter-in-error', 'wrong-patient', 'error', '2026-1'),
    ('enter-in-error', 'wrong-service', 'error', '2026-1'),
    ('enter-in-error', 'duplicate', 'error', '2026-1'),
    ('enter-in-error', 'entered-by-mistake', 'error', '2026-1'),
    ('enter-in-error', 'other', 'organisation', '2026-1'),
    ('duplicate-override', 'other-problem', 'clinical', '2026-1'),
    ('duplicate-override', 'second-opinion', 'clinical', '2026-1'),
    ('duplicate-override', 'previous-lost', 'completeness', '2026-1'),
    ('duplicate-override', 'other', 'organisation', '2026-1');

-- The request itself, written by the requester's side alone. `received` keeps the parts of a posted ServiceRequest that no rule reads.
CREATE TABLE service_request (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    status text NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'revoked', 'entered-in-error')),
    patient_id text NOT NULL CONSTRAINT service_request_patient_known REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    requester_role_id text NOT NULL CONSTRAINT service_request_requester_known REFERENCES practitioner_role (id),
    requester_id text NOT NULL,
    prepared_by text NOT NULL DEFAULT '',
    plan text NOT NULL DEFAULT '',
    priority text NOT NULL CHECK (priority IN ('stat', 'asap', 'urgent', 'routine')),
    authored_on timestamptz NOT NULL,
    received text NOT NULL DEFAULT '{}',
    identity_confirmed boolean NOT NULL DEFAULT false,
    patient_informed boolean NOT NULL DEFAULT false,
    outside_criteria boolean NOT NULL DEFAULT false,
    may_redirect boolean NOT NULL DEFAULT true,
    may_advise boolean NOT NULL DEFAULT true,
    may_convert boolean NOT NULL DEFAULT true,
    asked_active boolean NOT NULL DEFAULT false,
    first_sent_at timestamptz,
    ended_at timestamptz,
    -- A request that needs a call at once is never sent as a form.
    CONSTRAINT service_request_stat CHECK (priority <> 'stat' OR status IN ('draft', 'entered-in-error'))
);
-- A request that came in as active is sent in the same transaction or not taken at all: nobody believes that it left when it did not.
CREATE FUNCTION service_request_was_sent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM service_request WHERE id = NEW.id AND asked_active AND status = 'draft') THEN
        RAISE EXCEPTION 'an active request was not sent'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'service_request_active_is_sent';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER service_request_active_is_sent AFTER INSERT ON service_request
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION service_request_was_sent();
CREATE TRIGGER service_request_in_use BEFORE INSERT ON service_request FOR EACH ROW EXECUTE FUNCTION refuse_replaced();
CREATE INDEX service_request_last_of ON service_request (requester_role_id, first_sent_at DESC) WHERE first_sent_at IS NOT NULL;
CREATE INDEX service_request_patient ON service_request (patient_id, owner_org);

-- One coordination Task per addressed service: where the request stands, whose turn it is, who holds it, by when.
CREATE TABLE referral_task (
    id text PRIMARY KEY,
    -- In which order those of one instant were made: an id says nothing of it.
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    version integer NOT NULL DEFAULT 0,
    request_id text NOT NULL REFERENCES service_request (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    -- A draft is the requester's alone.
    parties text[] NOT NULL GENERATED ALWAYS AS
        (CASE WHEN sent_at IS NULL THEN ARRAY[requester_org] ELSE ARRAY[owner_org, requester_org] END) STORED,
    service_id text NOT NULL CONSTRAINT referral_task_service_known REFERENCES healthcare_service (id),
    lead_role_id text,
    state text NOT NULL CHECK (state IN (
        'to-complete', 'sent', 'opened', 'info-requested', 'info-received', 'insisted', 'to-book', 'waiting-capacity',
        'offered', 'booked', 'not-attended', 'to-rebook', 'seen', 'cancellation-requested', 'letter-sent', 'advised',
        'declined', 'redirected', 'closed', 'cancelled', 'entered-in-error')),
    fhir_status text NOT NULL,
    business text,
    priority text NOT NULL CHECK (priority IN ('stat', 'asap', 'urgent', 'routine')),
    turn text,
    holder text,
    deadline text,
    due_since timestamptz,
    due_at timestamptz,
    due_unit text,
    ladder_at timestamptz,
    clocks text NOT NULL DEFAULT '{}',
    authored_on timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    first_sent_at timestamptz,
    sent_at timestamptz,
    opened_at timestamptz,
    decided_at timestamptz,
    decided_by text,
    seen_at timestamptz,
    ended_at timestamptz,
    reason_list text,
    reason text,
    reason_axis text,
    comment text NOT NULL DEFAULT '',
    rounds integer NOT NULL DEFAULT 0,
    unanswered_round boolean NOT NULL DEFAULT false,
    recommendation text,
    recommendation_due timestamptz,
    advice text NOT NULL DEFAULT '',
    appointment_id text,
    slot_start timestamptz,
    slot_end timestamptz,
    offered_at timestamptz,
    hold_expires_at timestamptz,
    refusals integer NOT NULL DEFAULT 0,
    reschedules integer NOT NULL DEFAULT 0,
    encounter_id text,
    document_id text,
    came_from text REFERENCES referral_task (id),
    came_by text CHECK (came_by IN ('redirect', 'send-elsewhere', 'insist')),
    insists_on text CONSTRAINT referral_task_insist_once UNIQUE REFERENCES referral_task (id),
    duplicate_reason text,
    -- The other installation that holds the same Task, and the side whose people work there.
    peer text REFERENCES peer (client),
    peer_side text CHECK (peer_side IN ('requester', 'performer')),
    CONSTRAINT referral_task_peer CHECK ((peer IS NULL) = (peer_side IS NULL)),
    -- Open means that somebody owes the next act by a date; ended means that nobody does.
    CONSTRAINT referral_task_turn CHECK (
        num_nulls(turn, holder, deadline, due_since, due_at, due_unit) = CASE WHEN state IN ('closed', 'cancelled', 'entered-in-error') THEN 6 ELSE 0 END),
    -- Lack of capacity can never refuse (workflows.md 0.6); a decline always says why.
    CONSTRAINT referral_task_capacity_never_declines CHECK (NOT (state = 'declined' AND reason_axis = 'capacity')),
    CONSTRAINT referral_task_decline_says_why CHECK (state <> 'declined' OR reason IS NOT NULL),
    CONSTRAINT referral_task_reason_whole CHECK (num_nulls(reason_list, reason, reason_axis) IN (0, 3)),
    CONSTRAINT referral_task_reason FOREIGN KEY (reason_list, reason, reason_axis) REFERENCES referral_reason (list, code, axis),
    -- A visit is written when it has taken place, never before.
    CONSTRAINT referral_task_seen_happened CHECK (seen_at <= changed_at),
    CONSTRAINT referral_task_dates CHECK (is_sane(seen_at) AND is_sane(recommendation_due) AND is_sane(due_at) AND is_sane(slot_start) AND is_sane(slot_end)),
    CONSTRAINT referral_task_counts CHECK (rounds BETWEEN 0 AND 100 AND refusals BETWEEN 0 AND 10000 AND reschedules BETWEEN 0 AND 10000)
);
-- Every Task between ours and people who work at a peer is shared with it.
CREATE FUNCTION share_with_peer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT client, side INTO NEW.peer, NEW.peer_side FROM peer_between(NEW.owner_org, NEW.requester_org);
    RETURN NEW;
END
$$;
CREATE TRIGGER referral_task_shared BEFORE INSERT ON referral_task FOR EACH ROW EXECUTE FUNCTION share_with_peer();
CREATE TRIGGER referral_task_in_use BEFORE INSERT ON referral_task FOR EACH ROW EXECUTE FUNCTION refuse_replaced();
CREATE TRIGGER referral_task_told AFTER INSERT OR UPDATE ON referral_task FOR EACH ROW EXECUTE FUNCTION tell_change('Task');
-- One request of a requester for a patient at a time in the hands of a service, unless the requester said why there are two.
CREATE UNIQUE INDEX referral_task_one_open ON referral_task (patient_id, service_id, requester_org)
    WHERE fhir_status IN ('received', 'accepted', 'in-progress') AND duplicate_reason IS NULL;
CREATE INDEX referral_task_request ON referral_task (request_id);
CREATE INDEX referral_task_patient ON referral_task (patient_id);
-- What lists are read by: a side, a state, then the order of its lines.
CREATE INDEX referral_task_performer ON referral_task
    (owner_org, state, array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], priority), due_at, number);
CREATE INDEX referral_task_requester ON referral_task
    (requester_org, state, array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], priority), due_at, number);
CREATE INDEX referral_task_ladder ON referral_task (ladder_at) WHERE ladder_at IS NOT NULL;

-- The Tasks of a request whose caller sees the request: an acceptance ends those of other services, which the caller does not see.
CREATE FUNCTION tasks_of_request(request text) RETURNS SETOF referral_task LANGUAGE sql STABLE SET app.kind = 'system' AS
    $$ SELECT * FROM referral_task WHERE request_id = request $$;

-- Every state that a Task has been in, with its author; never changed. Time by turn is the time between two rows of a Task.
CREATE TABLE referral_status (
    task_id text NOT NULL REFERENCES referral_task (id),
    seq integer NOT NULL,
    at timestamptz NOT NULL,
    verb text NOT NULL,
    state text NOT NULL,
    fhir_status text NOT NULL,
    business text,
    published_rows text NOT NULL DEFAULT '',
    turn text,
    holder text,
    deadline text,
    due_at timestamptz,
    priority text NOT NULL,
    party text NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    on_behalf_of text NOT NULL DEFAULT '',
    reason_list text,
    reason text,
    reason_axis text,
    comment text NOT NULL DEFAULT '',
    CONSTRAINT referral_status_pkey PRIMARY KEY (task_id, seq),
    CONSTRAINT referral_status_capacity_never_declines CHECK (NOT (state = 'declined' AND reason_axis = 'capacity'))
);
CREATE INDEX referral_status_at ON referral_status (at, verb);
CREATE TRIGGER referral_status_append_only BEFORE UPDATE OR DELETE ON referral_status FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What ours did to a shared Task, with what they brought, until the peer has played it too: told in order, once, whatever fails meanwhile.
CREATE TABLE referral_step (
    task_id text NOT NULL REFERENCES referral_task (id),
    seq integer NOT NULL,
    target text NOT NULL,
    verb text NOT NULL,
    given text NOT NULL,
    role_id text,
    at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    told_at timestamptz,
    refused_at timestamptz,
    error text NOT NULL DEFAULT '',
    CONSTRAINT referral_step_pkey PRIMARY KEY (task_id, seq),
    CONSTRAINT referral_step_ends_once CHECK (told_at IS NULL OR refused_at IS NULL)
);
COMMENT ON COLUMN referral_step.given IS 'What was brought with the verb, until the peer has it.';
COMMENT ON COLUMN referral_step.target IS 'The Task that the verb was played on: the Task itself, or one of its children.';
CREATE INDEX referral_step_waiting ON referral_step (at, task_id, seq) WHERE told_at IS NULL AND refused_at IS NULL;

-- Turns that are not the performer's, follow-ups and abort Tasks, as child Tasks that any FHIR client finds.
CREATE TABLE referral_child (
    id text PRIMARY KEY,
    -- In which order those of one instant were made: an id says nothing of it.
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    code text NOT NULL CHECK (code IN
        ('provide-information', 'confirm-appointment', 'decide-next', 'acknowledge-letter', 'follow-up', 'abort', 'no-news')),
    state text NOT NULL CHECK (state IN ('due', 'accepted', 'handed-back', 'completed', 'cancelled')),
    priority text NOT NULL,
    round integer,
    turn text,
    holder text NOT NULL,
    due_at timestamptz NOT NULL,
    authored_on timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    description text NOT NULL DEFAULT '',
    recommendation text,
    outcome text,
    comment text NOT NULL DEFAULT '',
    -- Holder and date stay as the record of who owed what; the turn ends with the Task.
    CONSTRAINT referral_child_turn CHECK ((turn IS NULL) = (state IN ('completed', 'cancelled'))),
    CONSTRAINT referral_child_dates CHECK (is_sane(due_at)),
    -- What is advised is owed that day at the earliest.
    CONSTRAINT referral_child_due CHECK (code <> 'follow-up' OR due_at > authored_on - interval '1 day')
);
CREATE INDEX referral_child_task ON referral_child (task_id);
-- What each side owes, the first due first.
CREATE INDEX referral_child_owed ON referral_child ((CASE WHEN turn = 'requester' THEN requester_org ELSE owner_org END), due_at, number)
    WHERE code = 'follow-up' AND turn IS NOT NULL;
-- At most one open child says whose turn it is.
CREATE UNIQUE INDEX referral_child_one_turn ON referral_child (task_id)
    WHERE state IN ('due', 'accepted', 'handed-back') AND code NOT IN ('follow-up', 'abort', 'no-news');
-- A patient who hears nothing says it once, until somebody acts.
CREATE UNIQUE INDEX referral_child_no_news ON referral_child (task_id) WHERE code = 'no-news' AND turn IS NOT NULL;

-- Who did what to a child Task, and when; never changed.
CREATE TABLE referral_child_status (
    child_id text NOT NULL REFERENCES referral_child (id),
    seq integer NOT NULL,
    at timestamptz NOT NULL,
    verb text NOT NULL,
    state text NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    comment text NOT NULL DEFAULT '',
    CONSTRAINT referral_child_status_pkey PRIMARY KEY (child_id, seq)
);
CREATE TRIGGER referral_child_status_append_only BEFORE UPDATE OR DELETE ON referral_child_status
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The named items of each round of questions, with their answers.
CREATE TABLE referral_question (
    task_id text NOT NULL REFERENCES referral_task (id),
    round integer NOT NULL,
    number integer NOT NULL,
    axis text NOT NULL CHECK (axis IN ('completeness', 'clinical')),
    item text NOT NULL CHECK (item <> ''),
    answer text NOT NULL DEFAULT '',
    cannot boolean NOT NULL DEFAULT false,
    answered_at timestamptz,
    CONSTRAINT referral_question_pkey PRIMARY KEY (task_id, round, number),
    CONSTRAINT referral_question_number CHECK (number BETWEEN 1 AND 50)
);

-- The form of the pathway as answered (QuestionnaireResponse).
CREATE TABLE referral_form (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    request_id text NOT NULL REFERENCES service_request (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    questionnaire text NOT NULL,
    status text NOT NULL CHECK (status IN ('in-progress', 'completed', 'amended', 'entered-in-error')),
    authored timestamptz NOT NULL,
    author_role_id text,
    items text NOT NULL,
    CONSTRAINT referral_form_dates CHECK (is_sane(authored))
);
CREATE INDEX referral_form_request ON referral_form (request_id);

-- The letter that comes back (DocumentReference 11488-4), signed. A disputed letter is superseded, never rewritten.
CREATE TABLE referral_letter (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    status text NOT NULL CHECK (status IN ('current', 'superseded', 'entered-in-error')),
    encounter_id text,
    title text NOT NULL,
    content_type text NOT NULL CHECK (content_type IN ('text/plain', 'application/pdf')),
    content bytea NOT NULL,
    author_role_id text,
    author_display text NOT NULL,
    signed_at timestamptz NOT NULL,
    replaces text REFERENCES referral_letter (id)
);
CREATE INDEX referral_letter_task ON referral_letter (task_id);

-- What came with a request, an answer or a letter: a file whose bytes `document` keeps (DocumentReference). It goes where that text goes.
CREATE TABLE referral_attachment (
    id text PRIMARY KEY REFERENCES document (id),
    version integer NOT NULL DEFAULT 0,
    request_id text NOT NULL REFERENCES service_request (id),
    task_id text REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    part text NOT NULL CHECK (part IN ('request', 'answer', 'letter')),
    round integer,
    letter_id text REFERENCES referral_letter (id),
    status text NOT NULL CHECK (status IN ('current', 'entered-in-error')),
    title text NOT NULL,
    content_type text NOT NULL,
    size integer NOT NULL,
    hash bytea NOT NULL,
    author_role_id text,
    author_display text NOT NULL,
    attached_at timestamptz NOT NULL,
    CONSTRAINT referral_attachment_whose CHECK ((part = 'request') = (task_id IS NULL)),
    CONSTRAINT referral_attachment_letter CHECK ((part = 'letter') = (letter_id IS NOT NULL)),
    CONSTRAINT referral_attachment_round CHECK ((part = 'answer') = (round IS NOT NULL))
);
CREATE INDEX referral_attachment_request ON referral_attachment (request_id);
CREATE INDEX referral_attachment_of_letter ON referral_attachment (letter_id) WHERE letter_id IS NOT NULL;

-- The visit (Encounter), as little as the loop needs.
CREATE TABLE referral_encounter (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    status text NOT NULL DEFAULT 'finished' CHECK (status IN ('finished', 'entered-in-error')),
    class text NOT NULL CHECK (class IN ('AMB', 'VR', 'HH')),
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    appointment_id text,
    role_id text,
    CONSTRAINT referral_encounter_period CHECK (ends > starts AND ends <= starts + interval '1 day' AND is_sane(starts))
);

-- Each step of the breach ladder that a deadline has reached; never changed, never taken back.
CREATE TABLE referral_breach (
    task_id text NOT NULL REFERENCES referral_task (id),
    deadline text NOT NULL,
    due_at timestamptz NOT NULL,
    level integer NOT NULL CHECK (level IN (75, 100, 150, 300)),
    at timestamptz NOT NULL,
    state text NOT NULL,
    turn text NOT NULL,
    holder text NOT NULL,
    CONSTRAINT referral_breach_pkey PRIMARY KEY (task_id, deadline, due_at, level)
);
CREATE INDEX referral_breach_at ON referral_breach (at, level);
CREATE TRIGGER referral_breach_append_only BEFORE UPDATE OR DELETE ON referral_breach FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The ledger of what could not be given in time (Task code capacity-failure): written each time a place lacks, never a refusal.
CREATE TABLE capacity_failure (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0,
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    service_id text NOT NULL,
    priority text NOT NULL,
    step text NOT NULL CHECK (step IN ('first-offer', 'visit', 'redirection', 'cancelled-by-service')),
    reason text NOT NULL,
    wanted_by timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    decision_seq integer NOT NULL,
    resolution text CHECK (resolution IN
        ('slot-added', 'overbooked', 'other-service', 'other-site', 'went-to-ed', 'patient-gave-up', 'withdrawn')),
    resolved_at timestamptz,
    CONSTRAINT capacity_failure_resolved CHECK (num_nulls(resolution, resolved_at) IN (0, 2)),
    CONSTRAINT capacity_failure_dates CHECK (is_sane(wanted_by))
);
CREATE INDEX capacity_failure_task ON capacity_failure (task_id);

-- The part of a wait that belongs to the patient (workflows.md 0.9): P1 unavailable, P2 offer unanswered, P3 offer refused, P4 absence.
-- Periods of one Task may overlap: a delay removes their union. `ends` may lie ahead; the next event of the Task cuts it.
CREATE TABLE patient_interval (
    id text PRIMARY KEY,
    request_id text NOT NULL REFERENCES service_request (id),
    task_id text NOT NULL REFERENCES referral_task (id),
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL,
    requester_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org, requester_org]) STORED,
    kind text NOT NULL CHECK (kind IN ('P1', 'P2', 'P3', 'P4')),
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    verb text NOT NULL,
    contact text NOT NULL DEFAULT '',
    written_at timestamptz NOT NULL,
    written_by text NOT NULL,
    CONSTRAINT patient_interval_period CHECK (ends >= starts AND is_sane(starts) AND is_sane(ends))
);
CREATE INDEX patient_interval_task ON patient_interval (task_id, starts);

-- "Read by X": who has the request on screen; a hint that never blocks.
CREATE TABLE referral_reading (
    task_id text NOT NULL REFERENCES referral_task (id),
    reader_id text NOT NULL,
    display text NOT NULL,
    organization text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT referral_reading_pkey PRIMARY KEY (task_id, reader_id)
);
