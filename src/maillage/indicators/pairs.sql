-- What became of the requests that each structure sent to each service in the window, and what both sides owed each other
-- (workflow rule book 0.10, fairness board). A request that insists is counted apart; entered in error and death left out.
-- In time: no breach of that deadline was written. Capacity failure: it waited for a place at least once after it was accepted.
WITH asked AS (
    SELECT t.id, t.requester_org, t.service_id, t.state, t.rounds, t.decided_at, t.seen_at, coalesce(t.came_by = 'insist', false) AS insists
    FROM referral_task t JOIN patient p ON p.id = t.patient_id
    WHERE t.sent_at > $1 AND t.sent_at <= $2 AND t.state <> 'entered-in-error' AND NOT p.deceased
),
history AS (
    SELECT s.task_id,
        bool_or(s.fhir_status IN ('accepted', 'in-progress')) AS accepted,
        bool_or(s.state = 'waiting-capacity') AS waited,
        bool_or(s.verb = 'send-outcome') AS letter,
        bool_or(s.verb = 'acknowledge') AS acknowledged,
        bool_or(s.state = 'declined' AND s.reason_axis = 'clinical') AS clinical,
        bool_or(s.state = 'declined' AND s.reason_axis = 'completeness') AS completeness,
        bool_or(s.state = 'declined' AND s.reason_axis IN ('patient', 'error')) AS other,
        bool_or(s.state IN ('declined', 'advised', 'redirected')) AS returned
    FROM referral_status s WHERE s.task_id IN (SELECT id FROM asked) GROUP BY s.task_id
),
late AS (
    SELECT b.task_id, bool_or(b.deadline = 'decided') AS decided, bool_or(b.deadline = 'letter') AS letter,
        bool_or(b.deadline = 'acknowledged') AS acknowledged
    FROM referral_breach b WHERE b.level = 100 AND b.task_id IN (SELECT id FROM asked) GROUP BY b.task_id
)
SELECT a.requester_org, a.service_id,
    count(*) FILTER (WHERE NOT insists)::integer AS sent,
    count(*) FILTER (WHERE NOT insists AND a.decided_at IS NOT NULL)::integer AS decided,
    count(*) FILTER (WHERE NOT insists AND a.decided_at IS NOT NULL AND l.decided IS NOT TRUE)::integer AS decided_in_time,
    count(*) FILTER (WHERE NOT insists AND l.decided)::integer AS late_decisions,
    count(*) FILTER (WHERE NOT insists AND h.clinical)::integer AS declined_clinical,
    count(*) FILTER (WHERE NOT insists AND h.completeness)::integer AS declined_completeness,
    count(*) FILTER (WHERE NOT insists AND h.other)::integer AS declined_other,
    count(*) FILTER (WHERE NOT insists AND h.returned AND a.seen_at IS NULL)::integer AS returned,
    count(*) FILTER (WHERE NOT insists AND a.decided_at IS NOT NULL AND a.rounds = 0)::integer AS complete,
    coalesce(sum(a.rounds) FILTER (WHERE NOT insists), 0)::integer AS rounds,
    count(*) FILTER (WHERE NOT insists AND h.accepted)::integer AS accepted,
    count(*) FILTER (WHERE NOT insists AND h.accepted AND h.waited)::integer AS capacity_failures,
    count(*) FILTER (WHERE NOT insists AND a.seen_at IS NOT NULL)::integer AS seen,
    count(*) FILTER (WHERE NOT insists AND h.letter)::integer AS letters,
    count(*) FILTER (WHERE NOT insists AND h.letter AND l.letter IS NOT TRUE)::integer AS letters_in_time,
    count(*) FILTER (WHERE NOT insists AND h.acknowledged)::integer AS acknowledged,
    count(*) FILTER (WHERE NOT insists AND h.acknowledged AND l.acknowledged IS NOT TRUE)::integer AS acknowledged_in_time,
    count(*) FILTER (WHERE insists)::integer AS insists,
    count(*) FILTER (WHERE insists AND h.accepted)::integer AS overturned
FROM asked a LEFT JOIN history h ON h.task_id = a.id LEFT JOIN late l ON l.task_id = a.id
GROUP BY a.requester_org, a.service_id ORDER BY a.requester_org, a.service_id
