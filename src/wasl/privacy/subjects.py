"""Which columns hold what is known of a customer: what an erasure blanks, and what a backup seals.

One list for both, so that a restored backup looks after an erasure as the live database does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import LiteralString


@dataclass(frozen=True, slots=True)
class Personal:
    """The personal part of a table.

    `customer` is SQL for the customer of a row (the table's alias is `t`; null: of nobody). `blanks` are the columns
    and what they are after an erasure, as text that PostgreSQL reads (None: null); without any, the whole row goes.
    `files` is the column with the digest of a blob that belongs to the row.
    """

    table: str
    customer: LiteralString
    blanks: Mapping[str, str | None] = field(default_factory=dict)
    files: str = ""


_OF_MESSAGE: LiteralString = (
    "(SELECT m.customer_id FROM conversations_message m WHERE m.workspace_id = t.workspace_id AND m.id = {})"
)
_OF_CONVERSATION: LiteralString = (
    "(SELECT c.customer_id FROM conversations_conversation c"
    " WHERE c.workspace_id = t.workspace_id AND c.id = t.conversation_id)"
)
_OF_DELIVERY: LiteralString = (
    "(SELECT d.customer_id FROM delivery_delivery d"
    " WHERE d.workspace_id = t.workspace_id AND d.id = t.delivery_id)"
)
_OF_DRAFT: LiteralString = (
    "(SELECT c.customer_id FROM conversations_draft d JOIN conversations_conversation c"
    " ON c.workspace_id = d.workspace_id AND c.id = d.conversation_id"
    " WHERE d.workspace_id = t.workspace_id AND d.id = t.draft_id)"
)
# A raw payload became a message or a part of one, or it was a bounce and became a receipt.
_OF_INBOUND: LiteralString = (
    "coalesce((SELECT m.customer_id FROM conversations_message m"
    " WHERE m.workspace_id = t.workspace_id AND m.id = t.id),"
    " (SELECT m.customer_id FROM conversations_message m"
    " WHERE m.workspace_id = t.workspace_id AND m.id = (t.envelope->>'part_of')::uuid),"
    " (SELECT d.customer_id FROM delivery_receipt r JOIN delivery_delivery d"
    " ON d.workspace_id = r.workspace_id AND d.id = r.delivery_id"
    " WHERE r.workspace_id = t.workspace_id AND r.inbound_id = t.id LIMIT 1))"
)

# Rows that others point to are blanked; in this order, so that each finds its customer before the way there is gone.
PERSONAL: tuple[Personal, ...] = (
    Personal("conversations_attachment", _OF_MESSAGE.format("t.message_id"), files="digest"),
    Personal("conversations_searchable", _OF_MESSAGE.format("t.id")),
    Personal("conversations_draftfile", _OF_DRAFT, files="digest"),
    Personal("conversations_draft", _OF_CONVERSATION),
    Personal(
        "intake_inbound", _OF_INBOUND, {"envelope": "{}", "raw": None, "raw_digest": None}, files="raw_digest"
    ),
    Personal(
        "conversations_message",
        "t.customer_id",
        {"subject": "", "text": "", "html": "", "rfc_id": "", "meta": "{}"},
    ),
    Personal("conversations_conversation", "t.customer_id", {"subject": "", "preview": ""}),
    Personal("delivery_receipt", _OF_DELIVERY, {"detail": "{}"}),
    Personal("delivery_attempt", _OF_DELIVERY, {"detail": ""}),
    Personal("delivery_delivery", "t.customer_id", {"address": "", "payload": "{}"}),
    Personal(
        "webhooks_try",
        "(SELECT w.customer_id FROM webhooks_call w WHERE w.workspace_id = t.workspace_id AND w.id = t.call_id)",
        {"answer": ""},
    ),
    Personal(
        "calls_callevent",
        "(SELECT c.customer_id FROM calls_call c WHERE c.workspace_id = t.workspace_id AND c.id = t.call_id)",
    ),
    Personal("calls_offer", "t.customer_id"),
    Personal("calls_call", "t.customer_id", {"number": "", "recording": "", "notes": "", "ref": ""}),
    Personal("calls_callback", "t.customer_id", {"number": "", "about": ""}),
    Personal("visits_visit", "t.customer_id", {"note": ""}),
    Personal("customers_order", "t.customer_id"),
    Personal(
        "devices_push",
        "(SELECT v.customer_id FROM devices_device v WHERE v.workspace_id = t.workspace_id AND v.id = t.device_id)",
    ),
    Personal("devices_device", "t.customer_id"),
    Personal(
        "delivery_suppression",
        # STOP by short message is said of the number, on every channel that comes to the same telephone.
        "(SELECT i.customer_id FROM customers_identity i"
        " WHERE i.workspace_id = t.workspace_id AND i.address = t.address"
        " AND (i.channel = t.channel OR left(t.address, 1) = '+') ORDER BY i.channel = t.channel DESC LIMIT 1)",
    ),
    Personal("customers_claim", "t.customer_id"),
    Personal("customers_identity", "t.customer_id"),
    Personal("customers_customer", "t.id", {"name": "", "timezone": "", "place": ""}),
    # The details on the timeline stay as they are, sealed: without this key nobody opens them.
    Personal(
        "timeline_subjectkey",
        "CASE WHEN t.destroyed_at IS NULL THEN t.customer_id END",
        {"wrapped": None, "destroyed_at": "now"},
    ),
)

LEFT_OUT = frozenset(
    {
        "django_migrations",  # made by the migrations themselves
        "django_content_type",
        "auth_permission",
        "django_session",  # everybody signs in again
        "timeline_heartbeat",
        "timeline_ringnode",  # it opens backups, so it is in none
        "api_idempotency",  # answers of the last day, in words that belong to customers
    }
)
"""Tables that no backup holds."""

CLEAR = frozenset(
    {
        "account_emailaddress",
        "account_emailconfirmation",
        "accounts_access",
        "accounts_agent",
        "accounts_apitoken",
        "accounts_calendar",
        "accounts_holiday",
        "accounts_invitation",
        "accounts_team",
        "accounts_teammember",
        "accounts_user",
        "accounts_workspace",
        "auth_group",
        "auth_group_permissions",
        "calls_telephone",
        "channels_inbox",
        "channels_inboxteam",
        "channels_mailbox",
        "channels_refused",
        "conversations_bulk",
        "conversations_bulkrow",
        "conversations_mention",
        "conversations_regrouping",
        "conversations_savedreply",
        "conversations_savedview",
        "conversations_seen",
        "conversations_tag",
        "conversations_tagging",
        "conversations_waking",
        "conversations_fetching",
        "customers_customersummary",
        "customers_merge",
        "customers_suggestion",
        "desk_acknowledgement",
        "desk_acknowledgementtext",
        "desk_device",
        "desk_due",
        "desk_notice",
        "desk_promise",
        "desk_takeover",
        "desk_telling",
        "intake_awaiting",
        "intake_inboundqueue",
        "intake_listening",
        "intake_quarantine",
        "mfa_authenticator",  # secrets of agents, sealed under the master key
        "timeline_checkpoint",
        "timeline_epoch",
        "timeline_follower",
        "timeline_logtile",
        "timeline_parked",
        "timeline_touchpoint",
        "visits_branch",
        "visits_day",
        "webhooks_call",
        "webhooks_endpoint",
        "widget_visitor",
    }
)
"""Tables that hold nothing a customer wrote and nothing written of one. A table that is in none of the three lists
fails a test; a backup takes it as it is."""
