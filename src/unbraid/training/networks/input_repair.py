"""Makes the band powers of a broken or soft recording look like those of an intact, loud one.

Only what the network looks at changes, not what it masks, so the stems still sum to the song.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor

TARGET_POWER = 3e4
"""Power of a frame, both channels together, at about 24 dB below full scale (RMS). Most songs are louder throughout."""
MAX_GAIN = 1e5
"""50 dB. What is still softer is silence."""
LOST_CHANNEL = 1e-5
"""A channel 50 dB below the other one is lost."""
UNRELATED, RELATED = 0.1, 0.15
"""Below the first correlation, channels have nothing in common; above the second, they are one recording."""


def repair_channels(powers: Tensor, around: int) -> Tensor:
    """Return powers of each view as if no channel were lost, inverted or a recording of its own.

    A lost channel becomes a copy of the other. Of mid and side, the louder one counts as mid. Channels that have
    nothing in common, as in the sixties, when the voice was on one side and the band on the other, become their mono
    fold. So a broken recording looks like one the network knows, and an inverted one gets exactly the masks of the
    intact song.

    Args:
        powers: of left, right, mid and side, (batch, 4, frames, bands).
        around: frames on each side over which loudness is measured.
    """
    loudness = F.avg_pool2d(powers.sum(3, keepdim=True), (2 * around + 1, 1), stride=1, padding=(around, 0))
    left_loudness, right_loudness, mid_loudness, side_loudness = loudness.split(1, 1)
    left, right, mid, side = powers.split(1, 1)
    inverted = side_loudness > mid_loudness
    whole = torch.cat([left, right, torch.where(inverted, side, mid), torch.where(inverted, mid, side)], 1)
    # |mid|² − |side|² is the product of left and right
    alike = (mid_loudness - side_loudness).abs() / (left_loudness * right_loudness + 1e-9).sqrt()
    folded = torch.cat([mid, mid, mid, torch.zeros_like(mid)], 1)
    whole = torch.lerp(folded, whole, ((alike - UNRELATED) / (RELATED - UNRELATED)).clamp(0, 1))
    louder = torch.maximum(left, right)
    copied = torch.cat([louder, louder, louder, torch.zeros_like(louder)], 1)
    lost = torch.minimum(left_loudness, right_loudness) < LOST_CHANNEL * torch.maximum(left_loudness, right_loudness)
    return torch.where(lost, copied, whole)


def make_up_gain(powers: Tensor, around: int) -> Tensor:
    """Return power gains ≥ 1 that bring the loudest frame nearby to `TARGET_POWER`, (batch, 1, frames, 1).

    Soft songs would sink into the floor of the logarithm, and the network would have to learn each level anew.

    Args:
        powers: of the channels, (batch, channels, frames, bands).
        around: frames on each side that are nearby.
    """
    loudness = powers.sum((1, 3), keepdim=True)
    loudest = F.max_pool2d(loudness, (2 * around + 1, 1), stride=1, padding=(around, 0))
    return (TARGET_POWER / loudest.clamp_min(TARGET_POWER / MAX_GAIN)).clamp_min(1.0)
