-- Which installation speaks for which organisation: no patient is named.
CALL put_grants('{peer}', 'SELECT, INSERT, UPDATE, DELETE');
