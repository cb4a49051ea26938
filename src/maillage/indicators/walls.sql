-- Counts under the floors stand here too: only the program reads them, and tells each reader what the floors allow.
CALL put_wall('indicator_count', '(SELECT app_is_system())', 'true', 'SELECT, INSERT, UPDATE');
-- Figures are counted under a login of their own: these columns alone, whoever's patients they are; no name, no birth date, no identifier, no text.
CALL put_counted('referral_task', 'id, request_id, service_id, patient_id, requester_org, state, fhir_status, came_by, rounds, sent_at, first_sent_at, seen_at,
    decided_at, due_at, due_since');
CALL put_counted('referral_status', 'task_id, seq, at, state, fhir_status, verb, turn, reason_axis');
CALL put_counted('referral_breach', 'task_id, level, deadline');
CALL put_counted('appointment', 'patient_id, requester_org, healthcare_service_id, status, starts_at');
CALL put_counted('capacity_failure', 'patient_id, service_id, step, reason, resolution, wanted_by, opened_at');
CALL put_counted('patient_interval', 'request_id, starts, ends');
CALL put_counted('patient', 'id, deceased');
