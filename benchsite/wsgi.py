import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchsite.settings")
application = get_wsgi_application()

import benchsite.urls  # noqa: E402, F401 - loads every view now, not in the first visitor's time

# What is loaded by now stays loaded: otherwise the collector goes through all of it in the middle of requests, and a
# batch of a thousand records makes it do so often.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
