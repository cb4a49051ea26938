-- Other installations of maillage with which requests are shared.

-- A peer is a client that speaks for the people of its organisations, who work there and not here; what ours do to a shared request is told to it.
CREATE TABLE peer (
    client text PRIMARY KEY REFERENCES api_client (name),
    address text NOT NULL,
    known_as text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    answered_at timestamptz
);
COMMENT ON COLUMN peer.address IS 'Its FHIR base.';
COMMENT ON COLUMN peer.known_as IS 'Our own client_id there.';
COMMENT ON COLUMN peer.due_at IS 'Not before this instant is it asked again: what could not be told waits.';

-- Which peer holds the other side of what lies between two organisations, and which side that is; nothing when both work here, or both there.
CREATE FUNCTION peer_between(owner text, requester text) RETURNS TABLE (client text, side text) LANGUAGE sql STABLE AS $$
    SELECT p.client, CASE WHEN c.organizations @> ARRAY[owner] THEN 'performer' ELSE 'requester' END
    FROM peer p JOIN api_client c ON c.name = p.client
    WHERE NOT c.disabled AND (c.organizations @> ARRAY[owner]) <> (c.organizations @> ARRAY[requester])
    ORDER BY c.organizations @> ARRAY[owner] DESC, p.client LIMIT 1
$$;
