-- Places, people, services: no patient in them, everybody reads them.
CALL put_grants('{commune,commune_contour,commune_population,organization,cpts_commune,basin_commune,basin_cpts,practitioner,practitioner_role,location,questionnaire,
plan_definition,service_deadline,healthcare_service}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{directory_identifier}', 'SELECT, INSERT, UPDATE, DELETE');
-- Identities, by care links.
CALL put_wall('patient', seen_as('patient', '''Patient'''), written_as('patient', '''Patient'''), unopposed => unopposed('patient', '''Patient'''));
CALL put_wall('patient_identifier', seen_as('patient_identifier', '''Patient''', 'patient_id'), written_as('patient_identifier', '''Patient''', 'patient_id'),
    'SELECT, INSERT, UPDATE, DELETE', unopposed => unopposed('patient_identifier', '''Patient''', 'patient_id'));
-- Merges are the affair of who keeps the files; their ledger goes with them.
CALL put_wall('patient_merge', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END');
CALL put_child_wall('patient_move', 'merge_id', 'patient_merge', 'SELECT, INSERT');
CALL put_wall('patient_apart', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', 'SELECT, INSERT',
    by_parent('patient_apart', 'patient_id', 'patient'));
CALL put_wall('patient_alike', 'CASE WHEN owner_org = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END', '(SELECT app_is_system())',
    'SELECT, INSERT, UPDATE');
CALL put_reading_alone('patient');
CALL put_reading_alone('patient_identifier');
