"""`wasl rebuild`: make every projection of every workspace anew, and say what was not as it should have been."""

import argparse
import sys
from collections.abc import Sequence
from typing import TextIO

import psycopg

from wasl.conversations import follow as conversations
from wasl.conversations import indexing
from wasl.customers import follow as customers
from wasl.kit.db import conninfo
from wasl.timeline.rebuild import Projection, rebuild

PROJECTIONS = (
    customers.PROJECTION,
    indexing.PROJECTION,
    Projection(
        "conversations",
        ("conversations_conversation",),
        conversations.rebuild,
        (conversations.FOLLOWER.cursor,),
    ),
)

BASE = frozenset(
    {
        # what people and providers said and did
        "intake_inbound",
        "intake_awaiting",
        "intake_listening",
        "intake_inboundqueue",
        "intake_quarantine",
        "conversations_conversation",  # up to `split_from`; the columns from `language` on are a projection
        "conversations_message",
        "conversations_attachment",
        "conversations_seen",
        "conversations_waking",
        "conversations_fetching",
        "channels_refused",
        "conversations_regrouping",
        "conversations_bulk",
        "conversations_bulkrow",
        "conversations_tag",
        "conversations_tagging",
        "conversations_savedview",
        "conversations_savedreply",
        "conversations_draft",
        "conversations_draftfile",
        "conversations_mention",
        "customers_customer",
        "customers_identity",
        "customers_merge",
        "customers_claim",
        "customers_suggestion",  # with what agents answered
        "customers_order",
        "delivery_delivery",
        "delivery_attempt",
        "delivery_receipt",
        "delivery_suppression",
        "calls_callback",
        "calls_call",
        "calls_callevent",
        "calls_offer",
        "calls_telephone",
        "desk_acknowledgement",
        "desk_acknowledgementtext",
        "desk_promise",
        "desk_takeover",
        "desk_notice",
        "desk_telling",
        "desk_device",
        "desk_due",
        # who works here, and with what
        "accounts_agent",
        "accounts_access",
        "accounts_apitoken",
        "accounts_invitation",
        "accounts_calendar",
        "accounts_holiday",
        "accounts_team",
        "accounts_teammember",
        "accounts_user",
        "accounts_workspace",
        "api_idempotency",
        "webhooks_endpoint",
        "widget_visitor",
        "webhooks_call",
        "webhooks_try",
        "channels_inbox",
        "channels_inboxteam",
        "channels_mailbox",
        "visits_branch",
        "visits_day",
        "visits_visit",
        "devices_device",
        "devices_push",
        # the timeline; its log is evidence and is never made anew, `timeline.audit` checks it
        "timeline_touchpoint",
        "timeline_subjectkey",
        "timeline_ringnode",
        "timeline_logtile",
        "timeline_checkpoint",
        "timeline_epoch",
        "timeline_follower",
        "timeline_parked",
        "timeline_heartbeat",
    }
)
"""Tables that nothing else gives back. A table that is neither here nor a projection's fails a test."""


def main(arguments: Sequence[str] = (), out: TextIO = sys.stdout) -> int:
    """Rebuild, and report each difference; 1 if there was any, 0 otherwise."""
    parser = argparse.ArgumentParser(prog="wasl rebuild", description=__doc__)
    parser.add_argument("only", nargs="*", help="names of projections; all when none is given")
    wanted = set(parser.parse_args(arguments).only)
    if unknown := wanted - {p.name for p in PROJECTIONS}:
        parser.error(f"no such projection: {', '.join(sorted(unknown))}")
    differences = 0
    with psycopg.connect(conninfo("owner", "rebuild")) as owner:
        workspaces = owner.execute("SELECT id, slug FROM accounts_workspace ORDER BY slug").fetchall()
    with psycopg.connect(conninfo("queue", "rebuild"), autocommit=True) as conn:
        for projection in (p for p in PROJECTIONS if not wanted or p.name in wanted):
            for workspace_id, slug in workspaces:
                for found in rebuild(conn, projection, workspace_id):
                    differences += 1
                    out.write(
                        f"{projection.name}, {slug}: {found.table} had {found.before} rows that should not have "
                        f"been there and lacked {found.after}; corrected.\n"
                    )
    out.write(f"{len(workspaces)} workspaces rebuilt, {differences or 'no'} differences.\n")
    return 1 if differences else 0
