"""The sampled instruments by source and split: SFZ files, with the keys that sound or those of a kit's pieces.

Paths are below `instruments/` of the raw material. A table without instruments for validation leaves those songs to
the soundfonts.
"""

Keys = tuple[str, int, int]  # file, lowest and highest key
Table = dict[str, tuple[Keys, ...]]  # by split

_GM_BANK = "gm-bank/Discord GM/Melodic/{}.sfz"

PIANOS: Table = {
    "train": (
        ("salamander/Salamander.sfz", 21, 108),
        ("salamander/Salamander.sfz", 21, 108),
        ("splendid-grand-piano/Splendid Grand Piano.sfz", 21, 108),
        ("old-piano-fb/PianoFB 20200401.sfz", 21, 108),
        ("e-pianos/Wurlitzer EP200/Wurlitzer EP200.sfz", 33, 96),
        ("headroom/Intimate Piano (NoFX).sfz", 21, 108),
        ("upright-kw/UprightPianoKW-20220221.sfz", 21, 108),
        ("upright-kw/UprightPianoKW-20220221.sfz", 21, 108),
    ),
    "valid": (("e-pianos/CP80/CP80.sfz", 21, 108), ("e-pianos/Pianet T/Pianet T.sfz", 29, 88)),
}
BASSES: Table = {
    "train": (
        ("growlybass/growlybass_clean.sfz", 33, 67),
        ("growlybass/growlybass_dirty.sfz", 33, 67),
        ("growlybass/growlybass_angry.sfz", 33, 67),
        ("growlybass/growlybass_vicious.sfz", 33, 67),
        ("double-bass-pizz/d_smolken_rubner_bass_pizz.sfz", 28, 67),
        ("swagbass/swagbass_clean.sfz", 23, 60),
        ("swagbass/swagbass_shiny.sfz", 23, 60),
        ("fashionbass/fashionbass_clean.sfz", 23, 67),
        ("fashionbass/fashionbass_clean.sfz", 23, 67),
        ("lately-bass/LatelyBass 20240409.sfz", 24, 60),
        (_GM_BANK.format("034-Electric Bass (finger)"), 23, 71),
    ),
    "valid": (
        ("electric-bass-yr/FingerBassYR 20190930.sfz", 26, 45),
        ("electric-bass-yr/PickedBassYR 20190930.sfz", 26, 46),
    ),
}
GUITARS: Table = {
    "train": (
        ("emilyguitar/emily_clean.sfz", 40, 88),
        ("emilyguitar/emily_basic.sfz", 40, 88),
        (_GM_BANK.format("026-Acoustic Guitar (steel)"), 35, 88),
    ),
    "valid": (("spanish-classical-guitar/SpanishClassicalGuitar-20190618.sfz", 40, 88),),
}
KITS: dict[str, tuple[tuple[str, dict[str, int]], ...]] = {  # file, key of each piece
    "train": (
        (
            "muldjordkit/MuldjordKit 20201018.sfz",
            {
                "kick": 48, "snare": 50, "hat": 52, "open": 53, "ride": 54, "bell": 55, "crash": 58, "high": 61,
                "mid": 62, "low": 64,
            },
        ),
        (
            "sams-sonor/SamsSonor.sfz",
            {
                "kick": 36, "rim": 37, "snare": 38, "hat": 42, "low": 43, "high": 45, "open": 46, "mid": 47,
                "crash": 49, "ride": 51, "bell": 53,
            },
        ),
    ),
    "valid": (),
}  # fmt: skip
_SAX = "solo-sax/MTG Solo Saxophones/MTG {} Sax (NL).sfz"
_PAD = "cowsynth/cowsynth_{}_pad.sfz"
_SHAWM: Keys = (_GM_BANK.format("112-Shanai"), 48, 84)
# Recorded instruments for General MIDI's other programs, for training: first program, end of the range, instrument.
RECORDED: tuple[tuple[int, int, tuple[Keys, ...]], ...] = (
    (44, 45, ((_GM_BANK.format("045-Tremolo Strings"), 28, 88),)),
    (45, 46, ((_GM_BANK.format("046-Pizzicato Strings"), 28, 88),)),
    (58, 59, (("war-tuba/Programs/2-solo-poly.sfz", 28, 60),)),
    (
        64,
        68,
        (
            (_SAX.format("Soprano"), 56, 87),
            (_SAX.format("Alto"), 51, 81),
            (_SAX.format("Tenor"), 46, 76),
            (_SAX.format("Baritone"), 37, 69),
        ),
    ),
    (68, 72, (_SHAWM,)),
    (72, 80, (("ixox-flute/Ixox Flute.sfz", 60, 96),)),
    (88, 96, tuple((_PAD.format(name), 36, 90) for name in ("fancy", "wheezy", "lonely"))),
    (104, 105, ((_GM_BANK.format("105-Sitar"), 36, 84),)),
    (105, 108, (("ganjo/ganjo.sfz", 38, 72),)),
    (108, 112, (_SHAWM,)),
)
BY_SOURCE = (
    ("piano", PIANOS),
    ("bass", BASSES),
    ("other", GUITARS),
    ("other", {"train": tuple(row for *_, rows in RECORDED for row in rows)}),
    ("drums", KITS),
)
