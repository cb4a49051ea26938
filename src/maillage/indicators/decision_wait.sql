-- Wait for the decision: from sending to the first accept, decline, advise or redirect, gross, and net of the time when the turn
-- was not the performing service's. A booking under a standing acceptance decides too; what is decided again later moves nothing.
-- Decisions of the window; withdrawn before decision, entered in error and death left out.
WITH step AS (
    SELECT t.id, t.service_id, t.sent_at, s.turn, s.at, lead(s.at) OVER task AS until,
        min(s.at) FILTER (WHERE s.verb IN ('accept', 'decline', 'advise', 'redirect', 'book')
            AND s.state <> 'sent')  -- 'sent' by a redirection: it came from one
            OVER (PARTITION BY t.id) AS decided_at
    FROM referral_task t
    JOIN patient p ON p.id = t.patient_id
    JOIN referral_status s ON s.task_id = t.id
    WHERE t.service_id = ANY ($1::text[]) AND t.decided_at > $2 AND t.state <> 'entered-in-error' AND NOT p.deceased
    WINDOW task AS (PARTITION BY t.id ORDER BY s.seq)
),
wait AS (
    SELECT service_id,
        extract(epoch FROM decided_at - sent_at) / 86400 AS gross,
        coalesce(sum(extract(epoch FROM least(until, decided_at) - at)) FILTER (
            WHERE turn NOT IN ('requester', 'PT') AND at >= sent_at AND at < decided_at), 0) / 86400 AS net
    FROM step WHERE decided_at > $2 AND decided_at <= $3
    GROUP BY id, service_id, decided_at, sent_at
)
SELECT service_id, count(*)::integer AS n,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY gross) AS gross_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY gross) AS gross_p90,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY net) AS net_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY net) AS net_p90,
    1 - sum(net)::float8 / nullif(sum(gross), 0)::float8 AS removed_share
FROM wait GROUP BY service_id ORDER BY service_id
