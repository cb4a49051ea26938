-- A notification is seen by the organisation that it awaits; whoever acts may write one for another.
CALL put_wall('notification', written_by_parties(), '(SELECT app_kind()) IS NOT NULL');
