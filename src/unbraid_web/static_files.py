"""Static files under names that carry a hash of their contents, ES modules included: cached for ever, never stale."""

from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import File

from unbraid_web.paths import PACKAGE

_, IMPORTS = ManifestStaticFilesStorage._js_module_import_aggregation_patterns  # type: ignore[attr-defined]
OURS = sorted(folder.name for folder in PACKAGE.glob("**/static/*"))


class HashedModules(ManifestStaticFilesStorage):
    """Also rewrites the `import` lines of our modules to the hashed names."""

    # only in our folders: to look through other people's bundles would take a second at every start
    patterns = (
        *ManifestStaticFilesStorage.patterns,
        *((f"{folder}/*.js", IMPORTS) for folder in OURS),
    )
    manifest_strict = False  # a name that was never gathered is a 404 for one file, not an error page

    def hashed_name(self, name: str, content: File[Any] | None = None, filename: str | None = None) -> str:
        """Keep the plain name of files that were not collected: during development, and for missing source maps."""
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return name
