"""Corrects packet times that FFmpeg only guesses: after damage, and where a song begins in the middle of another."""

from collections.abc import Iterable, Iterator
from typing import Any

JITTER = 0.005  # s; less is rounding


def with_true_times(packets: Iterable[Any], container: str) -> Iterator[Any]:
    """Yield packets of a container (FFmpeg's name) with the times that the file's bytes state."""
    if container == "ogg":
        return _counted_from_page_ends(packets)
    if container == "flac":
        return _by_frame_numbers(packets)
    return iter(packets)


def _counted_from_page_ends(packets: Iterable[Any]) -> Iterator[Any]:
    """An Ogg page says when its sound ends; FFmpeg takes the end of the last page it could read as its beginning.

    So times are too early on the first page of an excerpt and on a page after a lost one: they are counted back from
    the following packet, whose time is right.
    """
    page: list[Any] = []
    for packet in packets:
        if page and packet.pos != page[0].pos:
            yield from _moved_up_to(packet.pts, page)
            page = []
        if packet.size:
            page.append(packet)
        else:
            yield packet
    yield from page


def _moved_up_to(end: int | None, page: list[Any]) -> list[Any]:
    if end is None or any(packet.pts is None or not packet.duration for packet in page):
        return page
    late = end - page[-1].pts - page[-1].duration
    if abs(late) * page[0].time_base > JITTER:
        for packet in page:
            packet.pts += late
            packet.dts = packet.pts
    return page


def _by_frame_numbers(packets: Iterable[Any]) -> Iterator[Any]:
    """Each FLAC frame has a number, which FFmpeg ignores where damage joins several into one packet."""
    for packet in packets:
        header = bytes(memoryview(packet)[:11]) if packet.size else b""
        if len(header) == 11 and header[0] == 0xFF and header[1] & 0xFE == 0xF8:
            usual = int.from_bytes(packet.stream.codec_context.extradata[2:4], "big")  # samples in a frame
            if header[1] & 1:  # it counts samples, not frames
                packet.pts = packet.dts = _coded_number(header[4:])
            elif packet.duration == usual:  # neither the last one nor one of another song
                packet.pts = packet.dts = _coded_number(header[4:]) * usual
        yield packet


def _coded_number(content: bytes) -> int:
    """Return a number that is written as UTF-8 would be, in up to seven bytes."""
    ones = 8 - (content[0] ^ 0xFF).bit_length()
    number = content[0] & (0x7F >> ones)
    for byte in content[1:ones]:
        number = number << 6 | byte & 0x3F
    return number
