"""Settings of a Django site of a few views, to see how the front serves Django."""

from wasl.config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.doors.site_views"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
