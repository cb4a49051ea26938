CALL put_party_wall('document', 'DocumentReference', 'patient_id', 'patient');
