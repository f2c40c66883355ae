"""What a message without words is, as a code: its kind (voicemail, location, call …), else the type of its first file.

Lists, search and digests ask for it beside what they read, so that nothing has to be kept; '' when there is nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

OF_MESSAGE: LiteralString = """
coalesce(nullif(m.meta->>'kind', ''), m.meta->'media'->0->>'type', (
  SELECT f.content_type FROM conversations_attachment f
  WHERE f.workspace_id = m.workspace_id AND f.message_id = m.id ORDER BY f.position LIMIT 1), '')
"""
"""Of a message `m`."""

OF_LAST: LiteralString = f"""
CASE WHEN c.preview = '' THEN coalesce((
  SELECT {OF_MESSAGE} FROM conversations_message m
  WHERE m.workspace_id = c.workspace_id AND m.conversation_id = c.id AND m.way <> 'note'
  ORDER BY m.at DESC, m.id DESC LIMIT 1), '') ELSE '' END
"""
"""Of the last message of a conversation `c`, where its preview is empty."""


def code(meta: Mapping[str, Any], types: Iterable[str]) -> str:
    """The same of a message that was read, with the content types of its files."""
    media = [str(each.get("type") or "") for each in meta.get("media", ())]
    return str(meta.get("kind") or "") or next((each for each in (*media, *types) if each), "")
