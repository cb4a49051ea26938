-- An organisation sees and writes its own scenarios and experiments; the worker plays those of all.
CALL put_wall('scenario', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'owner_org = ANY ((SELECT app_orgs())::text[])', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_wall('experiment', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', 'SELECT, INSERT, UPDATE, DELETE');
