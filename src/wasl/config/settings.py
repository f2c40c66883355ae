"""Django's settings, made from the environment (see `env.py` for every WASL_* setting and its default)."""

import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict

import wasl
from wasl.config.env import load
from wasl.config.logs import logging_config
from wasl.kit import languages, postgres

ENV = load(os.environ)
PACKAGE = os.path.dirname(wasl.__file__)

SECRET_KEY = ENV.keys.secret_key
DEBUG = ENV.debug
ALLOWED_HOSTS = list(ENV.allowed_hosts)
WASL_DSN = {role: postgres.dsn_for(ENV, role) for role in ("owner", "app", "queue")}


def _database(role: str, **options: Any) -> dict[str, Any]:
    parts = conninfo_to_dict(WASL_DSN[role])
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "wasl"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": {
            **parts,
            "options": "-c statement_timeout=15s -c idle_in_transaction_session_timeout=20s",
            **options,
        },
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {
    "default": _database("app", pool={"min_size": 1, "max_size": ENV.web_threads, "timeout": 10}),
    "owner": _database("owner", options="-c lock_timeout=10s"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "wasl.accounts",
    "wasl.timeline",
    "wasl.customers",
    "wasl.channels",
    "wasl.intake",
    "wasl.delivery",
    "wasl.conversations",
    "wasl.desk",
    "wasl.calls",
    "wasl.webhooks",
    "wasl.visits",
    "wasl.devices",
    "wasl.api",
    "wasl.widget",
]

MIDDLEWARE = [
    "wasl.api.errors.problems",
    "wasl.workspace.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "wasl.workspace.middleware.language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "wasl.workspace.middleware.wrong_way",
    "wasl.workspace.middleware.Membership",
]

ROOT_URLCONF = "wasl.config.urls"
WSGI_APPLICATION = None

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [
            os.path.join(PACKAGE, room, "templates") for room in ("workspace", "portal", "sandbox", "api")
        ],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "wasl.workspace.jinja.environment",
            "context_processors": ["django.contrib.messages.context_processors.messages"],
        },
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "wasl.workspace.signin.Adapter"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_ON_GET = False
MFA_ADAPTER = "wasl.accounts.second_step.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1  # half minutes by which a telephone's clock may be wrong
MFA_TOTP_ISSUER = f"Wasl {ENV.public_url.partition('://')[2].partition('/')[0]}"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

_SECURE = ENV.public_url.startswith("https://")
SESSION_COOKIE_NAME = "wasl_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _SECURE
CSRF_COOKIE_NAME = "wasl_csrf"
CSRF_COOKIE_SECURE = _SECURE
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [ENV.public_url]
CSRF_FAILURE_VIEW = "wasl.workspace.views.errors.csrf"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = languages.LANGUAGES
LANGUAGE_COOKIE_NAME = "wasl_language"
LOCALE_PATHS = [os.path.join(PACKAGE, "locale")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = os.path.join(PACKAGE, "workspace", "static")

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 20
# For allauth's counts of who tries to sign in. Django keeps 300 entries: whoever tried many addresses would have it
# forget how often they tried one.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_TIMEOUT = 10
SILENCED_SYSTEM_CHECKS = ["models.W042"]
LOGGING = logging_config(ENV)
