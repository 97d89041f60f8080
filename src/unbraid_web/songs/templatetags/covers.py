"""A song's cover, drawn from its sound."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from unbraid_web.songs.models import Song

register = template.Library()


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
