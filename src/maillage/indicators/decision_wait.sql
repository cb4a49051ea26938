-- Wait for the decision: from sending to accept, decline, advise or redirect, counting only the time when the turn was the
-- performing service's. Decisions of the window; entered in error left out.
WITH step AS (
    SELECT s.task_id, s.turn, s.at, lead(s.at) OVER (PARTITION BY s.task_id ORDER BY s.seq) AS until
    FROM referral_status s JOIN referral_task t ON t.id = s.task_id
    WHERE t.service_id = $1 AND t.decided_at > $2 AND t.decided_at <= $3 AND t.state <> 'entered-in-error'
),
wait AS (
    SELECT t.id,
        extract(epoch FROM t.decided_at - t.sent_at) / 86400 AS gross,
        coalesce(sum(extract(epoch FROM least(s.until, t.decided_at) - s.at)) FILTER (
            WHERE s.turn NOT IN ('requester', 'PT') AND s.at >= t.sent_at AND s.at < t.decided_at), 0) / 86400 AS net
    FROM referral_task t JOIN step s ON s.task_id = t.id
    GROUP BY t.id, t.decided_at, t.sent_at
)
SELECT count(*)::integer AS n,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY gross) AS gross_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY gross) AS gross_p90,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY net) AS net_p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY net) AS net_p90,
    1 - sum(net)::float8 / nullif(sum(gross), 0)::float8 AS removed_share
FROM wait
