"""Django's settings. Importing them starts nothing: `openbenefits.store.boot` starts the server."""

import os
from pathlib import Path

from csp.constants import NONE, SELF

from openbenefits.store import secrets, server

SECRET_KEY = secrets.web_key()
DEBUG = False
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [host for host in os.environ.get("OPENBENEFITS_HOSTS", "").split(",") if host] or LOCAL_HOSTS
IS_LOCAL = set(ALLOWED_HOSTS) <= set(LOCAL_HOSTS)
"""Whether only this machine can reach the web; else everything asks for HTTPS."""

DATABASES = {"default": server.django_database(os.environ.get("DATABASE_URL") or server.connect_info())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "openbenefits.accounts",  # before allauth, whose templates it replaces
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "openbenefits.workforce",
    "openbenefits.programs",
    "openbenefits.events",
    "openbenefits.enrollment",
    "openbenefits.runs",
    "openbenefits.payroll",
    "openbenefits.compliance",
    "openbenefits.repair",
    "openbenefits.webhooks",
    "openbenefits.choosing",
    "openbenefits.delivery",
    "openbenefits.adhoc",
    "openbenefits.casework",
    "openbenefits.workflow",
    "openbenefits.carriers",
    "openbenefits.platform",
    "openbenefits.reconcile",
    "openbenefits.renewals",
    "openbenefits.matching",
    "openbenefits.background",
    "procrastinate.contrib.django",
    "django_htmx",
    "openbenefits.workbench",
    "openbenefits.portal",
    "openbenefits.api",
]

# --- the web ------------------------------------------------------------------------------------------------

ROOT_URLCONF = "openbenefits.cli.web"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "openbenefits.accounts.middleware.access_middleware",
    "openbenefits.api.door.door_middleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "cli" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # straight from the packages: there is nothing to collect

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],  # the square code of an authenticator app
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 60 * 60  # a session ends an hour after the last click
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not IS_LOCAL
SECURE_HSTS_SECONDS = 0 if IS_LOCAL else 365 * 24 * 60 * 60
SECURE_PROXY_SSL_HEADER = None if IS_LOCAL else ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
FILE_UPLOAD_HANDLERS = [
    "openbenefits.accounts.upload_limit.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

CACHES = {
    # counts of attempts are shared by all processes; there is nothing else in it
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"}
}

# --- signing in ---------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "openbenefits.accounts.signing_in.Adapter"
SOCIALACCOUNT_ADAPTER = "openbenefits.accounts.signing_in.StaffAdapter"
SMS_URL = os.environ.get("OPENBENEFITS_SMS_URL", "")
"""The gateway of text messages (accounts.texting)."""
SMS_TOKEN = os.environ.get("OPENBENEFITS_SMS_TOKEN", "")
HAS_TEXTS = bool(SMS_URL) or not os.environ.get("OPENBENEFITS_SMTP_HOST")
"""Whether codes go to mobile numbers: by a gateway, or as files while mails are files, too."""
ACCOUNT_LOGIN_METHODS = {"username", "email", *(("phone",) if HAS_TEXTS else ())}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", *(("phone",) if HAS_TEXTS else ()), "password1*"]
ACCOUNT_FORMS = {"request_login_code": "openbenefits.accounts.entrance_forms.CodeForm"}
ACCOUNT_EMAIL_VERIFICATION = "none"  # who adds a user knows the address
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_LOCAL
MFA_TOTP_ISSUER = "openbenefits"
SECOND_FACTOR = os.environ.get("OPENBENEFITS_SECOND_FACTOR", "staff")
"""Who must have a second factor: staff, or off (a demonstration)."""
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "staff",
                "name": os.environ.get("OPENBENEFITS_OIDC_NAME", "Company account"),
                "client_id": os.environ["OPENBENEFITS_OIDC_CLIENT"],
                "secret": os.environ.get("OPENBENEFITS_OIDC_SECRET", ""),
                "settings": {"server_url": os.environ["OPENBENEFITS_OIDC_SERVER"]},
            }
        ]
        if "OPENBENEFITS_OIDC_CLIENT" in os.environ
        else []
    }
}

# --- mail ---------------------------------------------------------------------------------------------------

EMAIL_HOST = os.environ.get("OPENBENEFITS_SMTP_HOST", "")
EMAIL_PORT = int(os.environ.get("OPENBENEFITS_SMTP_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("OPENBENEFITS_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("OPENBENEFITS_SMTP_PASSWORD", "")
EMAIL_USE_TLS = True
DEFAULT_FROM_EMAIL = os.environ.get("OPENBENEFITS_MAIL_FROM", "benefits@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = os.environ.get("OPENBENEFITS_MAIL") or server.base_folder() / "mail"
"""Where letters go as files, while no mail server is named."""
PUBLIC_URL = os.environ.get("OPENBENEFITS_URL", "http://localhost:8000").rstrip("/")
"""Where people reach the web: what links in mails begin with."""

# --- language and time --------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en-us", "English"), ("es", "Español")]
USE_I18N = True
LOCALE_PATHS = [Path(__file__).parent / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60  # the language chosen is kept on the device, too
TIME_ZONE = "UTC"
USE_TZ = True

MOST_WORKERS = 8  # partitions that a run processes at once, where the machine has as many cores

REPORTS_AT = os.environ.get("OPENBENEFITS_REPORTS_AT", "15 5 * * *")
"""When reports ordered by mail go out, as cron says it."""
CASEWORK_AT = os.environ.get("OPENBENEFITS_CASEWORK_AT", "*/10 * * * *")
"""When tasks and cases are escalated and told of: at least as often as the shortest service level."""
CARRIERS_AT = os.environ.get("OPENBENEFITS_CARRIERS_AT", "5-59/10 * * * *")
"""When the worker sends released carrier files and takes in what came back: a line of cron, in UTC."""

CHANNELS_AT = os.environ.get("OPENBENEFITS_CHANNELS_AT", "30 5 * * *")
"""When the worker lets scheduled channels look at the day, as cron says it."""
NIGHT = os.environ.get("OPENBENEFITS_NIGHT", "0 3 * * *")
"""When a worker that was started with --nightly carries out what is due: a line of cron, in UTC."""

CARRIER_ENVIRONMENT = "P" if os.environ.get("OPENBENEFITS_ENVIRONMENT", "test") == "production" else "T"
"""Whether files for carriers are for production (P) or a test (T): those for the other never leave."""

REHEARSALS = os.environ.get("OPENBENEFITS_REHEARSALS") or server.base_folder() / "rehearsals"
"""Where rehearsals are kept, a folder for each database."""

STATEMENTS = os.environ.get("OPENBENEFITS_STATEMENTS") or server.base_folder() / "statements"
"""Where the worker writes statements, a folder for each client."""
