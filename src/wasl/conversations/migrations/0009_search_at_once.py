"""Words that are rare, or never meet, are asked for in all of history at once; months beside the question, not in it."""

from typing import ClassVar

from django.db import migrations

# What makes a conversation a result: the actor may see it, it is as was asked for, and it was not found already by a
# newer message. As a LATERAL with a limit it is asked one candidate at a time, newest first, until there are enough.
_RESULT = """
CROSS JOIN LATERAL (
  SELECT c.id FROM conversations_message m
  JOIN conversations_conversation c ON c.workspace_id = m.workspace_id AND c.id = m.conversation_id
  WHERE m.workspace_id = in_workspace AND m.id = u.id
    AND c.inbox_id = ANY (in_inboxes) AND c.merged_into_id IS NULL
    AND (in_statuses IS NULL OR c.status = ANY (in_statuses))
    AND (in_assignee IS NULL OR c.assignee_id = in_assignee)
    AND (NOT in_nobody OR c.assignee_id IS NULL)
    AND (in_tags IS NULL OR cardinality(in_tags) = (
      SELECT count(*) FROM conversations_tagging g
      WHERE g.workspace_id = in_workspace AND g.conversation_id = c.id AND g.tag_id = ANY (in_tags)))
    AND (in_unread_by IS NULL OR c.last_way = 'in' AND c.last_in_at IS NOT NULL AND NOT EXISTS (
      SELECT FROM conversations_seen e WHERE e.workspace_id = in_workspace AND e.agent_id = in_unread_by
        AND e.conversation_id = c.id AND e.at >= c.last_in_at))
    AND NOT EXISTS (
      SELECT FROM conversations_message n
      JOIN conversations_searchable o ON o.workspace_id = n.workspace_id AND o.id = n.id
      WHERE n.workspace_id = in_workspace AND n.conversation_id = c.id AND (n.at, n.id) > (m.at, m.id)
        AND n.at < in_until AND o.words @@ asked)
  LIMIT 1
) c
ORDER BY u.at DESC, u.id DESC LIMIT in_most - given
"""

# Row-level security may not look into an index by `@@`, which is not leakproof: as the application's role a search
# reads every message. This function runs as the owner, takes workspace and inboxes explicitly, refuses any workspace
# but the transaction's, and gives ids.
#
# However often words occur, alone or together, the work is bounded. Frequent ones are among the newest 2,000 messages
# often enough. If none is in a sample of all the rest either, 100 messages at each of 16 moments, there can only be
# few: the index is asked for them at once (two words in a tenth of two million messages each that never meet: 20 ms,
# against as much for every month). Otherwise it is asked by months, newest first: one, then two, four, as long as
# that is quick. When a fifth of a second has gone, the last row, without ids, says how far that came.
#
# The months are a condition of their own, not part of the question: the index then looks at them only where the words
# meet (a year: 23 ms, against 170). So is the workspace, where it is alone or nearly so (twice as fast); one among
# many begins with its own messages, for others' words may be many more.
SEARCH = f"""
CREATE OR REPLACE FUNCTION wasl_search(
  in_workspace uuid, in_inboxes uuid[], in_words tsquery, in_statuses text[], in_assignee uuid, in_nobody boolean,
  in_tags uuid[], in_unread_by uuid, in_since timestamptz, in_until timestamptz,
  in_before timestamptz, in_before_id uuid, in_most integer)
RETURNS TABLE (conversation_id uuid, message_id uuid, at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_custom_plan
SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
  asked tsquery := in_words && quote_literal('w/' || right(replace(in_workspace::text, '-', ''), 10))::tsquery;
  given integer := 0;
  more integer;
  walked integer;
  edge timestamptz := in_before;
  edge_id uuid := in_before_id;
  ids uuid[];
  ats timestamptz[];
  oldest timestamptz;
  month timestamptz;
  months integer := 1;
  within tsquery;
  together tsquery := replace(asked::text, '<->', '&')::tsquery;
  few boolean;
  alone boolean;
  mark tsquery := quote_literal('w/' || right(replace(in_workspace::text, '-', ''), 10))::tsquery;
  began timestamptz := clock_timestamp();
  step timestamptz;
BEGIN
  IF in_workspace IS DISTINCT FROM current_setting('wasl.workspace')::uuid THEN
    RAISE insufficient_privilege;
  END IF;

  WITH newest AS MATERIALIZED (
    SELECT s.id, s.at, s.words FROM conversations_searchable s
    WHERE s.workspace_id = in_workspace AND (s.at, s.id) < (in_before, in_before_id) AND s.at >= in_since
    ORDER BY s.at DESC, s.id DESC LIMIT 2000
  ), hits AS MATERIALIZED (SELECT n.id, n.at FROM newest n WHERE n.words @@ asked)
  SELECT (SELECT count(*) FROM newest), (SELECT array_agg(h.id) FROM hits h), (SELECT array_agg(h.at) FROM hits h),
         l.at, l.id
  INTO walked, ids, ats, edge, edge_id
  FROM (SELECT n.at, n.id FROM newest n ORDER BY n.at, n.id LIMIT 1) l;
  RETURN QUERY SELECT c.id, u.id, u.at FROM (
    SELECT * FROM unnest(ids, ats) AS h (id, at) ORDER BY h.at DESC, h.id DESC) u {_RESULT};
  GET DIAGNOSTICS more = ROW_COUNT;
  given := given + more;
  IF given >= in_most OR walked IS NULL OR walked < 2000 THEN
    RETURN;
  END IF;

  oldest := (SELECT s.at FROM conversations_searchable s
             WHERE s.workspace_id = in_workspace AND s.at >= in_since ORDER BY s.at, s.id LIMIT 1);
  month := date_trunc('month', edge, 'UTC');
  few := coalesce(cardinality(ids), 0) < 5 AND NOT EXISTS (
    SELECT FROM generate_series(1, 16) n CROSS JOIN LATERAL (
      SELECT s.words FROM conversations_searchable s
      WHERE s.workspace_id = in_workspace AND s.at < edge - (edge - oldest) * (n / 17.0) AND s.at >= oldest
      ORDER BY s.at DESC, s.id DESC LIMIT 100) s
    WHERE s.words @@ together);
  alone := in_words::text !~ '!' AND 2000 * extract(epoch FROM edge - oldest)
    > extract(epoch FROM least(in_before, clock_timestamp()) - edge)
      * (SELECT reltuples / 4 FROM pg_class WHERE oid = 'conversations_searchable'::regclass)::numeric;
  IF few THEN
    months := 1 + (12 * extract(year FROM age(month, oldest)) + extract(month FROM age(month, oldest)) + 1)::integer;
  END IF;
  LOOP
    step := clock_timestamp();
    within := (SELECT string_agg(quote_literal(to_char((month - n * interval '1 month') AT TIME ZONE 'UTC', '"m/"YYYY-MM')), ' | ')
               FROM generate_series(0, months - 1) n)::tsquery;
    WITH candidates AS MATERIALIZED (
      SELECT s.workspace_id, s.id, s.at FROM conversations_searchable s
      WHERE s.words @@ (CASE WHEN alone THEN in_words ELSE asked END) AND (NOT alone OR s.words @@ mark)
        AND (few OR s.words @@ within))
    SELECT array_agg(k.id), array_agg(k.at) INTO ids, ats
    FROM candidates k WHERE k.workspace_id = in_workspace;
    RETURN QUERY SELECT c.id, u.id, u.at FROM (
      SELECT * FROM unnest(ids, ats) AS h (id, at)
      WHERE (h.at, h.id) < (edge, edge_id) AND h.at >= in_since ORDER BY h.at DESC, h.id DESC) u {_RESULT};
    GET DIAGNOSTICS more = ROW_COUNT;
    given := given + more;
    month := month - (months - 1) * interval '1 month';
    EXIT WHEN given >= in_most OR month <= oldest;
    IF clock_timestamp() - began > interval '200 ms' THEN
      RETURN QUERY SELECT NULL::uuid, NULL::uuid, month;
      EXIT;
    END IF;
    months := CASE WHEN clock_timestamp() - step < interval '25 ms' THEN least(2 * months, 120) ELSE greatest(1, months / 2) END;
    month := month - interval '1 month';
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION wasl_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_search TO wasl_app;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("conversations", "0008_fetching")]

    operations: ClassVar = [migrations.RunSQL(SEARCH, migrations.RunSQL.noop)]
