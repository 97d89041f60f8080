"""The site as a WSGI application, for any server; files go out through the server's own sendfile."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unbraid_web.settings")
application = get_wsgi_application()
