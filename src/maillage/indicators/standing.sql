-- How the open requests of each service stand now: all, those not looked at when half of the time is spent (silent), those past the
-- deadline of a decision, those accepted without a place. Unread for thirty days is a matter for the working group.
SELECT t.service_id, count(*)::integer AS open,
    count(*) FILTER (WHERE t.state = 'sent' AND t.due_since + (t.due_at - t.due_since) / 2 <= $1)::integer AS silent,
    count(*) FILTER (WHERE t.fhir_status = 'received' AND t.due_at <= $1)::integer AS late,
    count(*) FILTER (WHERE t.state = 'waiting-capacity')::integer AS without_place,
    count(*) FILTER (WHERE t.state = 'sent' AND t.sent_at <= $1 - interval '30 days')::integer AS dead
FROM referral_task t JOIN patient p ON p.id = t.patient_id
WHERE t.fhir_status IN ('received', 'accepted', 'in-progress') AND NOT p.deceased
GROUP BY t.service_id ORDER BY t.service_id
