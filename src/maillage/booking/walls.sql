-- Vacations, sessions, slots: no patient in them.
CALL put_grants('{vacation_clause,practice_authorisation,vacation,vacation_exception,vacation_session,session_quota,slot}', 'SELECT, INSERT, UPDATE');
CALL put_grants('{vacation_quota}', 'SELECT, INSERT, UPDATE, DELETE');
CALL put_grants('{vacation_session_status}', 'SELECT, INSERT');
CALL put_party_wall('appointment', 'Appointment', 'patient_id', 'patient');
CALL put_child_wall('appointment_history', 'appointment_id', 'appointment', 'SELECT, INSERT');
-- The way of a freed slot tells no patient; who was asked for it does.
CALL put_grants('{refill}', 'SELECT, INSERT, UPDATE');
CALL put_child_wall('refill_offer', 'appointment_id', 'appointment');
CALL put_wall('booking_breach', 'CASE WHEN appointment_id IS NULL THEN (SELECT app_kind()) IS NOT NULL ELSE '
    || by_parent('booking_breach', 'appointment_id', 'appointment') || ' END', rights => 'SELECT, INSERT');
