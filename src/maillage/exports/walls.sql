CALL put_wall('bulk_export', written_by_parties(), written_by_parties());
CALL put_child_wall('bulk_export_file', 'export_id', 'bulk_export', 'SELECT, INSERT, DELETE');
CALL put_child_wall('bulk_export_patient', 'export_id', 'bulk_export', 'SELECT, INSERT, DELETE');
