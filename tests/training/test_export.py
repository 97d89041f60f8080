from dataclasses import dataclass, replace
from pathlib import Path
from unittest import TestCase

import numpy as np
import onnx
import pytest
import soundfile
import torch

from tests.training.tiny_networks import BANK, WAVE
from unbraid import Separator
from unbraid.errors import InputError, TrainingError, UsageError
from unbraid.evaluation.dataset import StemSong, find_songs
from unbraid.inference.dc_blocker import without_offset
from unbraid.training import export, quantisation
from unbraid.training.checkpoint import averaged_weights, load_weights
from unbraid.training.networks.network import ExportGraph, NetworkConfig, SeparationNetwork

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own exporter


def build(config: NetworkConfig, seed: int = 0) -> SeparationNetwork:
    torch.manual_seed(seed)
    network = config.build()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    return network.eval()


@dataclass(frozen=True)
class Exported:
    """A network, what was made of it on the way, and the file in the end."""

    network: SeparationNetwork
    graph: ExportGraph
    model: onnx.ModelProto
    path: Path


@pytest.fixture(scope="module", params=[BANK, WAVE], ids=["bank", "wave"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """One export for all tests: it takes seconds, however small the network is."""
    network, path = build(request.param), tmp_path_factory.mktemp("export") / "tiny.onnx"
    graph = network.export_graph()
    with TestCase().assertNoLogs(level="WARNING"):
        model = export.as_onnx(graph, export.describe(network, "tiny"))
    export.write_graph(graph, model, path)
    return Exported(network, graph, model, path)


def test_the_separator_gives_what_pytorch_gives(exported: Exported) -> None:
    separator, sources = Separator(exported.path, precision="fp32", tile_seconds=0.5), exported.network.config.sources
    assert separator.sources == sources
    mixture = 0.2 * np.random.default_rng(0).standard_normal((2, 100_000)).astype(np.float32)
    found = separator.separate_array(mixture, 44_100)
    heard = np.concatenate(list(without_offset([mixture], 44_100)), axis=1)  # the rest of it goes into the last stem
    expected = exported.network.separate(torch.from_numpy(heard)).numpy()
    expected[-1] += mixture - heard
    margin = 2_048  # at the very ends PyTorch's padding and silence beyond the song are not the same
    for i, source in enumerate(sources):
        difference = np.abs(found[source] - expected[i])[:, margin:-margin].max()
        assert difference < 2e-3, source  # weights are stored in half precision
    assert np.abs(sum(found.values()) - mixture).max() < 1e-6


@pytest.fixture
def songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[StemSong]:
    monkeypatch.setattr(quantisation, "MEASURED_SECONDS", 1)
    song = tmp_path / "songs" / "one"
    song.mkdir(parents=True)
    for seed, stem in enumerate(("drums", "other")):
        soundfile.write(song / f"{stem}.wav", np.random.default_rng(seed).normal(0, 0.1, (50_000, 2)), 44_100)
    return find_songs(song.parent)


@pytest.mark.parametrize("exported", [BANK], indirect=True)
def test_in_eight_bits_the_answers_are_nearly_the_same(
    exported: Exported, songs: list[StemSong], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "int8.onnx"
    export.write_graph(exported.graph, exported.model, path, songs)
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(path).graph.node}
    mixture = 0.2 * np.random.default_rng(0).standard_normal((2, 100_000)).astype(np.float32)
    whole, found = (Separator(model).separate_array(mixture, 44_100) for model in (exported.path, path))
    assert np.abs(sum(found.values()) - mixture).max() < 1e-6
    for source in whole:
        assert 0 < np.std(found[source] - whole[source]) < 0.05 * np.std(whole[source])


@pytest.mark.parametrize("exported", [BANK], indirect=True)
def test_a_network_that_eight_bits_would_ruin_is_refused(
    exported: Exported, songs: list[StemSong], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantisation, "MAX_ERROR", 0.0)
    with pytest.raises(TrainingError, match="eight bits"):
        quantisation.quantise(onnx.load(exported.path), exported.path, songs)


def test_songs_that_are_not_there_are_missed_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no songs"):
        export.export(tmp_path / "missing.pt", tmp_path / "model.onnx", int8_songs=tmp_path)


def test_a_training_can_go_on_from_a_model(exported: Exported) -> None:
    network = exported.network
    other = network.config.build()
    load_weights(other, averaged_weights(exported.path), exported.path)
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-6), "half precision keeps three digits"


@pytest.mark.parametrize("exported", [BANK], indirect=True)
def test_a_network_with_more_blocks_goes_on_as_the_smaller_one(exported: Exported) -> None:
    small, large, path = exported.network, build(replace(BANK, bottom=(1, 2))), exported.path
    mixture = torch.randn(1, 2, 4 * BANK.stride)
    load_weights(large, averaged_weights(path), path, grow=True)
    with torch.no_grad():
        assert torch.allclose(small(mixture), large(mixture), atol=1e-3), "half precision keeps three digits"
    with pytest.raises(TrainingError, match="of another network"):
        load_weights(small, large.state_dict(), path, grow=True)
    with pytest.raises(TrainingError, match="of another network"):
        load_weights(build(WAVE), averaged_weights(path), path, grow=True)


def test_weights_of_another_network_are_refused(exported: Exported, tmp_path: Path) -> None:
    other = build(WAVE if exported.network.config == BANK else BANK)
    with pytest.raises(TrainingError, match="of another network"):
        load_weights(other, averaged_weights(exported.path), exported.path)
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(TrainingError, match="not a model"):
        averaged_weights(tmp_path / "text.onnx")


def test_a_file_that_answers_otherwise_is_not_written(exported: Exported, tmp_path: Path) -> None:
    other = build(exported.network.config, seed=1)
    with pytest.raises(TrainingError, match="differs from PyTorch"):
        export.write_graph(other.export_graph(), exported.model, tmp_path / "tiny.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "song.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match="not a checkpoint"):
        export.export(tmp_path / "song.pt", tmp_path / "model.onnx")
    with pytest.raises(TrainingError, match="does not exist"):
        export.export(tmp_path / "missing.pt", tmp_path / "model.onnx")


def test_the_mean_with_another_model_lies_between_the_two(exported: Exported) -> None:
    other = build(exported.network.config)
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    export.average_with(other, exported.path, 3.0)
    for mean, theirs in zip(other.parameters(), exported.network.parameters(), strict=True):
        assert torch.allclose(mean, 0.75 * theirs, rtol=1e-3, atol=1e-6)
    with pytest.raises(UsageError, match="not -2"):
        export.average_with(other, exported.path, -2.0)
