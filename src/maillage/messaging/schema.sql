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

-- How a person wants to be told beside the pages, at one place of work. `digest_at` NULL: as things come. Quiet hours may pass midnight.
CREATE TABLE notification_setting (
    role_id text PRIMARY KEY,
    organization_id text NOT NULL,
    roles text[] NOT NULL,
    channel text NOT NULL CHECK (channel IN ('none', 'email', 'sms')),
    email text NOT NULL DEFAULT '',
    phone text NOT NULL DEFAULT '',
    digest_at time,
    quiet_from time,
    quiet_to time,
    changed_at timestamptz NOT NULL,
    CONSTRAINT notification_setting_address CHECK ((channel <> 'email' OR email <> '') AND (channel <> 'sms' OR phone <> '')),
    CONSTRAINT notification_setting_quiet CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
);
CREATE INDEX notification_setting_organization ON notification_setting (organization_id);

-- What is to be told to whom beside the pages, by when; several leave in one message (`sent_in`). One notification reaches a person once by a channel.
CREATE TABLE notice (
    notification_id text NOT NULL REFERENCES notification (id),
    role_id text NOT NULL REFERENCES notification_setting (role_id),
    channel text NOT NULL CHECK (channel IN ('email', 'sms')),
    urgent boolean NOT NULL,
    due_at timestamptz NOT NULL,
    sent_in text,
    sent_at timestamptz,
    PRIMARY KEY (notification_id, role_id, channel),
    CONSTRAINT notice_sent CHECK ((sent_in IS NULL) = (sent_at IS NULL))
);
CREATE INDEX notice_due ON notice (due_at) WHERE sent_in IS NULL;
CREATE INDEX notice_message ON notice (sent_in) WHERE sent_in IS NOT NULL;

-- How a patient wants to be told; nothing said is by SMS, else by e-mail.
CREATE TABLE patient_channel (
    patient_id text PRIMARY KEY REFERENCES patient (id),
    channel text NOT NULL CHECK (channel IN ('sms', 'email', 'call')),
    chosen_at timestamptz NOT NULL,
    owner_org text NOT NULL DEFAULT '',
    parties text[] NOT NULL DEFAULT '{}'
);

-- A message of a partner's software, kept whole as it came, with what became of it: played by a verb, or kept with the reason. Never changed; the same
-- message again gets the same answer.
CREATE TABLE partner_message (
    id text PRIMARY KEY,
    sender text NOT NULL,
    message_id text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    event text NOT NULL,
    received_at timestamptz NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('done', 'kept')),
    outcomes text NOT NULL,
    content text NOT NULL,
    patient_id text,
    owner_org text NOT NULL,
    parties text[] NOT NULL GENERATED ALWAYS AS (ARRAY[owner_org]) STORED,
    CONSTRAINT partner_message_once UNIQUE (owner_org, sender, message_id)
);
CREATE INDEX partner_message_last ON partner_message (sender, received_at DESC);
CREATE TRIGGER partner_message_append_only BEFORE UPDATE OR DELETE ON partner_message FOR EACH ROW EXECUTE FUNCTION refuse_change();
