"""Conversations from before lists knew a language, and what of a mail was written: said as of those that came later."""

from typing import Any, ClassVar, LiteralString
from uuid import UUID

from django.db import migrations

from wasl.conversations.writing import LOOKED_THROUGH, preview_of

AT_ONCE = 1000

# An answer of a program counts only where it opened the conversation, here as in lists.
SAID: LiteralString = f"""
SELECT c.workspace_id, c.id, l.language, m.way, left(m.text, {LOOKED_THROUGH})
FROM conversations_conversation c
CROSS JOIN LATERAL (
  SELECT m.id FROM conversations_message m
  WHERE m.workspace_id = c.workspace_id AND m.conversation_id = c.id AND m.way <> 'note'
  ORDER BY m.at, m.id LIMIT 1) f
CROSS JOIN LATERAL (
  SELECT m.language FROM conversations_message m
  WHERE m.workspace_id = c.workspace_id AND m.conversation_id = c.id AND m.way = 'in' AND m.language <> ''
    AND (m.id = f.id OR m.auto <> 'auto-replied')
  ORDER BY m.at DESC, m.id DESC LIMIT 1) l
CROSS JOIN LATERAL (
  SELECT m.way, m.text FROM conversations_message m
  WHERE m.workspace_id = c.workspace_id AND m.conversation_id = c.id AND m.way <> 'note'
    AND (m.id = f.id OR m.auto <> 'auto-replied')
  ORDER BY m.at DESC, m.id DESC LIMIT 1) m
WHERE c.language = '' AND (c.workspace_id, c.id) > (%s, %s)
ORDER BY c.workspace_id, c.id LIMIT {AT_ONCE}
"""
PUT: LiteralString = """
UPDATE conversations_conversation c SET language = u.language, preview = u.preview
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) AS u (workspace_id, id, language, preview)
WHERE c.workspace_id = u.workspace_id AND c.id = u.id
"""


def say(apps: Any, editor: Any) -> None:
    """Give each the language of its customer's last message, and the first words of the last."""
    after = (UUID(int=0), UUID(int=0))
    with editor.connection.cursor() as cursor:
        while True:
            cursor.execute(SAID, after)
            found = cursor.fetchall()
            if not found:
                return
            fresh = [
                (place, id_, language, preview_of(way, text)) for place, id_, language, way, text in found
            ]
            cursor.execute(PUT, [list(column) for column in zip(*fresh, strict=True)])
            after = fresh[-1][:2]


class Migration(migrations.Migration):
    dependencies: ClassVar = [("conversations", "0010_counts")]

    operations: ClassVar = [migrations.RunPython(say, migrations.RunPython.noop)]
