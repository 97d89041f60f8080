"""Which licences training material may have."""

from __future__ import annotations

# SPDX identifiers. All allow use, change and sharing, also for money; none forbids derived works.
ALLOWED = frozenset(
    (
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "MIT",
        "Public-Domain",
    )
)

# More licences are allowed for validation than for training: validation leaves nothing in the weights.
ALLOWED_FOR_VALIDATION = ALLOWED | {"GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-or-later"}
