"""How the compressed segments of a stem fit together: numbers that the worker and the mixer share.

    segment 7              ├lead┤────────── 5 s ──────────┤rest┤
    segment 8                                       ├lead┤────────── 5 s ──────────┤rest┤

An Opus decoder needs some sound before its output is right, and the browser's resampler some beyond the end, so each
segment begins earlier and ends later than the part that is heard; the mixer cuts that away. Decoders differ in how much
of the codec's delay they remove at the beginning. A segment fills its packets to the last sample, so nothing is ever
removed at the end, and its length as decoded says where it begins.
"""

SEGMENT_SECONDS = 5
RATE = 48_000  # that of Opus
BITS_PER_SECOND = 64_000  # of a stereo stem
PACKET = 960  # samples, 20 ms
DELAY = 312  # samples that the encoder puts before the sound
LEAD_SECONDS = 0.08
FRAMES = -(-(round((LEAD_SECONDS + SEGMENT_SECONDS) * RATE) + DELAY) // PACKET) * PACKET - DELAY
SECONDS = FRAMES / RATE
