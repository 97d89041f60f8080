"""How songs and times look in templates: icons, covers, minutes and seconds."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from unbraid_web.songs.models import Song

register = template.Library()

# Drawn on a 24-pixel grid with a line of 2, for this site.
ICONS = {
    "play": '<path d="M7 4.5v15l13-7.5z" fill="currentColor" stroke-linejoin="round"/>',
    "pause": '<path d="M8 5v14M16 5v14" stroke-width="4"/>',
    "start": '<path d="M6 5v14M19 5.5v13L9 12z" stroke-linejoin="round"/>',
    "loop": '<path d="M4 11a6 6 0 0 1 6-6h9m-3-3 3 3-3 3M20 13a6 6 0 0 1-6 6H5m3 3-3-3 3-3"/>',
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


@register.simple_tag
def cover(song: Song, size: int = 64) -> SafeString:
    """Return the song's cover: its loudness, drawn on its colour."""
    outline = song.outline or [20] * 64
    most = max(*outline, 64)
    tall = [1 + 18 * max(outline[at : at + 4]) / most for at in range(0, 64, 4)]
    bars = "".join(f"M{9 + 3 * n} {32 - half:.1f}v{2 * half:.1f}" for n, half in enumerate(tall))
    return format_html(
        '<svg class="cover" viewBox="0 0 64 64" width="{0}" height="{0}" aria-hidden="true">'
        '<rect width="64" height="64" rx="10" fill="hsl({1} 55% 34%)"/>'
        '<circle cx="56" cy="6" r="30" fill="hsl({2} 65% 45%)" opacity=".5"/>'
        '<path d="{3}" stroke="hsl({1} 90% 92%)" stroke-width="2.2" stroke-linecap="round"/></svg>',
        size,
        song.hue,
        (song.hue + 50) % 360,
        bars,
    )


@register.filter
def clock(seconds: Any) -> str:
    """Return seconds as m:ss or h:mm:ss."""
    if seconds is None:
        return "–:––"
    whole = round(float(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


@register.filter
def size(count: Any) -> str:
    """Return bytes as people count them, in thousands: 9.5 MB, 500 MB, 10 GB."""
    amount, units = float(count or 0), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} {units[0]}" if amount >= 10 or units[0] == "bytes" else f"{amount:.1f} {units[0]}"


@register.filter
def roughly(seconds: float) -> str:
    """Return how long something still takes, as people say it."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10} seconds"
    minutes = round(seconds / 60)
    return "about a minute" if minutes <= 1 else f"about {minutes} minutes"


@register.filter
def percent(fraction: Any) -> str:
    """Return a fraction as whole percent."""
    return f"{round(100 * float(fraction or 0))} %"
