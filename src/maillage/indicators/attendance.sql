-- Visits that took place and absences (workflow rule book 2): absence = absent / (absent + fulfilled), appointments of the window, by who asked and by service.
SELECT a.requester_org, a.healthcare_service_id AS service_id,
    count(*) FILTER (WHERE a.status = 'noshow')::integer AS absent, count(*)::integer AS awaited
FROM appointment a JOIN patient p ON p.id = a.patient_id
WHERE a.status IN ('fulfilled', 'noshow') AND a.starts_at > $1 AND a.starts_at <= $2 AND NOT p.deceased
GROUP BY a.requester_org, a.healthcare_service_id ORDER BY a.requester_org, a.healthcare_service_id
