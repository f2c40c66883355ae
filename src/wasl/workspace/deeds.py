"""The lines of the access log in people's words."""

from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.accounts.access_log import Line
from wasl.workspace.format import isolated

SENTENCES: dict[str, Promise] = {
    "conversation": _("Read a conversation"),
    "conversation_at": _("Read a conversation"),
    "customer": _("Looked at a customer"),
    "message": _("Read a message"),
    "file": _("Opened a file"),
    "original": _("Downloaded an original message"),
    "attempts": _("Looked at how a message was sent"),
    "export": _("Exported conversations"),
    "reply": _("Answered a customer"),
    "assign": _("Assigned a conversation"),
    "resolve": _("Resolved a conversation"),
    "reopen": _("Opened a conversation again"),
    "retry": _("Had a message sent again"),
    "pictures": _("Loaded the pictures of a message"),
    "merge": _("Merged two customers"),
    "unmerge": _("Took a merge of customers back"),
    "accept_alike": _("Merged two customers"),
    "refuse_alike": _("Said that two customers are not the same"),
    "replay": _("Had a message read again"),
    "discard": _("Discarded a message that was set aside"),
    "note": _("Wrote a note"),
    "take_back": _("Took an answer back"),
    "pend": _("Set a conversation to wait for the customer"),
    "snooze": _("Put a conversation off"),
    "give_team": _("Gave a conversation to a team"),
    "tag": _("Tagged a conversation"),
    "untag": _("Took a tag off a conversation"),
    "move": _("Moved a conversation to another inbox"),
    "bulk": _("Changed several conversations"),
    "bulk_on": _("Changed several conversations"),
    "bulk_undo": _("Took a change of several conversations back"),
    "save_view": _("Saved a view"),
    "rename_view": _("Renamed a saved view"),
    "forget_view": _("Removed a saved view"),
    "merge_conversations": _("Merged conversations"),
    "unmerge_conversations": _("Took a merge of conversations back"),
    "split": _("Split a conversation"),
    "take_over": _("Took a conversation over"),
    "hand_back": _("Handed a conversation back"),
    "settle_promises": _("Settled promises that contradict each other"),
    "rename_tag": _("Renamed a tag"),
    "merge_tag": _("Merged two tags"),
    "delete_tag": _("Deleted a tag"),
    "saved": _("Changed a saved reply"),
    "saved_new": _("Wrote a saved reply"),
    "saved_remove": _("Removed a saved reply"),
    "saved_restore": _("Brought a saved reply back"),
    "put_order": _("Told of an order"),
    "put_orders": _("Told of orders"),
    "import_orders": _("Brought in orders (new: %(made)s, changed: %(updated)s)"),
    "import_contacts": _("Brought in customers (new: %(made)s, changed: %(updated)s)"),
    "import_mail": _("Brought in old mail"),
    "invite": _("Invited %(email)s as %(role)s"),
    "withdraw": _("Withdrew the invitation of %(email)s"),
    "accept": _("Took up the invitation, as %(role)s"),
    "role": _("Changed the role of %(name)s from %(was)s to %(role)s"),
    "close": _("Closed the access of %(name)s"),
    "open_again": _("Opened the access of %(name)s again"),
    "second_step": _("Switched on the second step of their own sign-in"),
    "second_step_codes": _("Made new recovery codes for themselves"),
    "second_step_off": _("Switched off the second step of their own sign-in"),
    "second_step_take": _("Switched off the second step of %(name)s"),
    "second_step_required": _("Made everybody here need a second step when signing in"),
    "second_step_free": _("Let everybody here choose whether to have a second step"),
    "team_create": _("Made the team %(name)s"),
    "team_change": _("Changed the team %(name)s: %(members)s members"),
    "team_remove": _("Removed the team %(name)s"),
    "mail_inbox_new": _("Made an inbox"),
    "mail_inbox": _("Changed an inbox"),
    "api_inbox_new": _("Made an inbox"),
    "api_inbox": _("Changed an inbox"),
    "chat_inbox_new": _("Made an inbox"),
    "chat_inbox": _("Changed an inbox"),
    "chat_try": _("Tested a provider"),
    "chat_approved": _("Fetched a provider’s approved texts"),
    "chat_try_new": _("Tested a provider"),
    "branch_new": _("Made a branch"),
    "branch": _("Changed a branch"),
    "branch_kiosk": _("Made or closed a kiosk"),
    "postal_address": _("Entered a postal address"),
    "customer_address": _("Entered a customer’s address"),
    "letter": _("Looked at a letter before it was sent"),
    "visit_come": _("Checked a customer in"),
    "visit_call": _("Called the next customer"),
    "visit_do": _("Said how a visit went on"),
    "callback_ask": _("Entered a call-back"),
    "callback_offer": _("Offered times for a call-back"),
    "callback_claim": _("Took a call-back on"),
    "callback_move": _("Moved a call-back to another time"),
    "callback_outcome": _("Said how a call-back went"),
    "callback_cancel": _("Cancelled a call-back"),
    "callback_ring": _("Rang a customer"),
    "telephone": _("Changed where they are rung up"),
    "account_change_password": _("Changed their own password"),
    "inbox_switch": _("Switched an inbox on or off"),
    "inbox_look": _("Had a mailbox fetched from at once"),
    "inbox_try": _("Tested a mail server"),
    "inbox_try_new": _("Tested a mail server"),
    "hours_new": _("Made a calendar of opening hours"),
    "hours_edit": _("Changed opening hours"),
    "hours_remove": _("Removed a calendar of opening hours"),
    "acknowledgement": _("Changed what first messages are answered with"),
    "close_links": _("Closed the links to a conversation"),
    "webhooks": _("Made a webhook"),
    "webhook": _("Changed a webhook"),
    "webhook_secret": _("Looked at the secret of a webhook"),
    "webhook_rotate": _("Replaced the secret of a webhook"),
    "webhook_test": _("Sent a test to a webhook"),
    "webhook_replay": _("Had failed events told again"),
    "webhook_call_replay": _("Had an event told again"),
    "webhook_remove": _("Removed a webhook"),
    "access_export": _("Exported the access log"),
}


_ROLES: dict[str, Promise] = {
    "owner": _("Owner"),
    "admin": _("Administrator"),
    "agent": _("Agent"),
    "readonly": _("Reads only"),
}


def role_name(role: str) -> str:
    """A role in people's words."""
    return str(_ROLES.get(role, role))


def sentence(line: Line) -> str:
    """What was done, as a sentence without its subject; the name of the action where there is no sentence."""
    words = SENTENCES.get(line.verb.removeprefix("api."))
    if words is None:
        return str(_("Changed: %(what)s")) % {"what": line.verb.replace("_", " ")}
    return str(words) % _Known(_roles(line.detail))


def _roles(detail: dict[str, str]) -> dict[str, str]:
    return {k: role_name(v) if k in ("role", "was") else isolated(v) for k, v in detail.items()}


class _Known(dict[str, str]):
    """What a sentence asks for and the line does not say is left out."""

    def __missing__(self, key: str) -> str:
        return "…"


_PAGES = {"conversation": "conversation", "customer": "customer"}


def address(line: Line) -> str:
    """The page of what it was about; '' when it has none."""
    if line.thing_id is None or line.thing not in _PAGES:
        return ""
    try:
        return reverse(_PAGES[line.thing], args=[UUID(str(line.thing_id))])
    except NoReverseMatch:
        return ""
