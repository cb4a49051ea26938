CALL put_grants('{referral_reason}', 'SELECT');
CALL put_party_wall('service_request', 'ServiceRequest', 'patient_id', 'patient');
CALL put_party_wall('referral_task', 'Task', 'request_id', 'service_request');
CALL put_party_wall('referral_child', 'Task', 'task_id', 'referral_task');
CALL put_party_wall('referral_form', 'QuestionnaireResponse', 'request_id', 'service_request');
CALL put_party_wall('referral_letter', 'DocumentReference', 'task_id', 'referral_task');
CALL put_party_wall('referral_attachment', 'DocumentReference', 'request_id', 'service_request');
CALL put_party_wall('referral_encounter', 'Encounter', 'task_id', 'referral_task');
CALL put_party_wall('capacity_failure', 'Task', 'task_id', 'referral_task');
CALL put_party_wall('patient_interval', 'Task', 'task_id', 'referral_task');
-- What is written about a Task goes where the Task goes.
CALL put_child_wall('referral_status', 'task_id', 'referral_task', 'SELECT, INSERT');
CALL put_child_wall('referral_child_status', 'child_id', 'referral_child', 'SELECT, INSERT');
CALL put_child_wall('referral_question', 'task_id', 'referral_task');
CALL put_child_wall('referral_step', 'task_id', 'referral_task', 'SELECT, INSERT, UPDATE');
CALL put_child_wall('referral_breach', 'task_id', 'referral_task', 'SELECT, INSERT');
CALL put_child_wall('referral_reading', 'task_id', 'referral_task');
