"""Networks small enough to train in a test."""

from unbraid.training.data.mixes import MixingConfig
from unbraid.training.data.recording_chain import CLEAN_RECORDING
from unbraid.training.networks.filter_bank_u_net import FilterBankUNetConfig
from unbraid.training.networks.network import NetworkConfig
from unbraid.training.networks.wave_u_net import WaveUNetConfig
from unbraid.training.presets import Preset

BANK = FilterBankUNetConfig(
    window=512,
    hop=128,
    bands=((1, 64), (4, 48)),
    channels=(16, 32),
    down=((1,),),
    bottom=(1,),
    up=((1,),),
    tdf_features=8,
    fine_channels=8,
)
WAVE = WaveUNetConfig(
    sources=("vocals", "drums", "bass", "piano", "other"),
    sample_rate=44_100,
    audio_channels=2,
    levels=2,
    channels=4,
    context=True,
    output="difference",
)
PLAIN = MixingConfig(p_same_song=1.0, speed_spread=0.0, p_limit=0.0, recording=CLEAN_RECORDING)


def tiny(network: NetworkConfig, loss: str) -> Preset:
    """A preset that learns within seconds."""
    return Preset("tiny", network, loss, seconds=0.3, batch=2, learning_rate=3e-3, warm_up=5, ema=0.9, mixing=PLAIN)
