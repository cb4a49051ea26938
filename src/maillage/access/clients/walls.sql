-- How machines are known: read before anybody acts. A launch names its patient and is found by the handle alone.
CALL put_grants('{api_client}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{api_grant,api_refresh,api_token,api_jti,api_launch}', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_grants('{api_client_address}', 'SELECT, INSERT, UPDATE, DELETE');
