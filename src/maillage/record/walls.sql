-- Who sees which photographs. An old version is seen only while its resource is.
CALL put_wall('resource_head', seen_as('resource_head', 'resource_head.res_type'), written_as('resource_head', 'resource_head.res_type'),
    unopposed => unopposed('resource_head', 'resource_head.res_type'));
CALL put_wall('resource_version', 'EXISTS (SELECT FROM resource_head h WHERE h.res_type = resource_version.res_type AND h.id = resource_version.id OFFSET 0)',
    written_as('resource_version', 'resource_version.res_type'), 'SELECT, INSERT');
CALL put_wall('ix_string', seen_as('ix_string', 'ix_string.res_type'), written_as('ix_string', 'ix_string.res_type'), 'SELECT, INSERT, UPDATE, DELETE',
    unopposed => unopposed('ix_string', 'ix_string.res_type'));
CALL put_reading_alone('resource_head');
CALL put_reading_alone('resource_version');
CALL put_reading_alone('ix_string');
-- Whoever acts adds to the trail, and reads none of it under the login that serves; nobody changes it. Under `audit_r` a patient reads who looked (an act
-- that showed others too: through `audit_of_patient` alone), an organisation what was done for it.
CALL put_wall('audit_event', 'false', rights => 'INSERT');
GRANT SELECT ON audit_event TO audit_r;
CREATE POLICY told ON audit_event FOR SELECT TO audit_r USING (CASE WHEN organization = ANY ((SELECT app_orgs())::text[]) THEN true
    WHEN (SELECT app_is_system()) THEN true ELSE (SELECT app_kind()) = 'patient' AND patient_id = (SELECT app_actor()) END);
GRANT USAGE ON SEQUENCE audit_event_seq TO app_rw;
-- Parts are reached through their table alone: no grant, and no policy lets a row through.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit_event'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', part);
    END LOOP;
END
$$;
-- But for the scheduler, who looks whether rows lie in the part of no month.
CALL put_wall('audit_event_rest', '(SELECT app_is_system())', rights => 'SELECT', login => 'audit_r');
-- The chain holds hashes and ids of audit rows.
CALL put_wall('audit_chain', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT', login => 'audit_r');
CALL put_grants('{audit_chainer}', 'SELECT, UPDATE', 'audit_r');
CALL put_grants('{sealing_key}', 'SELECT, INSERT');
