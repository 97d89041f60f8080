"""Casts instruments and kits for each source; whole instruments are held out for validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unbraid.corpus.composing.notes import Instrument, Part
from unbraid.corpus.general_midi import NOISES, STRINGS, SUNG
from unbraid.corpus.playing import sampled, synths
from unbraid.corpus.playing.drum_machines import DrumMachine
from unbraid.corpus.playing.hydrogen import HydrogenKit
from unbraid.corpus.playing.sfz import SfzInstrument, SfzKit
from unbraid.corpus.playing.soundfonts import SoundFontProgram
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import source
from unbraid.errors import CorpusError

GENERAL = {"train": ("FluidR3_GM", "MuseScore_General_Full"), "valid": ("TimGM6mb",)}
DRUM_PROGRAMS = (0, 0, 0, 8, 16, 24, 25, 32, 40)
DRUM_FONTS = {"train": "Black_Pearl_4_LV2", "valid": "Red_Zeppelin_4_LV2"}
HYDROGEN = {
    "train": ("BJA_Pacific", "rumpf_kit_z01_h2"),
    "valid": ("ForzeeStereo", "ColomboAcousticDrumkit"),
}
ELECTRONIC_HYDROGEN = {"train": ("Audiophob",), "valid": ("HardElectro1", "ElectricEmpireKit")}
SOUNDFONTS = {split: (*GENERAL[split], DRUM_FONTS[split]) for split in GENERAL}
KITS = {split: (*HYDROGEN[split], *ELECTRONIC_HYDROGEN[split]) for split in HYDROGEN}
FAMILIES = (
    (8, 16),
    (16, 24),
    (24, 32),
    (40, 50),
    (50, 52),
    (55, 64),
    (64, 72),
    (72, 80),
    (80, 85),
    (88, 91),
    (92, 96),
    (104, 112),
)


def _sfz(rng: np.random.Generator, material: MaterialFolders, table: tuple[tuple[str, int, int], ...]) -> SfzInstrument:
    path, low, high = table[int(rng.integers(len(table)))]
    return SfzInstrument(material.find(f"instruments/{path}"), low, high)


def soundfont(name: str, material: MaterialFolders) -> Path:
    """The soundfont file of this name; raises CorpusError if it is missing."""
    found = source(f"soundfonts/{name}").found(material)
    if not found:
        raise CorpusError(f"The soundfont {name} is missing: `unbraid corpus fetch` brings it.")
    return found[0]


def _general(
    rng: np.random.Generator, split: str, material: MaterialFolders, bank: int, program: int
) -> SoundFontProgram:
    return SoundFontProgram(soundfont(str(rng.choice(GENERAL[split])), material), bank, program)


def drum_kit(rng: np.random.Generator, split: str, material: MaterialFolders, electronic: bool) -> Instrument:
    """A kit: sampled or synthesised."""
    if rng.random() < (0.6 if electronic else 0.06):
        # Seeds of the two splits never meet.
        return DrumMachine(int(rng.integers(1_000_000)) * 2 + (split == "valid"))
    if sampled.KITS[split] and not electronic and rng.random() < 0.4:
        path, keys = sampled.KITS[split][int(rng.integers(len(sampled.KITS[split])))]
        return SfzKit(material.find(f"instruments/{path}"), tuple(keys.items()))
    if rng.random() < 0.4:
        kits = (ELECTRONIC_HYDROGEN if electronic else HYDROGEN)[split]
        return HydrogenKit(source(f"kits/{rng.choice(kits)}").place(material), int(rng.integers(3)))
    if rng.random() < 0.3 and not electronic:
        return SoundFontProgram(soundfont(DRUM_FONTS[split], material), 0, 0)
    return _general(rng, split, material, 128, int(rng.choice((24, 25, 25, 0) if electronic else DRUM_PROGRAMS)))


def bass(rng: np.random.Generator, split: str, material: MaterialFolders, part: Part, electronic: bool) -> Instrument:
    """A bass, mostly of the part's own kind."""
    if rng.random() < (0.75 if electronic else 0.1):
        return synths.random_bass(rng)
    if rng.random() < 0.4:
        return _sfz(rng, material, sampled.BASSES[split])
    program = part.program if 32 <= part.program < 40 and rng.random() < 0.6 else int(rng.integers(32, 40))
    return _general(rng, split, material, 0, program)


def piano(rng: np.random.Generator, split: str, material: MaterialFolders, part: Part, electronic: bool) -> Instrument:
    """A piano: grand, upright, electric, now and then FM."""
    draw = rng.random()
    if draw < (0.25 if electronic else 0.07):
        return synths.random_electric_piano(rng)
    if draw < 0.5:
        return _sfz(rng, material, sampled.PIANOS[split])
    program = part.program if part.program < 6 and rng.random() < 0.5 else int(rng.choice((0, 0, 1, 2, 3, 4, 4, 5)))
    return _general(rng, split, material, 0, program)


def other(rng: np.random.Generator, split: str, material: MaterialFolders, part: Part, electronic: bool) -> Instrument:
    """Everything else, near the part's own program."""
    if part.name == "sweep":
        return synths.random_sweep(rng)
    if part.name == "atmosphere":
        return synths.random_atmosphere(rng)
    program = STRINGS if part.program in SUNG or part.program in NOISES else part.program
    if rng.random() < (0.7 if electronic else 0.1):
        if part.name == "arpeggio" or 8 <= program < 16:
            return synths.random_pluck(rng)
        if part.name == "lead" or 80 <= program < 88:
            return synths.random_lead(rng)
        pad = synths.random_pad(rng)
        if rng.random() < 0.35:
            return synths.Layers(pad, synths.random_pluck(rng) if rng.random() < 0.5 else synths.random_pad(rng))
        return pad if rng.random() < 0.5 else synths.random_pluck(rng)
    if 24 <= program < 32 and rng.random() < 0.4:
        return _sfz(rng, material, sampled.GUITARS[split])
    for first, end, rows in sampled.RECORDED:
        if split == "train" and first <= program < end and rng.random() < 0.6:
            return _sfz(rng, material, rows)
    if rng.random() < 0.3:
        for low, high in FAMILIES:
            if low <= program < high:
                program = int(rng.integers(low, high))
                break
    return _general(rng, split, material, 0, program)


def choose(
    rng: np.random.Generator, source: str, split: str, material: MaterialFolders, part: Part, electronic: bool
) -> Instrument:
    """An instrument of the split for a part of the given source."""
    if source == "drums":
        return drum_kit(rng, split, material, electronic)
    return {"bass": bass, "piano": piano, "other": other}[source](rng, split, material, part, electronic)
