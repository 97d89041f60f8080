"""Every setting of the site, read from the environment; with none set, it runs on a single machine.

    UNBRAID_URL             where visitors find the site            http://localhost:8000
    UNBRAID_DATA            database, songs and stems live here      var/ of a checkout, else ~/.local/share/unbraid
    UNBRAID_SECRET_KEY      signs cookies                            kept in UNBRAID_DATA/secret_key
    UNBRAID_DEBUG           1: tracebacks in the browser             0 (runserver sets 1)
    DATABASE_URL            postgres://user:password@host/name       SQLite in UNBRAID_DATA
    UNBRAID_CACHE_URL       redis://host:6379/1                      memory of the one web process
    UNBRAID_BROKER_URL      redis://host:6379/0: jobs by Redis       jobs in the database
    UNBRAID_S3_BUCKET       songs and stems in S3 (AWS_* apply)      files in UNBRAID_DATA
    UNBRAID_S3_ORIGIN       https://bucket.host, for browsers        this site alone
    UNBRAID_HSTS_SUBDOMAINS 1: https on all sub-domains too          0; browsers remember it for a year
    UNBRAID_HSTS_PRELOAD    1: and from the first visit on           0; see hstspreload.org
    UNBRAID_PROXY           the proxy in front: 1 (this machine), its address, or * (nobody else can connect)
    UNBRAID_HOSTS           further host names, with commas between  none
    UNBRAID_LOG_FORMAT      json or plain                            plain on a terminal, else json
    EMAIL_HOST ...          mail by SMTP                             mail is printed on the console

The limits are at the end. `docs/self-hosting.md` explains them.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import django
from django.core.exceptions import ImproperlyConfigured

from unbraid_web.paths import CHECKOUT, PACKAGE, data_folder, kept_secret_key


def flag(name: str) -> bool:
    """Whether the environment switches `name` on."""
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def number(name: str, default: float) -> float:
    """The number that the environment gives for `name`.

    Raises:
        ImproperlyConfigured: it gives something else.
    """
    given = os.environ.get(name) or default
    try:
        return float(given)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {given}, which is not a number.") from None


def s3_limits() -> Any:
    """How long a storage that does not answer may keep a thread of the site, and how often it is asked again."""
    try:
        from botocore.config import Config  # type: ignore[import-untyped]
    except ImportError:
        raise ImproperlyConfigured("UNBRAID_S3_BUCKET needs django-storages: pip install 'unbraid[s3]'.") from None

    return Config(
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 2},
        signature_version="s3v4",
    )


DATA = data_folder()
DEBUG = flag("UNBRAID_DEBUG")
SITE_URL = os.environ.get("UNBRAID_URL", "http://localhost:8000").rstrip("/")
BEHIND_TLS = urlsplit(SITE_URL).scheme == "https"
PREFIX = urlsplit(SITE_URL).path  # such as /stems, where the site shares a host with others
ORIGIN = SITE_URL.removesuffix(PREFIX)  # the prefix is part of every address that Django makes

# Who asks

SECRET_KEY = os.environ.get("UNBRAID_SECRET_KEY") or kept_secret_key()
ALLOWED_HOSTS = [
    urlsplit(SITE_URL).hostname or "localhost",
    *([] if BEHIND_TLS else ["localhost", "127.0.0.1", "[::1]"]),
    *filter(None, os.environ.get("UNBRAID_HOSTS", "").split(",")),
]
CSRF_TRUSTED_ORIGINS = [ORIGIN]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
if PREFIX:  # another site at the same host has cookies of its own
    FORCE_SCRIPT_NAME = PREFIX
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "unbraid_session", "unbraid_csrf"
    SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{PREFIX}/"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # a cookie of theirs is the whole host's
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("UNBRAID_HSTS_SUBDOMAINS")
SECURE_HSTS_PRELOAD = flag("UNBRAID_HSTS_PRELOAD")
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # whoever owns the whole domain asks for these two
SECURE_REFERRER_POLICY = "same-origin"  # a share link must not leak to another site
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXY = {"0": "", "1": "127.0.0.1"}.get(proxy := os.environ.get("UNBRAID_PROXY", ""), proxy)
if TRUSTED_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
S3_ORIGIN = list(filter(None, [os.environ.get("UNBRAID_S3_ORIGIN", "")]))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", *S3_ORIGIN],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *S3_ORIGIN],
        "media-src": ["'self'", "blob:"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# What the site is made of

USES_BROKER = bool(os.environ.get("UNBRAID_BROKER_URL"))
INSTALLED_APPS = [
    "unbraid_web.separations",  # before staticfiles: its runserver starts the worker too
    "unbraid_web.accounts",
    "unbraid_web.songs",
    "unbraid_web.player",
    "unbraid_web.api",
    "unbraid_web.operations",
    "unbraid_web.about",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *(["django_tasks"] if django.VERSION < (6, 0) else []),  # from Django 6 on it is django.tasks
    "django_tasks_db",
    *(["django_rq"] if USES_BROKER else []),
    "csp",
    "ninja",
]
MIDDLEWARE = [
    "unbraid_web.middleware.head_without_body",
    "unbraid_web.middleware.monitoring_first",
    "unbraid_web.middleware.api_errors",
    "unbraid_web.middleware.private_pages",
    "unbraid_web.middleware.login_for_htmx",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "unbraid_web.middleware.refuse_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "unbraid_web.middleware.StorageAway",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "unbraid_web.urls"
WSGI_APPLICATION = "unbraid_web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["unbraid_web.formatting", "unbraid_web.icons", "unbraid_web.songs.templatetags.covers"],
        },
    }
]

# People

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "songs:library"
LOGOUT_REDIRECT_URL = "player:welcome"
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if os.environ.get('EMAIL_HOST') else 'console'}.EmailBackend"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(number("EMAIL_PORT", 587))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = EMAIL_PORT == 587
CONFIRM_BY_MAIL = bool(os.environ.get("EMAIL_HOST"))  # without, who signs up is believed
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("UNBRAID_MAIL_FROM", "unbraid <noreply@localhost>")

# What is kept, and where

try:
    DATABASES = {
        "default": dj_database_url.config(
            default=f"sqlite:///{DATA / 'site.sqlite3'}", conn_max_age=60, conn_health_checks=True
        )
    }
except (ValueError, KeyError):  # the error would show the password
    raise ImproperlyConfigured("DATABASE_URL is not like postgres://user:password@host/name.") from None
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # Readers and one writer side by side; a writer waits for its turn instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "unbraid_web.cache.RedisOrMemory", "LOCATION": os.environ["UNBRAID_CACHE_URL"]}
    if os.environ.get("UNBRAID_CACHE_URL")
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
MEDIA_ROOT = DATA / "media"
STATIC_ROOT = DATA / "static"
STATIC_URL = f"{PREFIX}/static/"
S3_BUCKET = os.environ.get("UNBRAID_S3_BUCKET", "")
STORAGES = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "querystring_auth": True,
            "file_overwrite": True,
            "client_config": s3_limits(),
        },
    }
    if S3_BUCKET
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "unbraid_web.static_files.HashedModules"},
}
STATICFILES_DIRS: list[Any] = [PACKAGE / "static"]
if (SAMPLES := CHECKOUT / "docs" / "listen").exists():
    STATICFILES_DIRS.append(("listen", SAMPLES))
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20  # a piece of an upload; whole files are spooled to disk
BODY_LIMIT = "unbraid_web.admission.body_limit"

# Background work

if USES_BROKER and not find_spec("django_tasks_rq"):
    raise ImproperlyConfigured("UNBRAID_BROKER_URL needs RQ: pip install 'unbraid[broker]'.")
TASKS = {
    "default": {"BACKEND": "django_tasks_rq.RQBackend", "QUEUES": ["default"]}
    if USES_BROKER
    else {"BACKEND": "django_tasks_db.DatabaseBackend"}
}
JOB_SECONDS = number("UNBRAID_JOB_HOURS", 6) * 3600  # a worker that takes longer for one job hangs, and is ended
RQ_QUEUES = {"default": {"URL": os.environ.get("UNBRAID_BROKER_URL", ""), "DEFAULT_TIMEOUT": int(JOB_SECONDS) + 60}}
MODEL = os.environ.get("UNBRAID_MODEL") or None  # another .onnx file than the shipped one
DEVICE = os.environ.get("UNBRAID_DEVICE", "auto")
MAX_ATTEMPTS = int(number("UNBRAID_MAX_ATTEMPTS", 3))
STALE_SECONDS = number("UNBRAID_STALE_SECONDS", 60)  # a job without a sign of life for this long is taken back
DEMO_SONG = Path(os.environ.get("UNBRAID_DEMO_SONG") or CHECKOUT / "demo" / "lithium-demo.flac")

# Limits

MAX_UPLOAD_BYTES = int(number("UNBRAID_MAX_UPLOAD_MB", 500) * 10**6)
MAX_SONG_SECONDS = number("UNBRAID_MAX_SONG_MINUTES", 60) * 60
MAX_USER_BYTES = int(number("UNBRAID_MAX_USER_GB", 10) * 10**9)
MIN_FREE_BYTES = int(number("UNBRAID_MIN_FREE_MB", 500) * 10**6)  # kept free on the disk, always
DECODE_MEMORY_BYTES = int(number("UNBRAID_DECODE_MEMORY_MB", 2000) * 10**6)
DECODE_CPU_SECONDS = int(number("UNBRAID_DECODE_CPU_SECONDS", 300))
DECODE_SECONDS = number("UNBRAID_DECODE_SECONDS", 900)  # on the clock: a decoder that stands still uses no processor
STEM_DAYS = number("UNBRAID_STEM_DAYS", 0)  # 0: stems are kept until their song is deleted
UNDO_SECONDS = number("UNBRAID_UNDO_MINUTES", 60) * 60
MAX_WAITING = int(number("UNBRAID_MAX_WAITING", 50))  # songs of one person in line, and downloads
API_RATE = os.environ.get("UNBRAID_API_RATE", "120/m")
HOUSEKEEPING_SECONDS = number("UNBRAID_HOUSEKEEPING_SECONDS", 15)  # the pause of `unbraid web` between two rounds
METRICS_TOKEN = os.environ.get("UNBRAID_METRICS_TOKEN", "")

# Words and time

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
# A person who watches the terminal reads sentences; what collects logs reads JSON.
WATCHED = sys.stderr is not None and sys.stderr.isatty()
LOG_FORMAT = os.environ.get("UNBRAID_LOG_FORMAT") or ("plain" if DEBUG or WATCHED else "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "unbraid_web.logs.JsonLines"}, "plain": {"format": "%(levelname)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": os.environ.get("UNBRAID_LOG_LEVEL", "INFO")},
    "loggers": {
        "botocore": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
        "waitress.queue": {"level": "ERROR"},
    },
}
