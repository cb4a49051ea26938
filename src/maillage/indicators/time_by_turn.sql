-- Where the time of one request went: elapsed seconds by side of the turn, from sending to its end or to now; they sum to the whole.
WITH step AS (
    SELECT s.turn, s.at, t.sent_at, coalesce(lead(s.at) OVER (ORDER BY s.seq), t.ended_at, $2) AS until
    FROM referral_status s JOIN referral_task t ON t.id = s.task_id
    WHERE s.task_id = $1
)
SELECT CASE WHEN turn = 'requester' THEN 'requester' WHEN turn = 'PT' THEN 'patient' ELSE 'performer' END AS side,
    sum(extract(epoch FROM until - at))::float8 AS seconds
FROM step WHERE turn IS NOT NULL AND at >= sent_at
GROUP BY 1 ORDER BY 1
