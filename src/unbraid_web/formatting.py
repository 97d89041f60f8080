"""Numbers as people read them: times, sizes, percent."""

from typing import Any

from django import template

register = template.Library()


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
    """Return the remaining time in everyday words."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10} seconds"
    minutes = round(seconds / 60)
    return "about a minute" if minutes <= 1 else f"about {minutes} minutes"


@register.filter
def duration(seconds: float) -> str:
    """Return a length of time in the largest unit of which it has at least two: 90 seconds, 60 minutes, 30 days."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}s"
    return f"{seconds:.0f} second{'' if round(seconds) == 1 else 's'}"


@register.filter
def percent(fraction: Any) -> str:
    """Return a fraction as whole percent."""
    return f"{round(100 * float(fraction or 0))}%"


@register.filter
def sentence(text: str) -> str:
    """Return the text with a capital letter at the beginning and a full stop at the end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


@register.filter
def ordinal(number: int) -> str:
    """Return a position in a queue in words: second, third, 4th."""
    names = {1: "first", 2: "second", 3: "third"}
    last = number % 100 if 10 < number % 100 < 14 else number % 10
    return names.get(number) or f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
