-- Nobody reads or writes what opens a patient's page but the system itself.
CALL put_wall('patient_code', '(SELECT app_is_system())', '(SELECT app_is_system())');
CALL put_wall('patient_link', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_wall('patient_visit', '(SELECT app_is_system())', '(SELECT app_is_system())', 'SELECT, INSERT, UPDATE, DELETE');
