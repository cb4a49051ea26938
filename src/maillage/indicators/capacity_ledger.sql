-- The ledger of capacity failures (workflow rule book 0.10): lines opened in the window, by service, step and reason; how many are
-- resolved and how; how many still wait after the date that was wanted.
SELECT f.service_id, f.step, f.reason, count(*)::integer AS opened,
    count(*) FILTER (WHERE f.resolution IS NULL)::integer AS waiting,
    count(*) FILTER (WHERE f.resolution IS NULL AND f.wanted_by <= $2)::integer AS past,
    count(*) FILTER (WHERE f.resolution IN ('slot-added', 'overbooked'))::integer AS placed,
    count(*) FILTER (WHERE f.resolution IN ('other-service', 'other-site'))::integer AS elsewhere,
    count(*) FILTER (WHERE f.resolution IN ('went-to-ed', 'patient-gave-up', 'withdrawn'))::integer AS lost
FROM capacity_failure f JOIN patient p ON p.id = f.patient_id
WHERE f.opened_at > $1 AND f.opened_at <= $2 AND NOT p.deceased
GROUP BY f.service_id, f.step, f.reason ORDER BY f.service_id, f.step, f.reason
