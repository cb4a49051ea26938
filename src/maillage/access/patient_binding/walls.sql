-- Nobody reads or writes who a citizen is here but the system itself.
CALL put_wall('patient_binding', '(SELECT app_is_system())', '(SELECT app_is_system())');
