from typing import Any, ClassVar

from django.db import migrations

from wasl.customers.closeness import key_of, words_of

AT_ONCE = 2000

KNOWN = """
UPDATE customers_identity SET
  known = CASE WHEN channel IN ('email', 'api', 'webhook') THEN 'claimed' ELSE 'channel' END,
  point = CASE
    WHEN channel IN ('whatsapp', 'sms', 'voice') AND address ~ '^\\+?[1-9][0-9]{6,14}$' THEN 'tel:+' || ltrim(address, '+')
    WHEN channel NOT IN ('whatsapp', 'sms', 'voice') AND address ~ '^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$'
    THEN 'mail:' || lower(address) ELSE '' END
"""


def find_names(apps: Any, editor: Any) -> None:
    """Give the names that are there already the key by which they are found."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id, id, name FROM customers_identity WHERE name <> ''")
        while rows := cursor.fetchmany(AT_ONCE):
            keys = [(workspace, id_, key_of(words_of(name))) for workspace, id_, name in rows]
            columns = [list(column) for column in zip(*keys, strict=True)]
            with editor.connection.cursor() as other:
                other.execute(
                    "UPDATE customers_identity i SET name_key = t.key"
                    " FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS t (workspace_id, id, key)"
                    " WHERE i.workspace_id = t.workspace_id AND i.id = t.id AND t.key <> ''",
                    columns,
                )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("customers", "0005_linking")]

    operations: ClassVar = [
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
        migrations.RunPython(find_names, migrations.RunPython.noop),
    ]
