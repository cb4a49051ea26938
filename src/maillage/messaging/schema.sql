-- In-app notifications: something awaits you. No name, no reason: the page says the rest to who may see it.
CREATE TABLE notification (
    id text PRIMARY KEY,
    event text NOT NULL,
    focus_type text NOT NULL,
    focus_id text NOT NULL,
    organization_id text NOT NULL,
    role text,
    role_id text,
    patient_id text,
    urgent boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    read_at timestamptz,
    read_by text,
    owner_org text GENERATED ALWAYS AS (organization_id) STORED,
    parties text[] GENERATED ALWAYS AS (ARRAY[organization_id]) STORED
);
CREATE TRIGGER notification_told AFTER INSERT OR UPDATE ON notification FOR EACH ROW EXECUTE FUNCTION tell_change('Communication');
CREATE INDEX notification_inbox ON notification (organization_id, created_at DESC) WHERE read_at IS NULL;
CREATE INDEX notification_focus ON notification (focus_type, focus_id);
