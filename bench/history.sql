-- The rows of a history, step by step (see history.py). Each step begins with `---` and what it makes: a table of the
-- benchmark, or rows of one of ours, of which the columns named are given here and the others get something harmless.

--- bench_customer
CREATE UNLOGGED TABLE bench_customer AS
SELECT n, uuidv7('-3 years') AS id, (ARRAY['Camille', 'Salma', 'Anna', 'Luca', 'James', 'Nour', 'Yasmine', 'Marco'])[1 + n %% 8]
  AS first, 'Fam' || n AS last, (ARRAY['ar', 'fr', 'it', 'en'])[1 + n %% 4] AS language, 'c' || n || '@people' || n %% 500 || '.example' AS address
FROM generate_series(1, greatest(10, %(count)s * 4 / 10)) AS n

--- customers_customer (workspace_id, id, root_id, name, language, created_at)
SELECT %(workspace)s::uuid AS workspace_id, id, id AS root_id, first || ' ' || last AS name, language,
  now() - interval '3 years' AS created_at FROM bench_customer

--- customers_identity (workspace_id, id, customer_id, channel, address, display, name, created_at)
SELECT %(workspace)s::uuid AS workspace_id, uuidv7() AS id, id AS customer_id, 'email' AS channel, address, address AS display,
  first || ' ' || last AS name, now() - interval '3 years' AS created_at FROM bench_customer

--- customers_customersummary (workspace_id, id, first_at, last_at, last_channel, received, sent, failed)
SELECT %(workspace)s::uuid AS workspace_id, id, now() - interval '3 years' AS first_at, now() AS last_at, 'email' AS last_channel,
  12 AS received, 12 AS sent, 0 AS failed FROM bench_customer

--- bench_conversation
CREATE UNLOGGED TABLE bench_conversation AS
SELECT d.n, uuidv7(created - clock_timestamp()) AS id, created, messages, c.language, body, c.id AS customer_id, c.first, c.last, c.address,
  i.id AS inbox_id, status, a.id AS agent_id,
  least(now() - interval '1 minute', created + interval '3 hours' * messages) AS last_at,
  CASE WHEN messages %% 2 = 1 THEN 'in' ELSE 'out' END AS last_way
FROM (
  SELECT n, now() - interval '1 year' * %(years)s * (1 - n::float / %(count)s) - interval '1 hour' AS created,
    CASE WHEN n = %(count)s - 5 THEN 200 ELSE 1 + floor(least(59, -ln(1 - random()) * 8.6))::int END AS messages,
    1 + floor(greatest(10, %(count)s * 4 / 10) * random())::int AS customer,
    1 + floor(20 * power(random(), 2.2))::int AS inbox,
    CASE WHEN random() < 0.3 THEN NULL ELSE 1 + floor(50 * random())::int END AS agent,
    CASE WHEN n = %(count)s - 5 THEN 'open' WHEN random() < 0.95 THEN 'resolved' WHEN random() < 0.7 THEN 'open'
      WHEN random() < 0.6 THEN 'pending' ELSE 'snoozed' END AS status,
    n %% 750 AS body
  FROM generate_series(1, %(count)s) AS n
) d JOIN bench_customer c ON c.n = d.customer JOIN bench_inbox i ON i.n = d.inbox LEFT JOIN bench_agent a ON a.n = d.agent
ORDER BY d.n

--- conversations_conversation (workspace_id, id, customer_id, inbox_id, subject, created_at, status, assignee_id, language, last_at, last_in_at, last_way, preview, messages, snoozed_until)
SELECT %(workspace)s::uuid AS workspace_id, c.id, customer_id, inbox_id, b.subject, created AS created_at, status,
  agent_id AS assignee_id, c.language, last_at, last_at - interval '10 minutes' AS last_in_at, last_way,
  left(b.body, 160) AS preview, messages, CASE WHEN status = 'snoozed' THEN now() + interval '3 days' END AS snoozed_until
FROM bench_conversation c JOIN bench_body b ON b.n = array_position(ARRAY['ar', 'fr', 'it', 'en'], c.language) * 750 - 750 + c.body

--- bench_message
CREATE UNLOGGED TABLE bench_message AS
SELECT uuidv7(c.at - clock_timestamp()) AS id, c.* FROM (
  SELECT c.id AS conversation_id, c.customer_id, c.language, c.first, c.last, c.address, c.agent_id, c.inbox_id,
    least(now() - interval '1 minute', c.created + interval '3 hours' * (j - 1)) AS at,
    CASE WHEN j %% 2 = 1 THEN 'in' WHEN j %% 10 = 0 THEN 'note' ELSE 'out' END AS way, c.n * 1000 + j AS number,
    array_position(ARRAY['ar', 'fr', 'it', 'en'], c.language) * 750 - 750
      + (hashint8(c.n * 1000 + j) & 1073741823) %% 750 AS body
  FROM bench_conversation c CROSS JOIN LATERAL generate_series(1, c.messages) AS j
) c

--- conversations_message (workspace_id, id, conversation_id, customer_id, way, channel, author_id, at, subject, text, language, rfc_id, meta)
SELECT %(workspace)s::uuid AS workspace_id, m.id, conversation_id, customer_id, way, 'email' AS channel,
  CASE WHEN way <> 'in' THEN agent_id END AS author_id, at, b.subject, b.body || ' DZ-' || number AS text, m.language,
  m.id || '@bench.example' AS rfc_id, '{}'::jsonb AS meta
FROM bench_message m JOIN bench_body b ON b.n = m.body

--- conversations_searchable (workspace_id, id, at, words)
SELECT %(workspace)s::uuid AS workspace_id, m.id, at, b.words || concat('dz:9000 ', number, ':9001 w/',
  right(replace(%(workspace)s::text, '-', ''), 10), ' m/', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM'), ' y/', way, ' l/', m.language,
  ' c/', lower(first), ' c/', lower(last), ' c/', address, ' c/', split_part(address, '@', 2))::tsvector AS words
FROM bench_message m JOIN bench_body b ON b.n = m.body

--- conversations_tagging (workspace_id, id, tag_id, conversation_id, at)
SELECT %(workspace)s::uuid AS workspace_id, uuidv7() AS id, t.id AS tag_id, c.id AS conversation_id, c.created AS at
FROM bench_conversation c JOIN bench_tag t ON t.n = 1 + c.n %% 90

--- conversations_seen (workspace_id, id, agent_id, conversation_id, at)
SELECT %(workspace)s::uuid AS workspace_id, uuidv7() AS id, %(agent)s::uuid AS agent_id, c.id AS conversation_id, now() AS at
FROM bench_conversation c WHERE c.n %% 2 = 0 AND c.status <> 'resolved' OR c.n %% 20 = 0

--- timeline_touchpoint (workspace_id, id, customer_id, occurred_at, recorded_at, kind, channel, conversation_id, about_id, facts, leaf, epoch, tx)
SELECT %(workspace)s::uuid AS workspace_id, uuidv7(at - clock_timestamp()) AS id, customer_id, at AS occurred_at, at AS recorded_at,
  CASE WHEN way = 'in' THEN 'message.received' ELSE 'message.sent' END AS kind, 'email' AS channel, conversation_id,
  m.id AS about_id, '{"size": 800, "files": 0}'::jsonb AS facts, sha256(m.id::text::bytea) AS leaf,
  (SELECT number FROM timeline_epoch) AS epoch, pg_current_xact_id() AS tx FROM bench_message m
