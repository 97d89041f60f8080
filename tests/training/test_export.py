from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny_networks import BANK, WAVE
from unbraid import Separator
from unbraid.errors import TrainingError, UsageError
from unbraid.inference.dc_blocker import without_offset
from unbraid.training import export
from unbraid.training.checkpoint import averaged_weights, load_weights
from unbraid.training.networks.network import NetworkConfig, SeparationNetwork

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning"
)  # of torch's own exporter


def build(config: NetworkConfig) -> SeparationNetwork:
    torch.manual_seed(0)
    network = config.build()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    return network.eval()


@pytest.mark.parametrize("config", [BANK, WAVE], ids=["bank", "wave"])
def test_the_separator_gives_what_pytorch_gives(tmp_path: Path, config: NetworkConfig) -> None:
    network = build(config)
    export.write_model(network, "tiny", tmp_path / "tiny.onnx")
    separator = Separator(tmp_path / "tiny.onnx", precision="fp32", tile_seconds=0.5)
    assert separator.sources == config.sources
    mixture = 0.2 * np.random.default_rng(0).standard_normal((2, 100_000)).astype(np.float32)
    found = separator.separate_array(mixture, 44_100)
    heard = np.concatenate(list(without_offset([mixture], 44_100)), axis=1)  # the rest of it goes into the last stem
    expected = network.separate(torch.from_numpy(heard)).numpy()
    expected[-1] += mixture - heard
    margin = 2_048  # at the very ends PyTorch's padding and silence beyond the song are not the same
    for i, source in enumerate(config.sources):
        difference = np.abs(found[source] - expected[i])[:, margin:-margin].max()
        assert difference < 2e-3, source  # weights are stored in half precision
    assert np.abs(sum(found.values()) - mixture).max() < 1e-6


@pytest.mark.parametrize("config", [BANK, WAVE], ids=["bank", "wave"])
def test_a_training_can_go_on_from_a_model(tmp_path: Path, config: NetworkConfig) -> None:
    network, path = build(config), tmp_path / "tiny.onnx"
    export.write_model(network, "tiny", path)
    other = config.build()
    load_weights(other, averaged_weights(path), path)
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-6), "half precision keeps three digits"


def test_a_network_with_more_blocks_goes_on_as_the_smaller_one(tmp_path: Path) -> None:
    small, large = build(BANK), build(replace(BANK, bottom=(1, 2, 4)))
    path = tmp_path / "small.onnx"
    export.write_model(small, "small", path)
    mixture = torch.randn(1, 2, 4 * BANK.stride)
    load_weights(large, averaged_weights(path), path, grow=True)
    with torch.no_grad():
        assert torch.allclose(small(mixture), large(mixture), atol=1e-3), "half precision keeps three digits"
    with pytest.raises(TrainingError, match="another network"):
        load_weights(small, large.state_dict(), path, grow=True)
    with pytest.raises(TrainingError, match="another network"):
        load_weights(build(WAVE), averaged_weights(path), path, grow=True)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    export.write_model(build(BANK), "tiny", tmp_path / "tiny.onnx")
    with pytest.raises(TrainingError, match="another network"):
        load_weights(build(WAVE), averaged_weights(tmp_path / "tiny.onnx"), tmp_path / "tiny.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(TrainingError, match="not a model"):
        averaged_weights(tmp_path / "text.onnx")


def test_a_file_that_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_DIFFERENCE", -1.0)
    with pytest.raises(TrainingError, match="differs from PyTorch"):
        export.write_model(build(BANK), "tiny", tmp_path / "tiny.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "song.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match="not a checkpoint"):
        export.export(tmp_path / "song.pt", tmp_path / "model.onnx")
    with pytest.raises(TrainingError, match="does not exist"):
        export.export(tmp_path / "missing.pt", tmp_path / "model.onnx")


def test_the_mean_with_another_model_lies_between_the_two(tmp_path: Path) -> None:
    network = build(BANK)
    export.write_model(network, "tiny", tmp_path / "tiny.onnx")
    other = build(BANK)
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    export.average_with(other, tmp_path / "tiny.onnx", 3.0)
    for mean, theirs in zip(other.parameters(), network.parameters(), strict=True):
        assert torch.allclose(mean, 0.75 * theirs, rtol=1e-3, atol=1e-6)
    with pytest.raises(UsageError, match="-2 times"):
        export.average_with(other, tmp_path / "tiny.onnx", -2.0)
