-- Messages name no patient in a column, but their payload may: whoever acts adds them, the scheduler alone reads them.
CALL put_wall('outbox', '(SELECT app_is_system())', 'true', 'SELECT, INSERT, UPDATE, DELETE');
-- An answer that was given is for the organisation to which it was given.
CALL put_wall('idempotency', 'CASE WHEN organization = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', 'true',
    'SELECT, INSERT, UPDATE, DELETE');
-- Which migrations the database has had.
CALL put_grants('{schema_migration}', 'SELECT');
