"""The agents' pages. Every route asks for sign-in unless its name is on `middleware.PUBLIC`."""

from allauth.account import views as account
from django.urls import path, re_path

from wasl.workspace.views import door

urlpatterns = [
    path("sign-in", account.login, name="account_login"),
    path("sign-out", account.logout, name="account_logout"),
    path("closed", account.account_inactive, name="account_inactive"),
    path("password", account.password_reset, name="account_reset_password"),
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
