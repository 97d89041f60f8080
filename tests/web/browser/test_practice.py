"""What musicians practise with: the click on the beats, the count-in, loops of whole bars, other keys and speeds."""

from typing import Any

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Chrome

from tests.web.browser.conftest import RATE
from tests.web.browser.test_clock import demo, render, stems  # noqa: F401 (fixtures)
from tests.web.browser.test_journey import click, find
from tests.web.browser.test_mixer import MIXER, ask, strips

BEAT = 0.4567  # seconds: no whole number of samples
BEATS = [0.2 + number * BEAT for number in range(33)]
BARS = BEATS[1::4]
ANALYSIS = {"tempo": 131.4, "beats": BEATS, "downbeats": BARS, "key": "A minor"}
SILENT, ALL = [[0, 0]] * 5, [[1, 1]] * 5


def clicks(heard: np.ndarray) -> tuple[list[int], list[bool]]:
    """Return where clicks begin, and whether they are accented."""
    sounding = np.flatnonzero(np.abs(heard[0]) > 1e-3)
    starts = sounding[np.flatnonzero(np.diff(sounding, prepend=-RATE) > RATE // 20)]
    spectra = [np.abs(np.fft.rfft(heard[0, at : at + 2000], RATE)) for at in starts]
    # the first sample of a click is zero, and the second one is heard
    return [int(at) - 1 for at in starts], [int(np.argmax(spectrum)) > 1250 for spectrum in spectra]


@pytest.mark.parametrize(("rate", "semitones"), [(1, 0), (0.75, 0), (1.3, -4)])
def test_the_click_is_on_the_beats_to_the_sample(demo: Chrome, rate: float, semitones: int) -> None:  # noqa: F811
    how: Any = {"rate": rate, "semitones": semitones, "beats": ANALYSIS, "click": 1, "from": 1.0}
    heard, _ = render(demo, gains=SILENT, **how, frames=4 * RATE)
    starts, accents = clicks(heard)
    places = [(np.ceil((round(beat * RATE) - RATE) / rate), beat in BARS) for beat in BEATS]
    expected = [(int(at), first) for at, first in places if 0 <= at < 4 * RATE - 2]
    # at full speed to the very sample; else fractions of a sample add up in another order
    np.testing.assert_allclose(starts, [at for at, _ in expected], atol=0 if rate == 1 else 1)
    assert accents == [first for _, first in expected]


def test_the_click_goes_round_with_a_loop_and_is_as_loud_as_it_is_set(demo: Chrome) -> None:  # noqa: F811
    loop = {"from": BEATS[1], "to": BEATS[3]}
    how: Any = {"beats": ANALYSIS, "click": 0.25, "from": BEATS[1], "loop": loop}
    heard, _ = render(demo, gains=SILENT, **how, frames=3 * RATE)
    first, second, end = (round(BEATS[number] * RATE) - round(BEATS[1] * RATE) for number in (1, 2, 3))
    turns = [turn * end + at for turn in range(4) for at in (first, second)]
    assert clicks(heard)[0] == [at for at in turns if at < 3 * RATE]
    assert 0.1 < np.abs(heard).max() < 0.125


def test_one_bar_is_counted_before_the_music(demo: Chrome, stems: dict[str, np.ndarray]) -> None:  # noqa: F811
    for start in (BEATS[9], BEATS[0], BEATS[6] + BEAT / 2):  # a bar's beginning, the song's, and in the midst of a bar
        how: Any = {"beats": ANALYSIS, "countIn": True, "from": start}
        heard, _ = render(demo, gains=ALL, **how, frames=3 * RATE)
        begins = round(start * RATE)
        lead = round(4 * BEAT * RATE)
        song = sum(stems.values())[:, begins : begins + 3 * RATE - lead]  # type: ignore[index]
        errors = [
            np.abs(heard[:, lead + 2500 : -2] - song[:, 2500 + off : song.shape[1] - 2 + off]).max()
            for off in (-1, 0, 1)
        ]
        assert min(errors) < 1e-4  # a bar of beats at whole samples may be one longer or shorter
        starts, accents = clicks(heard[:, :lead])
        assert len(starts) == 4
        assert accents.count(True) == 1
        offset = (BEAT / 2 if start == BEATS[6] + BEAT / 2 else 0) * RATE
        np.testing.assert_allclose(starts, [offset + number * BEAT * RATE for number in range(4)], atol=1)
        assert accents.index(True) == {BEATS[9]: 0, BEATS[0]: 1}.get(start, 2)


def pitch_of(sound: np.ndarray) -> float:
    """Return a tone's frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 20))
    return float(np.argmax(spectrum)) * RATE / (1 << 20)


def test_a_tone_of_440_hz_three_semitones_up_is_523_25_hz_and_drums_stay(demo: Chrome) -> None:  # noqa: F811
    segment = 5 * RATE
    manifest = {
        "sampleRate": RATE, "segmentFrames": segment, "segments": 4, "frames": 4 * segment, "complete": True,
        "headroom": 1, "stems": [{"name": name} for name in ("vocals", "drums")],
    }  # fmt: skip
    plan: Any = {"manifest": manifest, "tone": 440, "from": 3.0, "frames": 3 * RATE}
    for rate, semitones, expected in ((1, 3, 523.25), (1, -6, 311.13), (0.75, 3, 523.25), (0.75, 0, 440.0)):
        heard, state = render(demo, gains=[[1, 1], [0, 0]], rate=rate, semitones=semitones, **plan)
        # the tempo is what it was; the page hears of the position every twelve blocks, a little later
        assert state["position"] == pytest.approx((3 + 3 * rate) * RATE, abs=RATE / 10)
        assert pitch_of(heard[0, RATE // 4 :]) == pytest.approx(expected, abs=0.1)
        smoothness = 0.25 * (2 * np.pi * expected / RATE) ** 2  # of a sine; a click is less smooth
        assert np.abs(np.diff(heard[0, 4096:], 2)).max() < 1.1 * smoothness
    drums, _ = render(demo, gains=[[0, 0], [1, 1]], semitones=3, **plan)
    assert pitch_of(drums[0]) == pytest.approx(440, abs=0.1)


def see_beats(page: Chrome) -> None:
    """Let the page know the beats of its song."""
    page.execute_script(f"{MIXER}.practice.update(arguments[0], {MIXER}.duration)", ANALYSIS)


def test_without_beats_there_is_nothing_about_beats(demo: Chrome) -> None:  # noqa: F811
    demo.execute_script(f"{MIXER}.practice.update(null)")
    assert not find(demo, "[data-do=click]").is_displayed()
    ActionChains(demo).send_keys("c").perform()
    assert ask(demo, "mix()") == ""
    assert (ask(demo, "recipe().click"), ask(demo, "recipe().count_in")) == (0, 0)
    demo.execute_script(f"{MIXER}.practice.update({{tempo: null, beats: [], downbeats: [], key: 'E♭ major'}})")
    assert find(demo, ".facts").text == "E♭ major"
    assert not find(demo, "[data-do=snap]").is_displayed()


def test_loops_are_whole_bars_unless_they_are_to_be_free(demo: Chrome) -> None:  # noqa: F811
    see_beats(demo)
    demo.execute_script(f"{MIXER}.seek(4)")
    click(demo, "[data-do=loop]")
    assert ask(demo, "loop") == {"from": BARS[1], "to": BARS[5]}  # four bars, beginning with the one that is heard
    ruler = find(demo, "[data-show=ruler]")
    wide = ruler.rect["width"]

    def drag(start: float, end: float, alt: bool = False) -> None:
        move = ActionChains(demo)
        if alt:
            move.key_down("\ue00a")
        move.move_to_element_with_offset(ruler, round((start / 16 - 0.5) * wide), 0).click_and_hold()
        move.move_to_element_with_offset(ruler, round((end / 16 - 0.5) * wide), 0).release()
        if alt:
            move.key_up("\ue00a")
        move.perform()

    drag(BARS[2] - 0.3, BARS[3] + 0.3)
    assert ask(demo, "loop") == {"from": BARS[2], "to": BARS[3]}
    drag(BARS[2] + 0.5, BARS[2] + 0.8)
    assert ask(demo, "loop") == {"from": BARS[2], "to": BARS[3]}  # a bar at least
    drag(3.0, 5.0, alt=True)
    assert np.allclose([ask(demo, "loop.from"), ask(demo, "loop.to")], [3, 5], atol=0.05)
    demo.execute_script("document.activeElement.blur()")
    ActionChains(demo).send_keys("b").perform()
    demo.execute_script(f"{MIXER}.setLoop({{from: 3, to: 5}})")
    assert ask(demo, "loop") == {"from": 3, "to": 5}
    ActionChains(demo).send_keys("b").perform()
    assert ask(demo, "loop") == {"from": BARS[1], "to": BARS[2]}


def test_a_loop_at_the_end_of_the_song_ends_with_it_and_stays(demo: Chrome) -> None:  # noqa: F811
    later = {"beats": [at + 1 for at in BEATS if at < 15], "downbeats": [at + 1 for at in BARS if at < 15]}
    demo.execute_script(f"{MIXER}.practice.update(arguments[0], {MIXER}.duration)", ANALYSIS | later)
    demo.execute_script(f"{MIXER}.seek(15.5)")
    click(demo, "[data-do=loop]")
    left = ask(demo, "loop")
    assert left == {"from": BARS[7] + 1, "to": ask(demo, "duration")}
    demo.execute_script(f"{MIXER}.restore({MIXER}.mix())")
    assert [round(ask(demo, f"loop.{end}"), 2) for end in left] == [round(seconds, 2) for seconds in left.values()]


def test_key_and_tempo_are_those_that_are_heard(demo: Chrome) -> None:  # noqa: F811
    see_beats(demo)
    assert find(demo, ".facts").text == "131 BPM · A minor"
    find(demo, "[data-do=transpose]").send_keys("+3")
    assert find(demo, ".facts").text == "131 BPM · A minor → C minor"
    find(demo, "[data-do=speed]").send_keys("75")
    assert find(demo, ".facts").text == "131 → 99 BPM · A minor → C minor"
    assert ask(demo, "engine.semitones") == 3
    names = """
        const {transposedKey} = await import(performance.getEntriesByType("resource")
            .map(({name}) => name).find((name) => name.includes("player/musical_key")));
        arguments[0]([["F♯ minor", -6], ["E♭ major", 1], ["G♭ major", 5], ["C♯ minor", 0], ["B major", 1]]
            .map((key) => transposedKey(...key)));
    """
    found = demo.execute_async_script(f"(async (...arguments) => {{ {names} }})(...arguments)")
    assert found == ["C minor", "E major", "B major", "C♯ minor", "C major"]


def test_practice_is_remembered_and_goes_into_the_download(demo: Chrome) -> None:  # noqa: F811
    see_beats(demo)
    demo.execute_script("document.activeElement.blur()")
    ActionChains(demo).send_keys("c").send_keys("i").perform()
    find(demo, "[data-do=transpose]").send_keys("−2")
    demo.execute_script(
        "const slider = arguments[0]; slider.value = 0.5; slider.dispatchEvent(new Event('input'))",
        find(demo, "[data-do=click-volume]"),
    )
    click(demo, "[data-do=snap]")
    left = "transpose=-2&click=50_on&countin=on&snap=off"
    assert ask(demo, "mix()") == left
    recipe = ask(demo, "recipe()")
    del recipe["stems"]
    assert recipe == {"speed": 1, "semitones": -2, "click": 0.5, "count_in": 0.5}
    demo.refresh()
    strips(demo)
    see_beats(demo)
    assert ask(demo, "mix()") == left
    assert ask(demo, "engine.click") == {"on": True, "volume": 0.5}
    assert ask(demo, "engine.countsIn")
    assert ask(demo, "engine.semitones") == -2
    click(demo, "[data-do=reset]")
    assert ask(demo, "mix()") == ""
