-- What organisations ask of the simulation. Nothing here is about a patient.

-- A scenario of the emergency department that an organisation keeps, as a file that stands alone.
CREATE TABLE scenario (
    id text PRIMARY KEY,
    owner_org text NOT NULL,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    content text NOT NULL CHECK (length(content) <= 50000),
    digest text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);
CREATE INDEX scenario_owner ON scenario (owner_org);

-- One question: the scenarios as they were when it was asked (for a forecast, hourly counts, which hold no passage), how far it is, its answer. The worker plays those that are requested, oldest first.
CREATE TABLE experiment (
    id text PRIMARY KEY,
    owner_org text NOT NULL,
    kind text NOT NULL CONSTRAINT experiment_kind CHECK (kind IN ('figures', 'sensitivity', 'staffing', 'forecast')),
    status text NOT NULL CONSTRAINT experiment_status CHECK (status IN ('requested', 'in-progress', 'completed', 'cancelled', 'failed')),
    scenario_name text NOT NULL,
    scenario text NOT NULL CHECK (length(scenario) <= 50000),
    against_name text,
    against text CHECK (length(against) <= 50000),
    seed bigint NOT NULL CHECK (seed >= 0),
    replications integer CHECK (replications BETWEEN 2 AND 1000),
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    tries integer NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 3),
    done integer NOT NULL DEFAULT 0,
    expected integer NOT NULL DEFAULT 0,
    answer jsonb,
    reason text NOT NULL DEFAULT '',
    report text,
    report_en text,
    paper bytea,
    paper_en bytea,
    begun_at timestamptz,
    beat_at timestamptz,
    first_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT experiment_against CHECK ((against IS NULL) = (against_name IS NULL)),
    CONSTRAINT experiment_answered CHECK (status <> 'completed' OR answer IS NOT NULL),
    CONSTRAINT experiment_ended CHECK ((status IN ('completed', 'cancelled', 'failed')) = (ended_at IS NOT NULL)),
    CONSTRAINT experiment_failed CHECK (status <> 'failed' OR reason <> '')
);
COMMENT ON COLUMN experiment.beat_at IS 'When whoever plays it was last heard of.';
COMMENT ON COLUMN experiment.tries IS 'How often it was begun: what ends whoever plays it is not tried for ever.';
COMMENT ON COLUMN experiment.first_at IS 'When a first answer was there, which later ones replace.';
CREATE INDEX experiment_owner ON experiment (owner_org, asked_at DESC);
CREATE INDEX experiment_live ON experiment (asked_at) WHERE status IN ('requested', 'in-progress');
