-- Wait for the visit: from the patient's first sending to the first visit, gross, and net of the patient's own intervals
-- (P1-P4, whose union counts once: workflow rule book 0.9). Visits of the window; entered in error and death left out.
WITH visit AS (
    SELECT t.id, t.service_id, t.request_id, tstzrange(t.first_sent_at, t.seen_at) AS whole
    FROM referral_task t JOIN patient p ON p.id = t.patient_id
    WHERE t.service_id = ANY ($1::text[]) AND t.seen_at > $2 AND t.seen_at <= $3 AND t.seen_at > t.first_sent_at
        AND t.state <> 'entered-in-error' AND NOT p.deceased
),
removed AS (
    SELECT v.service_id, v.whole, coalesce(sum(upper(part) - lower(part)), interval '0') AS patient
    FROM visit v
    LEFT JOIN LATERAL (
        SELECT unnest(range_agg(tstzrange(p.starts, p.ends)) * tstzmultirange(v.whole)) AS part
        FROM patient_interval p WHERE p.request_id = v.request_id
    ) own ON true
    GROUP BY v.id, v.service_id, v.whole
),
wait AS (
    SELECT service_id, extract(epoch FROM upper(whole) - lower(whole)) / 86400 AS gross, extract(epoch FROM patient) / 86400 AS patient FROM removed
)
SELECT service_id, count(*)::integer AS n,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY gross) AS gross_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY gross) AS gross_p90,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY gross - patient) AS net_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY gross - patient) AS net_p90,
    sum(patient)::float8 / nullif(sum(gross), 0)::float8 AS removed_share
FROM wait GROUP BY service_id ORDER BY service_id
