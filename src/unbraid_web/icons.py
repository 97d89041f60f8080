"""The icons of the pages."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Drawn on a 24-pixel grid with a line of 2, for this site.
ICONS = {
    "play": '<path d="M7 4.5v15l13-7.5z" fill="currentColor" stroke-linejoin="round"/>',
    "pause": '<path d="M8 5v14M16 5v14" stroke-width="4"/>',
    "start": '<path d="M6 5v14M19 5.5v13L9 12z" stroke-linejoin="round"/>',
    "loop": '<path d="M4 11a6 6 0 0 1 6-6h9m-3-3 3 3-3 3M20 13a6 6 0 0 1-6 6H5m3 3-3-3 3-3"/>',
    "original": '<circle cx="12" cy="12" r="9"/><circle cx="12" cy="12" r="2.5"/>',
    "upload": '<path d="M12 16V4m-5 5 5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3"/>',
    "download": '<path d="M12 4v12m-5-5 5 5 5-5M4 19v1h16v-1"/>',
    "share": '<path d="M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1"/>',
    "trash": '<path d="M4 7h16M10 4h4M6 7l1 13h10l1-13M10 11v5M14 11v5"/>',
    "pen": '<path d="m4 20 1-4L16 5l3 3L8 19zM14 7l3 3"/>',
    "search": '<circle cx="11" cy="11" r="6"/><path d="m16 16 4 4"/>',
    "wave": '<path d="M4 10v4M8 6v12M12 9v6M16 4v16M20 10v4"/>',
    "spectrum": '<path d="M4 20V9M9 20V4M14 20v-8M19 20v-5" stroke-width="3"/>',
    "close": '<path d="m6 6 12 12M18 6 6 18"/>',
    "check": '<path d="m5 13 4 4L19 7"/>',
    "retry": '<path d="M4 12a8 8 0 1 1 3 6M4 12V6m0 6h6"/>',
    "mixer": '<path d="M6 4v16M12 4v16M18 4v16M4 14h4M10 8h4M16 16h4"/>',
    "keys": '<rect x="3" y="6" width="18" height="12" rx="2"/><path d="M7 10h.01M11 10h.01M15 10h.01M8 14h8"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4 20a8 8 0 0 1 16 0"/>',
    "moon": '<path d="M19 14A8 8 0 0 1 10 5a8 8 0 1 0 9 9z"/>',
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a drawing that takes the colour of the text; it says nothing, so the text beside it must."""
    drawing = mark_safe(ICONS[name])  # from the table above
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        drawing,
    )
