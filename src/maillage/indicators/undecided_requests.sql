-- The requests still waiting for a decision, beside those that had one: how many, and how old since they were sent to this service.
SELECT t.service_id, count(*)::integer AS n,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM $2 - t.sent_at) / 86400) AS age_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM $2 - t.sent_at) / 86400) AS age_p90
FROM referral_task t JOIN patient p ON p.id = t.patient_id
WHERE t.service_id = ANY ($1::text[]) AND t.fhir_status = 'received' AND t.sent_at <= $2 AND NOT p.deceased
GROUP BY t.service_id ORDER BY t.service_id
