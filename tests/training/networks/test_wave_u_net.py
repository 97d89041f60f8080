import pytest
import torch

from unbraid.training.networks.wave_u_net import WAVE_U_NETS, WaveUNet, WaveUNetConfig


def parameters(config: WaveUNetConfig) -> int:
    with torch.device("meta"):  # counted, not filled
        return sum(weight.numel() for weight in WaveUNet(config).parameters())


@pytest.mark.parametrize(
    ("name", "millions"),
    [("m1", 10.26), ("m2", 10.26), ("m3", 10.26), ("m4", 10.26), ("m5", 10.27), ("m5-highsr", 10.27), ("m6", 10.26)],
)
def test_the_published_networks_have_the_published_number_of_parameters(name: str, millions: float) -> None:
    assert round(parameters(WAVE_U_NETS[name]) / 1e6, 2) == millions


def test_m7_has_the_published_number_of_parameters() -> None:
    assert round(parameters(WAVE_U_NETS["m7"]) / 1e6, 1) == 20.6


@pytest.mark.parametrize("name", ["m3", "m4", "m5", "m6", "m5-highsr"])
def test_context_has_the_published_shapes(name: str) -> None:
    assert WAVE_U_NETS[name].shapes(16_384) == (147_443, 16_389)


@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("downsampling", ["decimation", "strided"])
@pytest.mark.parametrize("upsampling", ["linear", "learned"])
def test_every_variant_answers_as_many_samples_as_it_says(context: bool, downsampling: str, upsampling: str) -> None:
    config = WaveUNetConfig(
        levels=4,
        channels=4,
        context=context,
        downsampling=downsampling,  # type: ignore[arg-type]
        upsampling=upsampling,  # type: ignore[arg-type]
    )
    longer, output = config.shapes(500)
    assert output >= 500
    assert WaveUNet(config)(torch.zeros(1, 1, longer)).shape == (1, 2, 1, output)


def test_difference_output_sums_to_the_mixture() -> None:
    config = WaveUNetConfig(levels=3, channels=4, audio_channels=2, output="difference")
    mixture = torch.rand(2, 2, 512) - 0.5
    assert torch.allclose(WaveUNet(config)(mixture).sum(1), mixture, atol=1e-6)


def test_direct_output_does_not_sum_by_itself() -> None:
    config = WaveUNetConfig(levels=3, channels=4, output="direct")
    mixture = torch.rand(1, 1, 512) - 0.5
    assert not torch.allclose(WaveUNet(config)(mixture).sum(1), mixture, atol=1e-2)


def test_a_shift_by_the_stride_shifts_the_answer() -> None:
    torch.manual_seed(0)
    config = WaveUNetConfig(levels=4, channels=4, context=True)
    network = WaveUNet(config).eval()
    longer, _ = config.shapes(200)
    song = torch.randn(1, 1, longer + config.stride)
    with torch.no_grad():
        here, there = network(song[..., :longer]), network(song[..., config.stride :])
    assert torch.allclose(here[..., config.stride :], there[..., : -config.stride], atol=1e-5)
    assert not torch.allclose(here[..., 1:], there[..., :-1], atol=1e-3)
