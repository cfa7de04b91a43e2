import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchsite.settings")
application = get_wsgi_application()

import benchsite.urls  # noqa: E402, F401 - loads every view now, not in the first visitor's time
from runs.records.garbage import collect_seldom  # noqa: E402

collect_seldom()
