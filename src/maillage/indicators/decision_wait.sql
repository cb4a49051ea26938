-- Wait for the decision: from sending to the first accept, decline, advise or redirect, gross, and net of the time when the turn
-- was not the performing service's. A booking under a standing acceptance decides too; what is decided again later moves nothing.
-- Decisions of the window; withdrawn before decision, entered in error and death left out.
WITH decision AS (
    SELECT t.id, t.service_id, t.sent_at, min(s.at) AS decided_at
    FROM referral_task t
    JOIN patient p ON p.id = t.patient_id
    JOIN referral_status s ON s.task_id = t.id
    WHERE t.service_id = ANY ($1::text[]) AND t.decided_at > $2 AND t.state <> 'entered-in-error' AND NOT p.deceased
        AND s.verb IN ('accept', 'decline', 'advise', 'redirect', 'book') AND s.state <> 'sent'  -- 'sent' by a redirection: it came from one
    GROUP BY t.id, t.service_id, t.sent_at
    HAVING min(s.at) > $2 AND min(s.at) <= $3
),
step AS (
    SELECT s.task_id, s.turn, s.at, lead(s.at) OVER (PARTITION BY s.task_id ORDER BY s.seq) AS until
    FROM referral_status s WHERE s.task_id IN (SELECT id FROM decision)
),
wait AS (
    SELECT d.service_id,
        extract(epoch FROM d.decided_at - d.sent_at) / 86400 AS gross,
        coalesce(sum(extract(epoch FROM least(s.until, d.decided_at) - s.at)) FILTER (
            WHERE s.turn NOT IN ('requester', 'PT') AND s.at >= d.sent_at AND s.at < d.decided_at), 0) / 86400 AS net
    FROM decision d JOIN step s ON s.task_id = d.id
    GROUP BY d.id, d.service_id, d.decided_at, d.sent_at
)
SELECT service_id, count(*)::integer AS n,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY gross) AS gross_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY gross) AS gross_p90,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY net) AS net_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY net) AS net_p90,
    1 - sum(net)::float8 / nullif(sum(gross), 0)::float8 AS removed_share
FROM wait GROUP BY service_id ORDER BY service_id
