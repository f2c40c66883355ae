from typing import ClassVar

from django.db import migrations

# By what somebody is found: the words of their name and the parts of their address, folded as `kit/folding.py` folds
# (ASCII needs only lower, and takes a fifth of the time), and the mark of the workspace, as in conversations.
# Everything is named with its schema: a SET clause would cost more than the function.
WORDS = r"""
CREATE FUNCTION wasl_people_words(workspace uuid, names text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pg_catalog.to_tsvector('pg_catalog.simple'::regconfig, pg_catalog.translate(
    CASE WHEN pg_catalog.octet_length(names) OPERATOR(pg_catalog.=) pg_catalog.length(names)
    THEN pg_catalog.lower(names)
    ELSE pg_catalog.translate(
      pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
        pg_catalog.regexp_replace(normalize(pg_catalog.lower(names), NFKD),
          '[\u00ad\u0300-\u036f\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u202a-\u202e]', '', 'g'),
        'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'),
      'ٱىیئےؤةہھکڪگڤپøłđðı٠١٢٣٤٥٦٧٨٩', 'اييييوهههكككفبolddi0123456789'
    ) END,
    '@._-+/:''&#?=%', '             '))
    OPERATOR(pg_catalog.||) pg_catalog.array_to_tsvector(ARRAY['w/' OPERATOR(pg_catalog.||)
      pg_catalog.right(pg_catalog.replace(workspace::text, '-', ''), 10)])
$$;
"""

COLUMNS = """
ALTER TABLE customers_customer ADD COLUMN words tsvector
  GENERATED ALWAYS AS (wasl_people_words(workspace_id, name || ' ' || place)) STORED;
ALTER TABLE customers_identity ADD COLUMN words tsvector
  GENERATED ALWAYS AS (wasl_people_words(workspace_id, name || ' ' || address)) STORED;
CREATE INDEX customer_words ON customers_customer USING gin (words);
CREATE INDEX identity_words ON customers_identity USING gin (words);
"""

# As `wasl_search`: row-level security may not look into an index by `@@`.
PEOPLE = """
CREATE FUNCTION wasl_people(in_workspace uuid, in_words tsquery, in_most integer)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  asked tsquery := in_words && quote_literal('w/' || right(replace(in_workspace::text, '-', ''), 10))::tsquery;
BEGIN
  IF in_workspace IS DISTINCT FROM current_setting('wasl.workspace')::uuid THEN
    RAISE insufficient_privilege;
  END IF;
  RETURN QUERY WITH named AS MATERIALIZED (
    SELECT workspace_id, id FROM customers_customer WHERE words @@ asked LIMIT in_most
  ), addressed AS MATERIALIZED (
    SELECT workspace_id, customer_id FROM customers_identity WHERE words @@ asked LIMIT in_most
  )
  SELECT DISTINCT k.root_id
  FROM (SELECT * FROM named UNION SELECT * FROM addressed) found
  JOIN customers_customer k ON k.workspace_id = found.workspace_id AND k.id = found.id
  WHERE found.workspace_id = in_workspace
  LIMIT in_most;
END $$;
REVOKE ALL ON FUNCTION wasl_people(uuid, tsquery, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_people(uuid, tsquery, integer) TO wasl_app;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("customers", "0002_tenancy")]

    operations: ClassVar = [
        migrations.RunSQL(WORDS, "DROP FUNCTION wasl_people_words(uuid, text)"),
        migrations.RunSQL(
            COLUMNS,
            "ALTER TABLE customers_customer DROP COLUMN words; ALTER TABLE customers_identity DROP COLUMN words",
        ),
        migrations.RunSQL(PEOPLE, "DROP FUNCTION wasl_people(uuid, tsquery, integer)"),
    ]
