import numpy as np
import pytest
import torch

from tests.training.tiny_networks import BANK
from unbraid.inference import filter_bank
from unbraid.training.losses import MaskedSpectrum
from unbraid.training.networks.filter_bank_u_net import FilterBankUNet, FilterBankUNetConfig, MaskGraph
from unbraid.training.networks.input_repair import make_up_gain, repair_channels


@pytest.fixture(scope="module")
def network() -> FilterBankUNet:
    torch.manual_seed(0)
    network = FilterBankUNet(BANK).eval()
    for weight in network.parameters():  # away from the identity that blocks start as
        torch.nn.init.normal_(weight, std=0.1)
    return network


def test_its_filter_bank_is_the_one_of_inference(network: FilterBankUNet) -> None:
    audio = torch.randn(2, 128 * 20)
    ours = torch.view_as_complex(network.bank.analysis(audio)).numpy()
    theirs = filter_bank.analysis(audio.numpy(), BANK.window, BANK.hop)
    assert np.abs(ours - theirs).max() < 1e-4
    back = network.bank.synthesis(network.bank.analysis(audio))
    assert (back - audio)[..., 512:-512].abs().max() < 1e-5


def test_stems_sum_to_the_mixture(network: FilterBankUNet) -> None:
    mixture = torch.randn(1, 2, BANK.stride * 16)
    with torch.no_grad():
        stems = network(mixture)
    assert stems.shape == (1, 5, 2, BANK.stride * 16)
    assert (stems.sum(1) - mixture)[..., 512:-512].abs().max() < 1e-5
    assert stems.std(1).max() > 1e-3, "the masks of all sources are the same: the test shows nothing"


def test_an_answer_depends_on_its_context_alone(network: FilterBankUNet) -> None:
    context, middle = BANK.tile_context, 4 * BANK.stride
    song = torch.randn(1, 2, 2 * context + middle)
    other = torch.randn(1, 2, 2 * context + middle + 16 * BANK.stride)
    other[..., 8 * BANK.stride : 8 * BANK.stride + song.shape[-1]] = song
    with torch.no_grad():
        alone = network(song)[..., context : context + middle]
        within = network(other)[..., 8 * BANK.stride + context : 8 * BANK.stride + context + middle]
    assert (alone - within).abs().max() < 1e-4


def test_what_is_exported_answers_the_middle_of_a_tile_as_the_whole_of_it(network: FilterBankUNet) -> None:
    context = BANK.tile_context // BANK.hop
    powers = 100 * torch.rand(1, 4, 2 * context + 13 * 2**BANK.levels, BANK.n_bands)
    with torch.no_grad():
        whole, middle = network.band_masks(powers), MaskGraph(network)(powers)
    assert middle.std(1).max() > 1e-3, "the masks of all sources are the same: the test shows nothing"
    assert (middle - whole[:, :, :, context:-context]).abs().max() < 1e-5


def test_broken_recordings_get_the_masks_of_the_whole_song(network: FilterBankUNet) -> None:
    middle, side = 0.3 * torch.randn(2, 1, 1, BANK.stride * 64)
    song = torch.cat([middle + 0.3 * side, middle - 0.3 * side], 1)
    inverted = torch.tensor([[[1.0], [-1.0]]])
    with torch.no_grad():
        masks, other_way, soft = (
            network.masks(network.bank.analysis(x)) for x in (song, song * inverted, song * 10 ** (-40 / 20))
        )
        left_only = network.masks(network.bank.analysis(song * torch.tensor([[[1.0], [0.0]]])))[:, :, 0]
        both_left = network.masks(network.bank.analysis(song[:, :1].expand(-1, 2, -1)))[:, :, 0]
    assert masks.std(1).max() > 1e-3, "the masks of all sources are the same: the test shows nothing"
    assert (other_way - masks).abs().max() < 1e-4
    assert (soft - masks).abs().max() < 1e-4
    assert (left_only - both_left).abs().max() < 1e-4


def test_channels_that_have_nothing_in_common_get_the_masks_of_their_mono_fold(network: FilterBankUNet) -> None:
    """The voice left and the band right, as in the sixties; of a stereo recording, both sides hold the middle."""
    apart = 0.3 * torch.randn(1, 2, BANK.stride * 64)
    together = apart + 0.3 * torch.randn(1, 1, BANK.stride * 64)
    with torch.no_grad():
        powers, whole = (network.powers(network.bank.analysis(x)) for x in (apart, together))
        folded = network.masks(network.bank.analysis(apart.mean(1, keepdim=True).expand(-1, 2, -1)))
        masks = network.masks(network.bank.analysis(apart))
    assert repair_channels(powers, BANK.n_bands)[:, 3].max() == 0, "the channels of the test are related"
    assert (masks - folded).abs().max() < 1e-4
    assert (repair_channels(whole, BANK.n_bands) == whole).all()


def test_no_frame_near_a_loud_one_is_made_louder(network: FilterBankUNet) -> None:
    audio = 0.001 * torch.randn(1, 2, BANK.stride * 64)
    loud = BANK.stride * 32
    audio[..., loud : loud + 4 * BANK.stride] *= 1000
    powers = network.powers(network.bank.analysis(audio))
    gain = make_up_gain(powers[:, :2], BANK.loudness_frames).flatten()
    first, last = loud // BANK.hop, (loud + 4 * BANK.stride) // BANK.hop - 1
    near = slice(first - BANK.loudness_frames + 1, last + BANK.loudness_frames)
    assert (gain[near] == 1).all()
    assert (gain[: first - BANK.loudness_frames - 2] > 10).all()
    assert (make_up_gain(torch.zeros(1, 2, 16, BANK.n_bands), BANK.loudness_frames) < 2e5).all(), (
        "silence has a bound, too"
    )


def test_the_shipped_network_fits_its_size_limit() -> None:
    with torch.device("meta"):
        network = FilterBankUNet(FilterBankUNetConfig())
    assert sum(weight.numel() for weight in network.parameters()) * 2 < 40e6


def test_its_first_layer_learns_the_same_in_bfloat16() -> None:
    torch.manual_seed(0)
    network = FilterBankUNet(FilterBankUNetConfig())
    views = torch.randn(2, network.views, 32, network.config.n_bands)
    with torch.no_grad():
        expected = network.embed_bands(views)
        with torch.autocast("cpu", torch.bfloat16):
            narrow = network.embed_bands(views)
    assert (narrow - expected).norm() < 0.02 * expected.norm()


def test_bands_must_cover_the_spectrum() -> None:
    with pytest.raises(ValueError, match="256 coefficients"):
        FilterBankUNetConfig(window=512, hop=128, bands=((1, 10),))


def test_the_loss_on_bands_is_the_error_of_the_masked_spectrum() -> None:
    """Against the plain way: mask the spectrum, subtract, take the norm over each band."""
    torch.manual_seed(0)
    network = FilterBankUNet(BANK).eval()
    stems = torch.randn(2, 5, 2, BANK.stride * 8)
    stems[:, 3] = 0
    with torch.no_grad():
        found = network.training_loss(stems, MaskedSpectrum(floor=1e-4))
        sources = network.bank.analysis(stems)
        mixture = sources.sum(1, keepdim=True)
        error = network.masks(mixture[:, 0]).unsqueeze(-1) * mixture - sources
        e, s, x = (
            network.bank.sum_by_band(z.square().sum(-1)).mean((2, 3, 4)).sqrt() for z in (error, sources, mixture)
        )
    assert found.item() == pytest.approx((e / (s + 0.5 * x)).mean().item(), rel=1e-3)


def test_masks_of_sources_not_merge_apart_count_as_one() -> None:
    torch.manual_seed(0)
    network = FilterBankUNet(BANK).eval()
    stems = torch.randn(1, 5, 2, BANK.stride * 8)
    stems[:, 2:] = 0  # the second holds the sum of the last four
    merge = torch.tensor([[[1.0, 0, 0, 0, 0], [0, 1, 1, 1, 1], *[[0] * 5] * 3]])
    with torch.no_grad():
        found = network.training_loss(stems, MaskedSpectrum(), merge)
        sources = network.bank.analysis(stems)
        mixture = sources.sum(1, keepdim=True)
        masks = network.masks(mixture[:, 0])
        error = torch.stack([masks[:, 0], masks[:, 1:].sum(1)], 1).unsqueeze(-1) * mixture - sources[:, :2]
        e, s, x = (
            network.bank.sum_by_band(z.square().sum(-1)).mean((2, 3, 4)).sqrt()
            for z in (error, sources[:, :2], mixture)
        )
    # three of the five have neither signal nor mask
    assert found.item() == pytest.approx((e / (s + 0.5 * x)).sum().item() / 5, rel=1e-2)


def test_every_level_says_its_blocks() -> None:
    with pytest.raises(ValueError, match="3 levels want blocks"):
        FilterBankUNetConfig(down=((1,), (1,)))
