-- Subscriptions of machine clients, and what each of them is to be told.

-- A subscription: whom it belongs to, what it wants, how it stands. `criteria`: its filters. `events`: how many events it has had, each with its number.
-- `due_at`: when a handshake or a heartbeat is due. `fence` counts the turns of workers: one that lost its turn can no longer say how it ended.
CREATE TABLE subscription (
    id text PRIMARY KEY,
    client text NOT NULL REFERENCES api_client (name),
    topic text NOT NULL,
    focus_type text NOT NULL,
    criteria text[] NOT NULL DEFAULT '{}',
    endpoint text NOT NULL,
    destination text NOT NULL,
    content text NOT NULL CHECK (content IN ('id-only', 'empty')),
    media text NOT NULL,
    timeout integer NOT NULL CHECK (timeout > 0),
    heartbeat integer CHECK (heartbeat > 0),
    starts timestamptz CHECK (is_sane(starts)),
    ends timestamptz CHECK (is_sane(ends)),
    scopes text[] NOT NULL,
    resource text NOT NULL,
    status text NOT NULL CHECK (status IN ('requested', 'active', 'error', 'off')),
    error text NOT NULL DEFAULT '',
    events bigint NOT NULL DEFAULT 0 CHECK (events >= 0),
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    answered_at timestamptz,
    failed_at timestamptz,
    leased_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    owner_org text NOT NULL,
    parties text[] NOT NULL
);
CREATE INDEX subscription_focus ON subscription (focus_type) WHERE status <> 'off';
CREATE INDEX subscription_client ON subscription (client);

-- One row for each subscription and event: written once however often the event comes, and ended once: sent, dead after too many tries until somebody
-- decides, or withheld because its subscriber may no longer know of it. `id` is what the receiver knows a repetition by.
CREATE TABLE subscription_delivery (
    id text PRIMARY KEY,
    subscription_id text NOT NULL REFERENCES subscription (id),
    number bigint NOT NULL CHECK (number > 0),
    res_type text NOT NULL,
    res_id text NOT NULL,
    version integer NOT NULL,
    act text NOT NULL CHECK (act IN ('create', 'update', 'delete')),
    at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    tried_at timestamptz,
    sent_at timestamptz,
    dead_at timestamptz,
    withheld_at timestamptz,
    patient_id text,
    owner_org text NOT NULL,
    parties text[] NOT NULL,
    CONSTRAINT subscription_delivery_number UNIQUE (subscription_id, number),
    CONSTRAINT subscription_delivery_once UNIQUE (subscription_id, res_type, res_id, version),
    CONSTRAINT subscription_delivery_one_end CHECK (num_nonnulls(sent_at, dead_at, withheld_at) <= 1)
);
CREATE INDEX subscription_delivery_waiting ON subscription_delivery (subscription_id, number)
    WHERE sent_at IS NULL AND dead_at IS NULL AND withheld_at IS NULL;
CREATE INDEX subscription_delivery_dead ON subscription_delivery (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX subscription_delivery_done ON subscription_delivery (coalesce(sent_at, withheld_at));

-- Every version of what partners follow becomes a message of the transaction that wrote it: a trigger, so that no code forgets it and nothing is lost
-- between the act and the telling. Nobody follows: nothing is written. It reads subscriptions as the system, and shows nothing of them.
CREATE FUNCTION tell_subscribers() RETURNS trigger LANGUAGE plpgsql SET app.kind = 'system' AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM subscription s WHERE s.focus_type = NEW.res_type AND s.status <> 'off') THEN
        INSERT INTO outbox (id, topic, key, payload, request_id, created_at, due_at)
        VALUES (gen_random_uuid()::text, 'subscription-event', 'event:' || NEW.res_type || '/' || NEW.id,
            json_build_object('type', NEW.res_type, 'id', NEW.id, 'version', NEW.version)::text,
            coalesce(current_setting('app.request', true), ''), app_now(), app_now());
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER resource_version_told AFTER INSERT ON resource_version FOR EACH ROW
    WHEN (NEW.res_type IN ('Appointment', 'CommunicationRequest', 'ServiceRequest', 'Task')) EXECUTE FUNCTION tell_subscribers();
