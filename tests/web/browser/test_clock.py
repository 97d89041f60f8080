"""The mixer's sound, sample for sample: rendered by the real worklet in the browser, compared with the stored files."""

import base64
import io
import json
import urllib.request
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome

from tests.web.browser.chromium import visit_anew
from tests.web.browser.conftest import RATE
from tests.web.site import Site

STEP = 1 / 32768  # browsers turn 16 bits into floats in slightly different ways; one sample late would be far more

# Renders with the page's own engine in an offline context, which is as fast as the processor and exact. The context
# pauses every quarter of a second, so that segments come and go as they do while somebody listens.
RENDER = """
const [plan, done] = arguments;
(async () => {
  const { Engine } = await import(plan.engine);
  const manifest = { ...plan.manifest };
  const context = new OfflineAudioContext(2, plan.frames, manifest.sampleRate);
  const engine = new Engine(manifest, plan.worklet, context);
  let most = 0;
  if (plan.fake) {  // a long song made here: each stem a different slow ramp and a click on every whole second
    engine.fetchSegment = async (number, stems) => stems.map((stem) => {
      const samples = new Float32Array(manifest.segmentFrames);
      for (let n = 0; n < samples.length; n += 1) {
        if ((number * manifest.segmentFrames + n) % manifest.sampleRate === 100 * stem) samples[n] = 0.1 * (stem + 1);
      }
      return [samples, samples.slice()];
    });
  }
  if (plan.tone) {
    engine.fetchSegment = async (number, stems) => stems.map(() => {
      const at = (n) => number * manifest.segmentFrames + n;
      const wave = (n) => 0.25 * Math.sin((2 * Math.PI * plan.tone * at(n)) / manifest.sampleRate);
      const samples = Float32Array.from({ length: manifest.segmentFrames }, (_, n) => wave(n));
      return [samples, samples.slice()];
    });
  }
  engine.setQuality(Boolean(plan.smaller));
  engine.setGains(plan.gains);
  await engine.start();
  engine.setRate(plan.rate ?? 1);
  engine.transpose(plan.semitones ?? 0);
  if (plan.beats) engine.setBeats((await import(plan.beatsModule)).Beats.of(plan.beats));
  if (plan.click) engine.setClick({ on: true, volume: plan.click });
  engine.countsIn = Boolean(plan.countIn);
  if (plan.loop) engine.setLoop(plan.loop);
  engine.seek(plan.from);
  await engine.play();
  const missing = () => plan.gains.flat().some(Boolean) // silence is not fetched
    && engine.neededSegments().some((number) => !engine.loaded.has(number));
  const tick = () => new Promise((wake) => setTimeout(wake, 15));
  for (let at = 0; at * manifest.sampleRate < plan.frames; at += 0.25) {
    context.suspend(at).then(async () => {
      await tick();
      while (engine.filling || missing()) await tick();
      most = Math.max(most, engine.loaded.size);
      await tick();
      context.resume();
    });
  }
  await tick();
  const buffer = await context.startRendering();
  const bytes = (channel) => {
    const raw = new Uint8Array(buffer.getChannelData(channel).buffer);
    let text = "";
    for (let n = 0; n < raw.length; n += 32768) text += String.fromCharCode(...raw.subarray(n, n + 32768));
    return btoa(text);
  };
  return { left: bytes(0), right: bytes(1), most, position: engine.state.position, ended: engine.state.ended };
})().then(done, (error) => done({ error: String(error) + error.stack }));
"""


def render(page: Chrome, **plan: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Return what the mixer plays, `(2, frames)`, and what the engine says afterwards."""

    worklet = page.execute_script("return document.querySelector('#mixer').dataset.worklet")
    loaded = "performance.getEntriesByType('resource').map(({name}) => name)"
    engine, beats = (
        page.execute_script(f"return {loaded}.find((name) => name.includes(arguments[0]))", module)
        for module in ("player/engine", "player/beats")
    )
    manifest = plan.pop("manifest", None) or json.loads(
        page.execute_script("return JSON.stringify(document.querySelector('#mixer').mixer.manifest)")
    )
    plan |= {"worklet": worklet, "engine": engine, "beatsModule": beats, "manifest": manifest}
    answer = page.execute_async_script(RENDER, plan)
    assert "error" not in answer, answer
    channels = [np.frombuffer(base64.b64decode(answer[side]), np.float32) for side in ("left", "right")]
    return np.stack(channels), answer


@pytest.fixture
def demo(site: Site, page: Chrome) -> Chrome:
    """The page of the demo, its separation done."""
    visit_anew(page, site.url)
    wait = "const done = arguments[0]; const look = () => document.querySelector('#mixer').mixer?.manifest.complete"
    page.execute_async_script(f"{wait} ? done() : setTimeout(look, 100); look()")
    return page


@pytest.fixture
def stems(site: Site, demo: Chrome) -> dict[str, np.ndarray]:
    """The demo's stems as the server stores them, `(2, samples)`."""
    manifest = json.loads(demo.execute_script("return JSON.stringify(document.querySelector('#mixer').mixer.manifest)"))
    found = {}
    for stem in manifest["stems"]:
        parts = []
        for number in range(manifest["segments"]):
            with urllib.request.urlopen(site.url + stem["segments"].replace("#", str(number))) as answer:
                parts.append(soundfile.read(io.BytesIO(answer.read()), dtype="float32")[0].T)
        found[stem["name"]] = np.concatenate(parts, axis=1) * np.float32(manifest["headroom"])
    return found


def test_all_stems_together_are_the_song_sample_for_sample(demo: Chrome, stems: dict[str, np.ndarray]) -> None:
    start, length = 3 * RATE, 8 * RATE  # over two segment borders
    heard, _ = render(demo, gains=[[1, 1]] * 5, **{"from": 3.0}, frames=length)
    expected = sum(stems.values())[:, start : start + length]  # type: ignore[index]
    assert np.abs(heard[:, 128:] - expected[:, 128:]).max() < STEP
    assert np.abs(heard[:, :128]).max() <= np.abs(expected[:, :128]).max() + STEP  # the first block fades in


def test_each_stem_has_its_own_gain_and_side(demo: Chrome, stems: dict[str, np.ndarray]) -> None:
    gains = [[0, 0], [0.5, 0.5], [1, 0], [0, 0.25], [0, 0]]
    heard, _ = render(demo, gains=gains, **{"from": 0.0}, frames=2 * RATE)
    expected = sum(stem[:, : 2 * RATE] * np.array([gain]).T for stem, gain in zip(stems.values(), gains, strict=True))
    assert np.abs((heard - expected)[:, 128:]).max() < STEP


def test_compressed_stems_are_in_time_with_the_lossless_ones_to_the_sample(
    demo: Chrome, stems: dict[str, np.ndarray]
) -> None:
    length = 8 * RATE  # over two segment borders

    def around(*seconds: int) -> list[int]:
        return [at for second in seconds for at in range(second * RATE - 200, second * RATE + 200)]

    for number, stem in enumerate(stems.values()):
        gains = [[float(number == other)] * 2 for other in range(5)]
        heard, _ = render(demo, gains=gains, smaller=True, **{"from": 3.0}, frames=length)
        expected = stem[:, 3 * RATE : 3 * RATE + length]
        # Noise comes out as other noise, but in its place.
        early, right, late = (rms((heard - np.roll(expected, shift, axis=1))[:, 200:-200]) for shift in (-1, 0, 1))
        assert right < 0.8 * min(early, late)
        # There is no seam: notes begin at the borders, and they are as exact as others that begin with a bar.
        error = heard - expected
        assert rms(error[:, around(2, 7)]) < 2 * rms(error[:, around(1, 3, 5)])


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.square(sound).mean()))


@pytest.mark.parametrize("length", [RATE // 2, 172 * 128], ids=["any length", "whole blocks of the audio thread"])
def test_a_loop_is_exactly_as_long_as_it_is(demo: Chrome, stems: dict[str, np.ndarray], length: int) -> None:
    loop = {"from": 2.0, "to": 2.0 + length / RATE}
    heard, _ = render(demo, gains=[[1, 1]] * 5, **{"from": 2.0}, loop=loop, frames=4 * length)
    once = sum(stems.values())[:, 2 * RATE : 2 * RATE + length]  # type: ignore[index]
    for turn in range(1, 4):  # after the 256 samples over which the end melts into the beginning
        part = heard[:, turn * length : (turn + 1) * length]
        assert np.abs(part[:, 256:] - once[:, 256:]).max() < STEP


@pytest.mark.parametrize("rate", [1, 0.75])
def test_behind_the_loop_the_song_plays_to_its_end(demo: Chrome, rate: float) -> None:
    loop = {"from": 1.0, "to": 3.0}
    _, state = render(demo, gains=[[1, 1]] * 5, rate=rate, **{"from": 15.0}, loop=loop, frames=3 * RATE)
    assert state["position"] == 16 * RATE
    assert state["ended"]


@pytest.mark.parametrize("rate", [1, 0.75])
def test_a_loop_up_to_the_end_of_the_song_goes_round(demo: Chrome, rate: float) -> None:
    loop = {"from": 14.0, "to": 16.001}
    _, state = render(demo, gains=[[1, 1]] * 5, rate=rate, **{"from": 15.0}, loop=loop, frames=3 * RATE)
    assert 14 * RATE <= state["position"] < 16 * RATE
    assert not state["ended"]


def test_a_loop_that_begins_at_the_end_is_the_last_of_the_song(demo: Chrome) -> None:
    mixer = "document.querySelector('#mixer').mixer"
    demo.execute_script(f"{mixer}.seek(16); {mixer}.toggleLoop()")
    assert demo.execute_script(f"return {mixer}.loop") == {"from": 12, "to": 16}


def test_keys_pressed_quickly_add_up_whatever_the_audio_thread_says_late(demo: Chrome) -> None:
    late = """
        const mixer = document.querySelector("#mixer").mixer, { engine } = mixer;
        engine.seek(0);
        const before = { position: 999, playing: false, waiting: false, ended: false, seeks: engine.seeks - 1 };
        engine.node.port.onmessage({ data: before });
        mixer.step(1);
        engine.node.port.onmessage({ data: { ...before, position: 0, seeks: before.seeks + 1 } });
        mixer.step(1);
        return engine.seconds;
    """
    demo.execute_async_script('document.querySelector("#mixer").mixer.engine.start().then(arguments[0])')
    assert demo.execute_script(late) == 2


def test_half_speed_keeps_the_pitch(demo: Chrome) -> None:
    plain, _ = render(demo, gains=[[1, 1]] * 5, **{"from": 4.0}, frames=2 * RATE)
    slow, state = render(demo, gains=[[1, 1]] * 5, rate=0.5, **{"from": 4.0}, frames=4 * RATE)
    assert abs(state["position"] - 6 * RATE) < RATE // 4  # the stretcher works ahead by whole blocks
    spectra = []
    for sound in (plain[0], slow[0]):
        pieces = np.lib.stride_tricks.sliding_window_view(sound, 8192)[4096::4096]
        spectra.append(np.abs(np.fft.rfft(pieces * np.hanning(8192), axis=1)).mean(axis=0))
    assert np.corrcoef(*spectra)[0, 1] > 0.95
    octave = np.interp(np.arange(spectra[0].size) * 2, np.arange(spectra[0].size), spectra[0])
    assert np.corrcoef(octave, spectra[1])[0, 1] < 0.6  # it would be this one, had the pitch dropped


def test_ten_minutes_later_the_stems_are_still_together_and_memory_is_bounded(demo: Chrome) -> None:
    segment = 5 * RATE
    manifest = {
        "sampleRate": RATE, "segmentFrames": segment, "segments": 130, "frames": 130 * segment, "complete": True,
        "headroom": 1,
        "stems": [{"name": str(number)} for number in range(5)],
    }  # fmt: skip
    gains = [[1, 1]] * 5
    heard, state = render(demo, fake=True, manifest=manifest, gains=gains, **{"from": 597.5}, frames=9 * RATE)
    clicks = np.flatnonzero(heard[0])
    expected = [(second * RATE + 100 * stem - round(597.5 * RATE)) for second in range(598, 607) for stem in range(5)]
    assert clicks.tolist() == [at for at in expected if at < 9 * RATE]
    assert state["most"] <= 8  # segments in memory at a time, of 130


def test_the_whole_of_a_long_song_passes_without_a_gap(demo: Chrome) -> None:
    segment = RATE // 2  # short ones, so that twenty seconds cross 39 borders
    manifest = {
        "sampleRate": RATE, "segmentFrames": segment, "segments": 130, "frames": 130 * segment, "complete": True,
        "headroom": 1,
        "stems": [{"name": str(number)} for number in range(5)],
    }  # fmt: skip
    heard, _ = render(demo, fake=True, manifest=manifest, gains=[[1, 1]] * 5, **{"from": 0.0}, frames=20 * RATE)
    clicks = np.flatnonzero(heard[0, 256:]) + 256
    expected = [second * RATE + 100 * stem for second in range(20) for stem in range(5)]
    assert clicks.tolist() == [at for at in expected if at >= 256]
