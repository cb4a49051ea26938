-- Links: who they open the record to and who made them sees them.
CALL put_wall('care_link', written_by_parties(), written_by_parties());
CALL put_grants('{care_link_delay}', 'SELECT');
CALL put_wall('consent', seen_as('consent', '''Consent'''), written_by_parties(), 'SELECT, INSERT', by_parent('consent', 'patient_id', 'patient'));
CALL put_wall('break_glass', written_by_parties(), written_by_parties(), 'SELECT, INSERT');
CALL put_wall('break_glass_review', written_by_parties(), written_by_parties(), 'SELECT, INSERT',
    by_parent('break_glass_review', 'break_glass_id', 'break_glass'));
-- A question is its patient's and the house's that is asked; its answer too.
CALL put_wall('access_question', asked_of_house(), written_by_parties());
CALL put_wall('access_answer', asked_of_house(), written_by_parties(), 'SELECT, INSERT', by_parent('access_answer', 'question_id', 'access_question'));
CALL put_child_wall('break_glass_reminder', 'break_glass_id', 'break_glass', 'SELECT, INSERT');
CALL put_grants('{emergency_limit}', 'SELECT');
CALL put_wall('patient_look', written_by_parties(), rights => 'SELECT, INSERT, DELETE');
CALL put_wall('browsing_alert', 'CASE WHEN organization_id = ANY ((SELECT app_orgs())::text[]) THEN true ELSE (SELECT app_is_system()) END',
    rights => 'SELECT, INSERT');
-- A label closes what it closes to whoever comes, whoever set it.
CALL put_wall('security_label', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
CALL put_wall('security_label_end', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
-- A refusal decides for everybody, also for those who may not know who made it: whoever acts finds it, nobody without saying who acts.
CALL put_wall('opposition', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
CALL put_wall('choice_end', 'app_kind() IS NOT NULL', written_by_parties(), 'SELECT, INSERT');
-- How people are known: no patient in it; read before anybody acts.
CALL put_grants('{account,account_exercise}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{web_session,interrupted_form,calendar_feed,local_password,factor_key,factor_totp,recovery_code,invitation,sign_in_attempt,sign_in_step,spent_proof}',
    'SELECT, INSERT, UPDATE, DELETE');
