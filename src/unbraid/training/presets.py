"""Named recipes: which network, which loss, how it is fed and stepped."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from unbraid.errors import UsageError
from unbraid.training.data.mixes import MixingConfig
from unbraid.training.losses import L1, MSE, MaskedSpectrum, MultiResolutionSTFT, Weighted
from unbraid.training.networks.filter_bank_u_net import FilterBankUNet, FilterBankUNetConfig
from unbraid.training.networks.wave_u_net import WAVE_U_NETS, WaveUNet, WaveUNetConfig

Network = FilterBankUNet | WaveUNet


@dataclass(frozen=True)
class Preset:
    """One way to train.

    Attributes:
        loss: a key of `LOSSES`.
        seconds: length of what the network answers in an excerpt, rounded to what its shape allows.
        optimiser: a key of `OPTIMISERS`.
        warm_up: steps over which the learning rate rises.
        ema: decay of the exponential moving average of the weights, per step.
    """

    name: str
    network: FilterBankUNetConfig | WaveUNetConfig
    loss: str
    seconds: float = 4.5
    batch: int = 8
    optimiser: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    warm_up: int = 100
    ema: float = 0.999
    mixing: MixingConfig = field(default_factory=MixingConfig)

    @property
    def excerpt_samples(self) -> int:
        """Samples of an excerpt, context included."""
        wanted = self.seconds * self.network.sample_rate
        if isinstance(self.network, WaveUNetConfig):
            return self.network.shapes(round(wanted))[0]
        return max(1, round(wanted / self.network.stride)) * self.network.stride

    def build(self) -> Network:
        """A freshly initialised network."""
        if isinstance(self.network, FilterBankUNetConfig):
            return FilterBankUNet(self.network)
        return WaveUNet(self.network)

    def build_loss(self) -> nn.Module:
        """The loss that a step minimises."""
        return LOSSES[self.loss]()


LOSSES: dict[str, Callable[[], nn.Module]] = {
    "mse": MSE,
    "l1": L1,
    "stft": MultiResolutionSTFT,
    "l1+stft": lambda: Weighted({"l1": 1.0, "stft": 0.1}),
    "masked-spectrum": MaskedSpectrum,
}

PRESETS: dict[str, Preset] = {
    "unbraid": Preset(
        "unbraid", FilterBankUNetConfig(), "masked-spectrum", seconds=6, batch=2, optimiser="muon", learning_rate=2e-3
    ),
    # the published networks with the published loss and optimiser step (Stoller et al. 2018, section 4.2)
    **{
        name: Preset(
            name, network, "mse", seconds=16384 / network.sample_rate, batch=16, learning_rate=1e-4, weight_decay=0.0
        )
        for name, network in WAVE_U_NETS.items()
    },
}


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in PRESETS:
        raise UsageError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
