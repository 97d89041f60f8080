"""The sampled instruments by source and split: SFZ files, with the keys that sound or those of a kit's pieces.

Paths are below `instruments/` of the raw material, or absolute where `unbraid corpus fetch` brings them. A table
without instruments for validation leaves those songs to the soundfonts.
"""

from unbraid.corpus.places import INSTRUMENTS, SALAMANDER

Keys = tuple[str, int, int]  # file, lowest and highest key

_GM_BANK = str(INSTRUMENTS / "gm-bank/Discord GM/Melodic/{}.sfz")

PIANOS: dict[str, tuple[Keys, ...]] = {
    "train": (
        (str(SALAMANDER / "Salamander.sfz"), 21, 108),
        (str(SALAMANDER / "Salamander.sfz"), 21, 108),
        ("splendid-grand-piano/Splendid Grand Piano.sfz", 21, 108),
        ("old-piano-fb/PianoFB 20200401.sfz", 21, 108),
        ("e-pianos/Wurlitzer EP200/Wurlitzer EP200.sfz", 33, 96),
        (str(INSTRUMENTS / "headroom/Intimate Piano (NoFX).sfz"), 21, 108),
        (str(INSTRUMENTS / "upright-kw/UprightPianoKW-20220221.sfz"), 21, 108),
        (str(INSTRUMENTS / "upright-kw/UprightPianoKW-20220221.sfz"), 21, 108),
    ),
    "valid": (("e-pianos/CP80/CP80.sfz", 21, 108), ("e-pianos/Pianet T/Pianet T.sfz", 29, 88)),
}
BASSES: dict[str, tuple[Keys, ...]] = {
    "train": (
        ("growlybass/growlybass_clean.sfz", 33, 67),
        ("growlybass/growlybass_dirty.sfz", 33, 67),
        ("growlybass/growlybass_angry.sfz", 33, 67),
        ("growlybass/growlybass_vicious.sfz", 33, 67),
        ("double-bass-pizz/d_smolken_rubner_bass_pizz.sfz", 28, 67),
        (str(INSTRUMENTS / "swagbass/swagbass_clean.sfz"), 23, 60),
        (str(INSTRUMENTS / "swagbass/swagbass_shiny.sfz"), 23, 60),
        (str(INSTRUMENTS / "fashionbass/fashionbass_clean.sfz"), 23, 67),
        (str(INSTRUMENTS / "fashionbass/fashionbass_clean.sfz"), 23, 67),
        (str(INSTRUMENTS / "lately-bass/LatelyBass 20240409.sfz"), 24, 60),
        (_GM_BANK.format("034-Electric Bass (finger)"), 23, 71),
    ),
    "valid": (
        ("electric-bass-yr/FingerBassYR 20190930.sfz", 26, 45),
        ("electric-bass-yr/PickedBassYR 20190930.sfz", 26, 46),
    ),
}
GUITARS: dict[str, tuple[Keys, ...]] = {
    "train": (
        ("emilyguitar/emily_clean.sfz", 40, 88),
        ("emilyguitar/emily_basic.sfz", 40, 88),
        (_GM_BANK.format("026-Acoustic Guitar (steel)"), 35, 88),
    ),
    "valid": (("spanish-classical-guitar/SpanishClassicalGuitar-20190618.sfz", 40, 88),),
}
_SAX = str(INSTRUMENTS / "solo-sax/MTG Solo Saxophones/MTG {} Sax (NL).sfz")
SAXES: dict[str, tuple[Keys, ...]] = {
    "train": (
        (_SAX.format("Soprano"), 56, 87),
        (_SAX.format("Alto"), 51, 81),
        (_SAX.format("Tenor"), 46, 76),
        (_SAX.format("Baritone"), 37, 69),
    ),
    "valid": (),
}
FLUTES: dict[str, tuple[Keys, ...]] = {
    "train": ((str(INSTRUMENTS / "ixox-flute/Ixox Flute.sfz"), 60, 96),),
    "valid": (),
}
_PAD = str(INSTRUMENTS / "cowsynth/cowsynth_{}_pad.sfz")
PADS: dict[str, tuple[Keys, ...]] = {
    "train": tuple((_PAD.format(name), 36, 90) for name in ("fancy", "wheezy", "lonely")),
    "valid": (),
}
KITS: dict[str, tuple[tuple[str, dict[str, int]], ...]] = {  # file, key of each piece
    "train": (
        (
            str(INSTRUMENTS / "muldjordkit/MuldjordKit 20201018.sfz"),
            {
                "kick": 48, "snare": 50, "hat": 52, "open": 53, "ride": 54, "bell": 55, "crash": 58, "high": 61,
                "mid": 62, "low": 64,
            },
        ),
        (
            str(INSTRUMENTS / "sams-sonor/SamsSonor.sfz"),
            {
                "kick": 36, "rim": 37, "snare": 38, "hat": 42, "low": 43, "high": 45, "open": 46, "mid": 47,
                "crash": 49, "ride": 51, "bell": 53,
            },
        ),
    ),
    "valid": (),
}  # fmt: skip
TREMOLO: dict[str, tuple[Keys, ...]] = {
    "train": ((_GM_BANK.format("045-Tremolo Strings"), 28, 88),),
    "valid": (),
}
PIZZICATO: dict[str, tuple[Keys, ...]] = {
    "train": ((_GM_BANK.format("046-Pizzicato Strings"), 28, 88),),
    "valid": (),
}
TUBAS: dict[str, tuple[Keys, ...]] = {
    "train": ((str(INSTRUMENTS / "war-tuba/Programs/2-solo-poly.sfz"), 28, 60),),
    "valid": (),
}
SITARS: dict[str, tuple[Keys, ...]] = {"train": ((_GM_BANK.format("105-Sitar"), 36, 84),), "valid": ()}
BANJOS: dict[str, tuple[Keys, ...]] = {"train": ((str(INSTRUMENTS / "ganjo/ganjo.sfz"), 38, 72),), "valid": ()}
SHAWMS: dict[str, tuple[Keys, ...]] = {"train": ((_GM_BANK.format("112-Shanai"), 48, 84),), "valid": ()}
# What is recorded of General MIDI's other programs: the first, the last but one, by what.
RECORDED = (
    (44, 45, TREMOLO),
    (45, 46, PIZZICATO),
    (58, 59, TUBAS),
    (64, 68, SAXES),
    (68, 72, SHAWMS),
    (72, 80, FLUTES),
    (88, 96, PADS),
    (104, 105, SITARS),
    (105, 108, BANJOS),
    (108, 112, SHAWMS),
)
BY_SOURCE = (
    ("piano", PIANOS),
    ("bass", BASSES),
    ("other", GUITARS),
    ("other", SAXES),
    ("other", FLUTES),
    ("other", PADS),
    ("other", TREMOLO),
    ("other", PIZZICATO),
    ("other", TUBAS),
    ("other", SITARS),
    ("other", BANJOS),
    ("other", SHAWMS),
    ("drums", KITS),
)
