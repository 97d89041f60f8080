"""The samples of the documentation, for the site's own page: the same songs, sounds and drawings."""

import re
from functools import cache

from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from unbraid_web.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "listen" / "index.html"


@cache
def sections() -> SafeString:
    """Return the part of the documentation's page with the songs; sounds have their address on this site."""
    page = PAGE.read_text(encoding="utf-8")
    songs = page[page.index("<section>") : page.rindex("</section>") + len("</section>")]
    return mark_safe(re.sub(r'src="([^"]+)"', lambda found: f'src="{static(f"listen/{found[1]}")}"', songs))
