"""Static files under names that carry a hash of their contents, ES modules included: cached for ever, never stale."""

from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import File


class HashedModules(ManifestStaticFilesStorage):
    """Also rewrites the `import` lines of our modules to the hashed names."""

    support_js_module_import_aggregation = True
    manifest_strict = False  # a name that was never gathered is a 404 for one file, not an error page

    def hashed_name(self, name: str, content: File[Any] | None = None, filename: str | None = None) -> str:
        """Keep the plain name of what was not collected: while developing, and for source maps that nobody ships."""
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return name
