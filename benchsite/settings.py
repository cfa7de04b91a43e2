"""Settings, all from the environment; the defaults serve one machine with an embedded database.

DATABASE_URL   sqlite in var/ by default; postgres://user:password@host/name takes PostgreSQL (psycopg2)
SECRET_KEY     made once in var/secret_key (mode 0600) if not given
DEBUG          off by default
ALLOWED_HOSTS  comma-separated; loopback names by default
BENCHSITE_VAR  where the database, the spool and local choices live; var/ in the project by default

Where others reach the site (docs/deploy.md):

BENCHSITE_HTTPS               behind a proxy that speaks HTTPS: secure cookies, HSTS, redirects; off by default
CSRF_TRUSTED_ORIGINS          comma-separated, with the scheme: https://bench.example.org
BENCHSITE_PUBLIC_READ         whether visitors who have not signed in see anything; on by default
BENCHSITE_CALLS_PER_TOKEN     API calls a minute for each token; 0 is no limit
BENCHSITE_CALLS_PER_ADDRESS   the same for each address without a token
BENCHSITE_PROXIES             how many proxies of your own stand in front: whose word on addresses is taken
BENCHSITE_SITE_URL            where the site is, for links in alarms; http://127.0.0.1:8000 by default
BENCHSITE_ALARMS              who is told of changes: Apprise addresses, separated by spaces; nobody by default
CACHE_URL                     a cache that all workers share, for those limits; each worker's own by default
"""

from __future__ import annotations

from pathlib import Path

import environ

from benchsite.secret_key import read_or_make_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = Path(env.str("BENCHSITE_VAR", default=str(BASE_DIR / "var")))
SPOOL_DIR = VAR_DIR / "spool"

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or read_or_make_secret_key(VAR_DIR / "secret_key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "runs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "runs.middleware.ApiConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "runs.middleware.ViewingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "benchsite.urls"
WSGI_APPLICATION = "benchsite.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
# A new connection to PostgreSQL costs more than most calls: each thread keeps its own, and asks whether it is alive.
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers never wait for the writer, a second writer waits instead of failing, and every write is one lock.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    # Connecting costs PostgreSQL more than storing a run does.
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
_NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *(
        (prefix, folder)
        for prefix, folder in (
            ("vendor/chart.js", _NODE_MODULES / "chart.js" / "dist"),
            ("vendor/zoom", _NODE_MODULES / "chartjs-plugin-zoom" / "dist"),
            ("vendor/hammer", _NODE_MODULES / "hammerjs"),
            ("vendor/svgcanvas", _NODE_MODULES / "svgcanvas" / "dist"),
            ("vendor/inter", _NODE_MODULES / "@fontsource-variable" / "inter" / "files"),
        )
        if folder.is_dir()
    ),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True

# ---------------------------------------------------------------- accounts and the API

BENCHSITE_PUBLIC_READ = env.bool("BENCHSITE_PUBLIC_READ", default=True)
SITE_URL = env.str("BENCHSITE_SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
ALARMS = env.str("BENCHSITE_ALARMS", default="").split()
BENCHSITE_CALLS_PER_TOKEN = env.int("BENCHSITE_CALLS_PER_TOKEN", default=60_000)
BENCHSITE_CALLS_PER_ADDRESS = env.int("BENCHSITE_CALLS_PER_ADDRESS", default=6_000)
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "tokens"
LOGOUT_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "runs.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["runs.api.authentication.ReadsAreOpen"],
    "DEFAULT_THROTTLE_CLASSES": ["runs.api.throttling.CallsPerMinute"],
    "DEFAULT_RENDERER_CLASSES": ["runs.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "runs.api.exceptions.answer",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": env.int("BENCHSITE_PROXIES", default=0),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Benchsite",
    "DESCRIPTION": "Runs of deep-learning frameworks: upload them, read them, compare them.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "DEFAULT_GENERATOR_CLASS": "runs.api.schema.Generator",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["runs.api.schema.add_components"],
    "DISABLE_ERRORS_AND_WARNINGS": False,
}

if env.bool("BENCHSITE_HTTPS", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
