-- Counts under the floors stand here too: only the program reads them, and tells each reader what the floors allow.
CALL put_wall('indicator_count', '(SELECT app_is_system())', 'true', 'SELECT, INSERT, UPDATE');
