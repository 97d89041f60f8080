"""Named training recipes: network, loss, mixing and optimiser."""

from dataclasses import dataclass, field, replace

from torch import nn

from unbraid.errors import UsageError
from unbraid.stems import STEMS
from unbraid.training.data.mixes import MixingConfig
from unbraid.training.losses import LOSSES, MASK_LOSSES, WAVEFORM_LOSSES
from unbraid.training.networks.filter_bank_u_net import FilterBankUNetConfig
from unbraid.training.networks.network import NetworkConfig
from unbraid.training.networks.wave_u_net import WAVE_U_NETS


@dataclass(frozen=True)
class Preset:
    """One way to train.

    Attributes:
        name: the preset's name, also stored in checkpoints and model files.
        network: what is trained.
        loss: a key of `LOSSES`.
        seconds: length of the network's output for an excerpt, rounded to what its shape allows.
        batch: excerpts in a step.
        optimiser: a key of `OPTIMISERS`.
        learning_rate: the highest, between warm-up and decay.
        weight_decay: of matrices, per step and relative to the learning rate.
        gradient_norm: the norm that longer gradients are clipped to.
        warm_up: steps over which the learning rate rises.
        ema: decay of the exponential moving average of the weights, per step.
        mixing: how examples are put together.

    Raises:
        UsageError: batch, learning rate or warm-up is out of range, or the loss does not fit the network.
    """

    name: str
    network: NetworkConfig
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

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UsageError("A batch holds at least one excerpt.")
        if not 0 < self.learning_rate < 1:
            raise UsageError("A learning rate lies between 0 and 1.")
        if self.warm_up < 1:
            raise UsageError("A warm-up takes at least one step.")
        fitting = MASK_LOSSES if self.network.model_facts()["filter_bank"] else WAVEFORM_LOSSES
        if self.loss not in fitting:
            raise UsageError(f"There is no loss {self.loss!r} for this network; choose one of {', '.join(fitting)}.")

    @property
    def excerpt_samples(self) -> int:
        """Samples of an excerpt, context included."""
        return self.network.excerpt_samples(self.seconds)

    def build_loss(self) -> nn.Module:
        """The loss that a step minimises."""
        return LOSSES[self.loss]()


PRESETS: dict[str, Preset] = {
    "unbraid": Preset(
        "unbraid", FilterBankUNetConfig(), "masked-spectrum", seconds=6, batch=2, optimiser="muon", learning_rate=2e-3
    ),
    # the published network in its best variant, for our stems, with the spectral loss
    "wave-u-net": Preset(
        "wave-u-net",
        replace(WAVE_U_NETS["m5-highsr"], sources=STEMS),
        "l1+stft",
        seconds=3,
        batch=1,
        optimiser="muon",
        weight_decay=0.0,
    ),
    # the published networks with the published loss and optimiser step (Stoller et al. 2018, section 4.2)
    **{
        name: Preset(
            name, network, "mse", seconds=16384 / network.sample_rate, batch=16, learning_rate=1e-4, weight_decay=0.0
        )
        for name, network in WAVE_U_NETS.items()
    },
}


def find_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        UsageError: there is no such preset.
    """
    if name not in PRESETS:
        raise UsageError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
