-- Vacations, their dated sessions, slots, appointments, the waiting list.

-- What a convention allows: a specialty, at a site, between two dates. Stands here until `governance` owns clauses.
CREATE TABLE vacation_clause (
    id text PRIMARY KEY,
    location_id text NOT NULL REFERENCES location (id),
    specialty text NOT NULL,
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text NOT NULL REFERENCES organization (id),
    valid_from date NOT NULL,
    valid_to date,
    sessions_due integer CONSTRAINT vacation_clause_due CHECK (sessions_due >= 0),
    contract text NOT NULL DEFAULT '',
    CONSTRAINT vacation_clause_period CHECK (valid_to >= valid_from),
    CONSTRAINT vacation_clause_dates CHECK (is_sane(valid_from) AND is_sane(valid_to)),
    CONSTRAINT vacation_clause_target UNIQUE (id, location_id, specialty)
);
CREATE INDEX vacation_clause_search ON vacation_clause (location_id, specialty, valid_from);

-- The right of a practitioner to practise at a site, on file (for the armed forces health service, a dated authorisation).
CREATE TABLE practice_authorisation (
    id text PRIMARY KEY,
    practitioner_id text NOT NULL REFERENCES practitioner (id),
    location_id text NOT NULL REFERENCES location (id),
    valid_from date NOT NULL,
    valid_to date,
    basis text NOT NULL DEFAULT '',
    CONSTRAINT practice_authorisation_period CHECK (valid_to >= valid_from),
    CONSTRAINT practice_authorisation_dates CHECK (is_sane(valid_from) AND is_sane(valid_to)),
    CONSTRAINT practice_authorisation_target UNIQUE (id, practitioner_id, location_id)
);
CREATE INDEX practice_authorisation_search ON practice_authorisation (practitioner_id, location_id, valid_from);

-- The template: a hospital practitioner's recurring session at a site, in wall-clock time of Paris. `ends` at or before `starts` is the next day.
CREATE TABLE vacation (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    active boolean NOT NULL DEFAULT true,
    practitioner_id text NOT NULL REFERENCES practitioner (id),
    practitioner_role_id text NOT NULL REFERENCES practitioner_role (id),
    healthcare_service_id text NOT NULL REFERENCES healthcare_service (id),
    specialty text NOT NULL,
    location_id text NOT NULL REFERENCES location (id),
    room_id text NOT NULL REFERENCES location (id),
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text NOT NULL REFERENCES organization (id),
    starts time NOT NULL,
    ends time NOT NULL,
    rrule text NOT NULL CONSTRAINT vacation_rrule CHECK (rrule ~ '^FREQ=(WEEKLY|MONTHLY);INTERVAL=[0-9]+;BYDAY='),
    valid_from date NOT NULL,
    valid_to date,
    slot_minutes integer NOT NULL CONSTRAINT vacation_slot_minutes CHECK (slot_minutes BETWEEN 5 AND 480),
    buffer_before integer NOT NULL DEFAULT 0,
    buffer_after integer NOT NULL DEFAULT 0,
    reserved_asap integer NOT NULL DEFAULT 0,
    reserved_urgent integer NOT NULL DEFAULT 0,
    closed_on_holidays boolean NOT NULL DEFAULT true,
    -- To whom the SAS shows its free slots (TRE_R314); to nobody when there is none.
    type_creneau text CONSTRAINT vacation_type_creneau CHECK (type_creneau IN ('PUBLIC', 'PRO', 'SNP')),
    created_at timestamptz NOT NULL,
    CONSTRAINT vacation_period CHECK (valid_to >= valid_from),
    CONSTRAINT vacation_dates CHECK (is_sane(valid_from) AND is_sane(valid_to)),
    CONSTRAINT vacation_buffers CHECK (buffer_before BETWEEN 0 AND 240 AND buffer_after BETWEEN 0 AND 240),
    -- A day holds 288 slots of five minutes.
    CONSTRAINT vacation_reserved CHECK (reserved_asap BETWEEN 0 AND 288 AND reserved_urgent BETWEEN 0 AND 288)
);
CREATE INDEX vacation_owner ON vacation (owner_org, id);

-- One line a day at most; it beats the recurrence and the holidays.
CREATE TABLE vacation_exception (
    vacation_id text NOT NULL REFERENCES vacation (id),
    day date NOT NULL,
    kind text NOT NULL CONSTRAINT vacation_exception_kind CHECK (kind IN ('closed', 'moved', 'extra')),
    to_day date,
    starts time,
    ends time,
    room_id text REFERENCES location (id),
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (vacation_id, day),
    CONSTRAINT vacation_exception_moved CHECK ((kind = 'moved') = (to_day IS NOT NULL)),
    CONSTRAINT vacation_exception_dates CHECK (is_sane(day) AND is_sane(to_day))
);

-- What a requesting organisation is promised in each session: slots kept for it until D-10, and at most how many it may take until then.
CREATE TABLE vacation_quota (
    vacation_id text NOT NULL REFERENCES vacation (id),
    organization_id text NOT NULL REFERENCES organization (id),
    slots integer NOT NULL CONSTRAINT vacation_quota_slots CHECK (slots BETWEEN 0 AND 288),
    at_most integer CONSTRAINT vacation_quota_at_most CHECK (at_most >= slots),
    PRIMARY KEY (vacation_id, organization_id)
);

-- A session is of the hospital that sends the practitioner and of the site that receives: it has no patient, hence no parties.
CREATE FUNCTION tell_session_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('change', 'Schedule ' || NEW.owner_org || ',' || NEW.host_org || ' ' || NEW.id);
    RETURN NULL;
END
$$;

-- A dated session: a copy of its template on the day it was planned, so that a change of template never touches it.
CREATE TABLE vacation_session (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    vacation_id text NOT NULL REFERENCES vacation (id),
    day date NOT NULL,
    origin text NOT NULL CONSTRAINT vacation_session_origin CHECK (origin IN ('rule', 'moved', 'extra')),
    school_holiday boolean NOT NULL,
    status text NOT NULL CONSTRAINT vacation_session_status_known
        CHECK (status IN ('planned', 'open', 'at-risk', 'cancelled', 'running', 'done', 'settled', 'settlement-disputed')),
    turn text,
    due_at timestamptz,
    ladder_at timestamptz,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    occupied_from timestamptz NOT NULL,
    occupied_to timestamptz NOT NULL,
    clause_id text,
    authorisation_id text,
    practitioner_id text NOT NULL REFERENCES practitioner (id),
    practitioner_role_id text NOT NULL REFERENCES practitioner_role (id),
    healthcare_service_id text NOT NULL REFERENCES healthcare_service (id),
    specialty text NOT NULL,
    location_id text NOT NULL REFERENCES location (id),
    room_id text NOT NULL REFERENCES location (id),
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text NOT NULL REFERENCES organization (id),
    slot_minutes integer NOT NULL,
    slot_count integer NOT NULL,
    reserved_asap integer NOT NULL,
    reserved_urgent integer NOT NULL,
    reserved_site integer NOT NULL,
    type_creneau text,
    superseded boolean NOT NULL DEFAULT false,
    room_confirmed_at timestamptz,
    kit_confirmed boolean NOT NULL DEFAULT false,
    help_confirmed boolean NOT NULL DEFAULT false,
    published_at timestamptz,
    at_risk_at timestamptz,
    substituted_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    cancel_comment text,
    cancel_side text,
    short_notice boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    finished_at timestamptz,
    signed_owner_at timestamptz,
    signed_host_at timestamptz,
    settled_minutes integer,
    settled_patients integer,
    settled_cost_cents integer,
    dispute_comment text,
    CONSTRAINT vacation_session_period CHECK (ends_at > starts_at AND occupied_from <= starts_at AND occupied_to >= ends_at),
    CONSTRAINT vacation_session_dates CHECK (is_sane(day) AND is_sane(occupied_from) AND is_sane(occupied_to) AND is_sane(due_at)),
    CONSTRAINT vacation_session_figures CHECK (settled_minutes BETWEEN 0 AND 1440 AND settled_patients BETWEEN 0 AND 288
        AND settled_cost_cents BETWEEN 0 AND 100000000),
    CONSTRAINT vacation_session_quota CHECK (reserved_asap + reserved_urgent + reserved_site <= slot_count),
    CONSTRAINT vacation_session_turn CHECK ((status IN ('cancelled', 'settled')) = (turn IS NULL) AND (turn IS NULL) = (due_at IS NULL)),
    CONSTRAINT vacation_session_room_confirmed CHECK (status IN ('planned', 'cancelled') OR room_confirmed_at IS NOT NULL),
    CONSTRAINT vacation_session_cancelled CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL)),
    CONSTRAINT vacation_session_signed CHECK (status <> 'settled' OR (signed_owner_at IS NOT NULL AND signed_host_at IS NOT NULL)),
    CONSTRAINT vacation_session_agreed CHECK (owner_org = host_org OR (clause_id IS NOT NULL AND authorisation_id IS NOT NULL)),
    CONSTRAINT vacation_session_clause FOREIGN KEY (clause_id, location_id, specialty) REFERENCES vacation_clause (id, location_id, specialty),
    CONSTRAINT vacation_session_authorisation FOREIGN KEY (authorisation_id, practitioner_id, location_id)
        REFERENCES practice_authorisation (id, practitioner_id, location_id),
    CONSTRAINT vacation_session_practitioner_free EXCLUDE USING gist
        (practitioner_id WITH =, tstzrange(occupied_from, occupied_to) WITH &&) WHERE (status <> 'cancelled'),
    CONSTRAINT vacation_session_room_free EXCLUDE USING gist
        (room_id WITH =, tstzrange(occupied_from, occupied_to) WITH &&) WHERE (status <> 'cancelled')
);
CREATE TRIGGER vacation_session_told AFTER INSERT OR UPDATE ON vacation_session FOR EACH ROW EXECUTE FUNCTION tell_session_change();
CREATE UNIQUE INDEX vacation_session_once_a_day ON vacation_session (vacation_id, day) WHERE status <> 'cancelled';
CREATE INDEX vacation_session_site ON vacation_session (location_id, starts_at);
CREATE INDEX vacation_session_owner ON vacation_session (owner_org, starts_at);
CREATE INDEX vacation_session_due ON vacation_session (due_at) WHERE turn IS NOT NULL;
CREATE INDEX vacation_session_ladder ON vacation_session (ladder_at) WHERE turn IS NOT NULL;

-- Another state or another date: the scheduler looks at the turn again, whichever verb wrote it.
CREATE FUNCTION watch_turn_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ladder_at := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER vacation_session_watched BEFORE UPDATE OF status, due_at ON vacation_session FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.due_at IS DISTINCT FROM NEW.due_at) EXECUTE FUNCTION watch_turn_again();

-- Every status that a session had, with author and time; written once.
CREATE TABLE vacation_session_status (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL REFERENCES vacation_session (id),
    verb text NOT NULL,
    status text NOT NULL,
    at timestamptz NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    reason text,
    comment text
);
CREATE INDEX vacation_session_status_session ON vacation_session_status (session_id, seq);

-- The shares of a session, copied from its template; the row that bookings under a cap lock.
CREATE TABLE session_quota (
    session_id text NOT NULL REFERENCES vacation_session (id),
    organization_id text NOT NULL REFERENCES organization (id),
    slots integer NOT NULL,
    at_most integer,
    PRIMARY KEY (session_id, organization_id)
);

-- The slots of a published session. `reserved_for` counts until `release_at`, or until `released_at` is written.
CREATE TABLE slot (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    session_id text NOT NULL REFERENCES vacation_session (id),
    status text NOT NULL CONSTRAINT slot_status CHECK (status IN ('free', 'busy', 'busy-tentative', 'busy-unavailable')),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    owner_org text NOT NULL,
    healthcare_service_id text NOT NULL,
    specialty text NOT NULL,
    location_id text NOT NULL,
    practitioner_role_id text NOT NULL,
    reserved_for text CONSTRAINT slot_reserved_for CHECK (reserved_for IN ('asap', 'urgent', 'site')),
    reserved_org text REFERENCES organization (id),
    release_at timestamptz,
    released_at timestamptz,
    type_creneau text,
    appointment_id text,
    expires_at timestamptz,
    CONSTRAINT slot_period CHECK (ends_at > starts_at),
    CONSTRAINT slot_reservation CHECK ((reserved_for IS NULL) = (release_at IS NULL) AND (reserved_for IS NOT DISTINCT FROM 'site') = (reserved_org IS NOT NULL)),
    CONSTRAINT slot_busy_has_appointment CHECK (status <> 'busy' OR appointment_id IS NOT NULL),
    CONSTRAINT slot_open_has_none CHECK (appointment_id IS NULL OR status IN ('busy', 'busy-tentative')),
    CONSTRAINT slot_expiry CHECK ((expires_at IS NOT NULL) = (status = 'busy-tentative')),
    CONSTRAINT slot_pair UNIQUE (id, appointment_id),
    CONSTRAINT slot_no_overlap EXCLUDE USING gist (session_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
);
CREATE INDEX slot_free_by_service ON slot (healthcare_service_id, starts_at, id) WHERE status = 'free';
CREATE INDEX slot_session ON slot (session_id, starts_at);
CREATE INDEX slot_expiring ON slot (expires_at) WHERE status = 'busy-tentative';
CREATE INDEX slot_to_release ON slot (release_at) WHERE reserved_for IS NOT NULL AND released_at IS NULL;

-- An appointment, a hold (pending with a slot), an offer of the waiting list (pending with an offered slot), or a line of the waiting list.
CREATE TABLE appointment (
    id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    status text NOT NULL CONSTRAINT appointment_status
        CHECK (status IN ('pending', 'waitlist', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled')),
    turn text,
    due_at timestamptz,
    ladder_at timestamptz,
    patient_id text NOT NULL REFERENCES patient (id),
    owner_org text NOT NULL REFERENCES organization (id),
    host_org text REFERENCES organization (id),
    requester_org text NOT NULL REFERENCES organization (id),
    parties text[] NOT NULL GENERATED ALWAYS AS (array_remove(ARRAY[owner_org, host_org, requester_org], NULL)) STORED,
    healthcare_service_id text NOT NULL REFERENCES healthcare_service (id),
    specialty text NOT NULL,
    location_id text REFERENCES location (id),
    practitioner_role_id text REFERENCES practitioner_role (id),
    practitioner_id text REFERENCES practitioner (id),
    slot_id text REFERENCES slot (id),
    offered_slot_id text REFERENCES slot (id),
    starts_at timestamptz,
    ends_at timestamptz,
    priority text NOT NULL CONSTRAINT appointment_priority CHECK (priority IN ('stat', 'asap', 'urgent', 'routine')),
    based_on text,
    task_id text,
    first_visit boolean NOT NULL DEFAULT true,
    -- Under which numbers a partner knows it: Identifiers of FHIR as they came.
    partner_identifiers text,
    created_at timestamptz NOT NULL,
    hold_kind text CONSTRAINT appointment_hold_kind CHECK (hold_kind IN ('screen', 'offer')),
    expires_at timestamptz,
    booked_at timestamptz,
    moved integer NOT NULL DEFAULT 0,
    confirm_asked_at timestamptz,
    to_call_at timestamptz,
    confirmed_at timestamptz,
    arrived_at timestamptz,
    called_in_at timestamptz,
    fulfilled_at timestamptz,
    absence_proposed_at timestamptz,
    absent_at timestamptz,
    absence_reason text,
    cancelled_at timestamptz,
    cancel_side text,
    cancel_reason text,
    cancel_comment text,
    late_cancellation boolean NOT NULL DEFAULT false,
    wait_since timestamptz,
    wait_target timestamptz,
    wait_removed interval NOT NULL DEFAULT '0',
    wait_notice_hours integer NOT NULL DEFAULT 0,
    wait_boost integer NOT NULL DEFAULT 0,
    wait_boost_reason text,
    wait_location_id text REFERENCES location (id),
    wait_role_id text REFERENCES practitioner_role (id),
    -- Waits beside another line of the same person since two files were merged: somebody ends one of them.
    waits_beside boolean NOT NULL DEFAULT false,
    live_id text GENERATED ALWAYS AS (CASE WHEN status IN ('booked', 'arrived', 'checked-in', 'fulfilled', 'noshow')
        OR (status = 'pending' AND slot_id IS NOT NULL) THEN id END) STORED,
    CONSTRAINT appointment_turn CHECK ((status IN ('fulfilled', 'noshow', 'cancelled')) = (turn IS NULL) AND (turn IS NULL) = (due_at IS NULL)),
    CONSTRAINT appointment_has_slot CHECK (CASE status WHEN 'pending' THEN num_nonnulls(slot_id, offered_slot_id) = 1
        WHEN 'waitlist' THEN num_nonnulls(slot_id, offered_slot_id) = 0
        WHEN 'cancelled' THEN offered_slot_id IS NULL ELSE slot_id IS NOT NULL AND offered_slot_id IS NULL END),
    CONSTRAINT appointment_period CHECK ((slot_id IS NULL AND offered_slot_id IS NULL) OR (starts_at IS NOT NULL AND ends_at > starts_at)),
    CONSTRAINT appointment_expiry CHECK ((status = 'pending') = (expires_at IS NOT NULL)),
    CONSTRAINT appointment_cancelled CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL AND cancel_side IS NOT NULL)),
    CONSTRAINT appointment_waits CHECK (status <> 'waitlist' OR wait_since IS NOT NULL),
    CONSTRAINT appointment_dates CHECK (is_sane(starts_at) AND is_sane(ends_at) AND is_sane(wait_since) AND is_sane(wait_target)),
    CONSTRAINT appointment_wait_figures CHECK (wait_boost BETWEEN -100 AND 100 AND wait_notice_hours BETWEEN 0 AND 8784),
    -- Nobody arrives, is called or is seen on a day before that of the appointment.
    CONSTRAINT appointment_happened CHECK (starts_at < least(arrived_at, called_in_at, fulfilled_at) + interval '1 day'),
    CONSTRAINT appointment_pair UNIQUE (id, slot_id)
);
CREATE TRIGGER appointment_in_use BEFORE INSERT ON appointment FOR EACH ROW EXECUTE FUNCTION refuse_replaced();
CREATE TRIGGER appointment_told AFTER INSERT OR UPDATE ON appointment FOR EACH ROW EXECUTE FUNCTION tell_change('Appointment');
CREATE UNIQUE INDEX appointment_one_live_per_slot ON appointment (slot_id) WHERE live_id IS NOT NULL;
CREATE UNIQUE INDEX appointment_waits_once ON appointment (patient_id, healthcare_service_id)
    WHERE (status = 'waitlist' OR (status = 'pending' AND offered_slot_id IS NOT NULL)) AND NOT waits_beside;
CREATE INDEX appointment_patient ON appointment (patient_id, starts_at);
CREATE INDEX appointment_parties ON appointment USING gin (parties);
CREATE INDEX appointment_owner_day ON appointment (owner_org, starts_at);
CREATE INDEX appointment_host_day ON appointment (host_org, starts_at);
CREATE INDEX appointment_waiting ON appointment (healthcare_service_id, wait_since) WHERE status = 'waitlist';
CREATE INDEX appointment_holds ON appointment (expires_at) WHERE status = 'pending';
CREATE INDEX appointment_clock ON appointment (starts_at) WHERE status = 'booked';
CREATE INDEX appointment_task ON appointment (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX appointment_ladder ON appointment (ladder_at) WHERE turn IS NOT NULL AND task_id IS NULL;
CREATE TRIGGER appointment_watched BEFORE UPDATE OF status, due_at ON appointment FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.due_at IS DISTINCT FROM NEW.due_at) EXECUTE FUNCTION watch_turn_again();

-- A live appointment and its slot name each other: neither stands without the other at the end of a transaction.
ALTER TABLE slot ADD CONSTRAINT slot_names_its_appointment FOREIGN KEY (appointment_id, id)
    REFERENCES appointment (id, slot_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE appointment ADD CONSTRAINT appointment_names_its_slot FOREIGN KEY (slot_id, live_id)
    REFERENCES slot (id, appointment_id) DEFERRABLE INITIALLY DEFERRED;

-- Every status that an appointment had, with author, time and slot; written once.
CREATE TABLE appointment_history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    appointment_id text NOT NULL REFERENCES appointment (id),
    verb text NOT NULL,
    status text NOT NULL,
    at timestamptz NOT NULL,
    actor_id text NOT NULL,
    role_id text,
    organization text NOT NULL,
    slot_id text,
    starts_at timestamptz,
    reason text,
    side text
);
CREATE INDEX appointment_history_appointment ON appointment_history (appointment_id, seq);

-- A slot that was freed or released and is offered to the waiting list; a slot that nobody could take is logged too.
CREATE TABLE refill (
    id text PRIMARY KEY,
    slot_id text NOT NULL REFERENCES slot (id),
    cause text NOT NULL CONSTRAINT refill_cause CHECK (cause IN ('cancel', 'move', 'expire', 'release', 'publish')),
    late boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    waves integer NOT NULL DEFAULT 0,
    state text NOT NULL CONSTRAINT refill_state CHECK (state IN ('open', 'filled', 'unfilled', 'withdrawn')),
    closed_at timestamptz,
    filled_by text REFERENCES appointment (id),
    CONSTRAINT refill_closed CHECK ((state = 'open') = (closed_at IS NULL) AND (state = 'filled') = (filled_by IS NOT NULL))
);
CREATE UNIQUE INDEX refill_one_open_per_slot ON refill (slot_id) WHERE state = 'open';
CREATE INDEX refill_opened ON refill (opened_at);

-- Who was asked for a freed slot, in which wave, and what became of it.
CREATE TABLE refill_offer (
    refill_id text NOT NULL REFERENCES refill (id),
    appointment_id text NOT NULL REFERENCES appointment (id),
    wave integer NOT NULL,
    offered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    answer text NOT NULL DEFAULT 'waiting' CONSTRAINT refill_offer_answer CHECK (answer IN ('waiting', 'accepted', 'refused', 'expired', 'lost')),
    answered_at timestamptz,
    PRIMARY KEY (refill_id, appointment_id),
    CONSTRAINT refill_offer_answered CHECK ((answer = 'waiting') = (answered_at IS NULL))
);
CREATE UNIQUE INDEX refill_offer_one_waiting ON refill_offer (appointment_id) WHERE answer = 'waiting';

CREATE TRIGGER vacation_session_status_append_only BEFORE UPDATE OR DELETE ON vacation_session_status
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER vacation_session_status_no_truncate BEFORE TRUNCATE ON vacation_session_status EXECUTE FUNCTION refuse_change();
CREATE TRIGGER appointment_history_append_only BEFORE UPDATE OR DELETE ON appointment_history FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER appointment_history_no_truncate BEFORE TRUNCATE ON appointment_history EXECUTE FUNCTION refuse_change();

-- Each step of the breach ladder that the turn of a session or of an appointment has reached; never changed, never taken back.
-- An appointment that serves a request has none: its turn is the request's, which climbs there.
CREATE TABLE booking_breach (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text REFERENCES vacation_session (id),
    appointment_id text REFERENCES appointment (id),
    deadline text NOT NULL,
    due_at timestamptz NOT NULL,
    level integer NOT NULL CHECK (level IN (75, 100, 150, 300)),
    at timestamptz NOT NULL,
    status text NOT NULL,
    turn text NOT NULL,
    CONSTRAINT booking_breach_of_one CHECK (num_nonnulls(session_id, appointment_id) = 1),
    CONSTRAINT booking_breach_once UNIQUE NULLS NOT DISTINCT (session_id, appointment_id, deadline, due_at, level)
);
CREATE INDEX booking_breach_at ON booking_breach (at, level);
CREATE TRIGGER booking_breach_append_only BEFORE UPDATE OR DELETE ON booking_breach FOR EACH ROW EXECUTE FUNCTION refuse_change();
