"""Django's settings. Importing them starts nothing: `openbenefits.store.boot` starts the server."""

import os

from openbenefits.store import secrets, server

SECRET_KEY = secrets.web_key()
DEBUG = False
ALLOWED_HOSTS = [
    host for host in os.environ.get("OPENBENEFITS_HOSTS", "localhost,127.0.0.1").split(",") if host
]

DATABASES = {"default": server.django_database(os.environ.get("DATABASE_URL") or server.connect_info())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "openbenefits.accounts",
    "openbenefits.workforce",
    "openbenefits.programs",
    "openbenefits.events",
    "openbenefits.enrollment",
    "openbenefits.runs",
    "openbenefits.payroll",
    "openbenefits.compliance",
    "openbenefits.repair",
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

MOST_WORKERS = 8  # partitions that a run processes at once, where the machine has as many cores

REHEARSALS = os.environ.get("OPENBENEFITS_REHEARSALS") or server.base_folder() / "rehearsals"
"""Where rehearsals are kept, a folder for each database."""
