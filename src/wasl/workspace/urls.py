"""The agents' pages. Every route asks for sign-in unless its name is on `middleware.PUBLIC`."""

from allauth.account import views as account
from django.urls import path, re_path, register_converter

from wasl.workspace.views import acts, customers, desk, door, messages, quarantine, settings


class PlaceConverter:
    """A place that holds conversations: `mine`, `unassigned`, `all`, `inbox/<id>`."""

    regex = "mine|unassigned|all|inbox/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PlaceConverter, "place")

urlpatterns = [
    path("", desk.home, name="home"),
    path("workspace", desk.workspace, name="workspace"),
    path("places", desk.places, name="places"),
    path("<place:at>", desk.board, name="desk"),
    path("<place:at>/<uuid:conversation_id>", desk.conversation, name="conversation_at"),
    path("conversations/<uuid:conversation_id>", desk.anywhere, name="conversation"),
    path("conversations/<uuid:conversation_id>/messages", desk.messages, name="messages"),
    path("conversations/<uuid:conversation_id>/card", desk.card_of, name="card"),
    path("conversations/<uuid:conversation_id>/reply", acts.answer, name="reply"),
    path("conversations/<uuid:conversation_id>/assign", acts.assign, name="assign"),
    path("conversations/<uuid:conversation_id>/resolve", acts.resolve, name="resolve"),
    path("conversations/<uuid:conversation_id>/reopen", acts.reopen, name="reopen"),
    path("conversations/<uuid:conversation_id>/seen", acts.seen, name="seen"),
    path("messages/<uuid:message_id>", messages.message, name="message"),
    path("messages/<uuid:message_id>/pictures", messages.pictures, name="pictures"),
    path("messages/<uuid:message_id>/attempts", messages.attempts, name="attempts"),
    path("messages/<uuid:message_id>/retry", acts.retry, name="retry"),
    path("files/<uuid:file_id>", messages.file, name="file"),
    path("customers", customers.customers, name="customers"),
    path("customers/found", customers.found, name="found"),
    path("customers/<uuid:customer_id>", customers.customer, name="customer"),
    path("customers/<uuid:customer_id>/merge", customers.merge, name="merge"),
    path("merges/<uuid:merge_id>/undo", customers.unmerge, name="unmerge"),
    path("quarantine", quarantine.quarantine, name="quarantine"),
    path("quarantine/<uuid:inbound_id>/original", quarantine.original, name="original"),
    path("quarantine/<uuid:inbound_id>/replay", quarantine.replay, name="replay"),
    path("quarantine/<uuid:inbound_id>/discard", quarantine.discard, name="discard"),
    path("settings", settings.settings, name="settings"),
    path("sign-in", account.login, name="account_login"),
    path("sign-out", account.logout, name="account_logout"),
    path("closed", account.account_inactive, name="account_inactive"),
    path("password", account.password_reset, name="account_reset_password"),
    path("password/change", account.password_change, name="account_change_password"),
    path("password/sent", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/changed", account.password_reset_from_key_done, name="account_reset_password_from_key_done"
    ),
    re_path(
        r"^password/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("language", door.language, name="language"),
    path("static/<path:name>", door.static, name="static"),
]
