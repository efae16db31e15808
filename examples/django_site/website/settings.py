"""Settings of a small site. What TaskForge needs is INSTALLED_APPS and TASKS."""

import os
from pathlib import Path

DATABASE = os.environ.get("SITE_DB", Path(__file__).parents[1] / "site.db")

SECRET_KEY = os.environ.get("SITE_SECRET", "of an example, which nobody else can reach")
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
ROOT_URLCONF = "website.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE,
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
INSTALLED_APPS = ["orders", "taskforge.contrib.django"]
TASKS = {
    "default": {
        "BACKEND": "taskforge.contrib.django.TaskForgeBackend",
        "OPTIONS": {"database": "default", "job_options": {"max_attempts": 3}},
    }
}
