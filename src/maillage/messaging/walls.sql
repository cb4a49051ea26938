-- A notification is seen by the organisation that it awaits; whoever acts may write one for another.
CALL put_wall('notification', written_by_parties(), '(SELECT app_kind()) IS NOT NULL');
-- How colleagues are told: no patient in it.
CALL put_grants('{notification_setting}', 'SELECT, INSERT, UPDATE');
-- What leaves the house is the system's to carry.
CALL put_wall('notice', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_wall('patient_channel', '(SELECT app_is_system())', '(SELECT app_is_system())');
-- What a partner sent is its receiver's to see.
CALL put_wall('partner_message', written_by_parties(), written_by_parties(), 'SELECT, INSERT');
