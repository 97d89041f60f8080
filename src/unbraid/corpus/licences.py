"""Which licences training material may have, and under which one each collection comes, from whom."""

from __future__ import annotations

from unbraid.errors import CorpusError

# SPDX identifiers. All allow use, change and sharing, also for money; none forbids derived works.
ALLOWED = frozenset(
    (
        "Apache-2.0",
        "BSD-3-Clause",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-3.0",
        "CC0-1.0",
        "MIT",
        "Public-Domain",
    )
)

# What may be measured with is more than what may be learnt from: nothing of it is in the weights.
ALLOWED_FOR_VALIDATION = ALLOWED | {"GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-or-later"}

# A tool's licence does not reach what is made with it: MMA's styles steer the composing, nothing of them is heard.
TOOLS = frozenset({"styles"})

# Collection: (licence, whom to thank).
TERMS = {
    "voices/kathleen": ("CC0-1.0", "Kathleen, github.com/rhasspy/dataset-voice-kathleen"),
    "voices/nathalie": ("CC0-1.0", "Nathalie, github.com/rhasspy/dataset-voice-nathalie"),
    "voices/flemishguy": ("CC0-1.0", "Flemish Guy, github.com/rhasspy/dataset-voice-flemishguy"),
    "voices/yuki": ("Public-Domain", "UTAU-Yuki, github.com/kgs233/UTAU-Yuki"),
    "voices/erithacus": ("CC-BY-4.0", "Erithacus Project, github.com/ErithacusProject/ErithacusVB"),
    "voices/gcompris_gd": ("Public-Domain", "GCompris voices, Scottish Gaelic, github.com/gcompris/GCompris-voices"),
    "voices/kokoro": ("Apache-2.0", "Kokoro-82M by hexgrad"),
    "midi/groove": ("CC-BY-4.0", "Groove MIDI Dataset by Google LLC (Gillick et al. 2019)"),
    "midi/songs/freedoom-midi": ("BSD-3-Clause", "the Freedoom project, github.com/freedoom/freedoom"),
    "midi/songs/openmsx-midi": ("GPL-2.0-only", "OpenMSX, the music of OpenTTD"),
    "midi/songs/deb-planetblupi-music-midi": ("GPL-3.0-or-later", "Planet Blupi, EPSITEC SA and Mathieu Schroeter"),
    "instruments/growlybass": ("CC0-1.0", "Karoryfer Samples, D. Smolken"),
    "instruments/double-bass-pizz": ("CC0-1.0", "Karoryfer Samples, D. Smolken"),
    "instruments/emilyguitar": ("CC0-1.0", "Karoryfer Samples, D. Smolken"),
    "instruments/electric-bass-yr": ("CC0-1.0", "FreePats project"),
    "instruments/spanish-classical-guitar": ("CC0-1.0", "FreePats project"),
    "instruments/old-piano-fb": ("CC0-1.0", "FreePats project"),
    "instruments/splendid-grand-piano": ("Public-Domain", "AKAI, Splendid Grand Piano"),
    "instruments/salamander": ("CC-BY-3.0", "Alexander Holm, Salamander Grand Piano V3"),
    "instruments/e-pianos": ("CC-BY-3.0", "Greg Sullivan, E-Pianos"),
    "soundfonts/FluidR3_GM": ("MIT", "Frank Wen, Fluid (R3) General MIDI SoundFont"),
    "soundfonts/MuseScore_General_Full": ("MIT", "S. Christian Collins, Michael Cowgill, Frank Wen; MuseScore General"),
    "soundfonts/TimGM6mb": ("GPL-2.0-only", "Tim Brechbill, TimGM6mb"),
    "soundfonts/Black_Pearl_4_LV2": ("CC-BY-SA-3.0", "Glen MacArthur, AVL Drumkits, Black Pearl"),
    "soundfonts/Red_Zeppelin_4_LV2": ("CC-BY-SA-3.0", "Glen MacArthur, AVL Drumkits, Red Zeppelin"),
    "hydrogen/Millo-Drums_v.1": ("GPL-2.0-only", "Emiliano Grilli"),
    "hydrogen/Millo_MultiLayered2": ("GPL-2.0-only", "Emiliano Grilli"),
    "hydrogen/Millo_MultiLayered3": ("GPL-2.0-only", "Emiliano Grilli"),
    "hydrogen/BJA_Pacific": ("CC-BY-SA-3.0", "Luc Tunguay"),
    "hydrogen/rumpf_kit_z01_h2": ("CC-BY-3.0", "Emanuel Rumpf"),
    "hydrogen/The Black Pearl 1.0": ("GPL-2.0-only", "Glen MacArthur"),
    "hydrogen/ForzeeStereo": ("GPL-2.0-only", "Vladimir Sadovnikov, Alexander Belokurov"),
    "hydrogen/ColomboAcousticDrumkit": ("GPL-2.0-or-later", "Marcos Guglielmetti"),
    "hydrogen/HardElectro1": ("GPL-2.0-or-later", "Artemiy Pavlov"),
    "hydrogen/ElectricEmpireKit": ("GPL-2.0-or-later", "Artemiy Pavlov"),
    "hydrogen/VariBreaks": ("GPL-2.0-or-later", "Artemiy Pavlov"),
    "hydrogen/Audiophob": ("CC0-1.0", "audiophobdubstep"),
    "styles": ("GPL-2.0-or-later", "Bob van der Poel and others, the library of MMA"),
    "synthesised": ("MIT", "the unbraid authors"),
    "songs": ("CC0-1.0", "ichbinsoftware, Everything Is Free"),
    "frets_on_fire/sectoid": ("MIT", "Carlos Viola Iborra (sectoid)"),
    "frets_on_fire/muldjord": ("CC-BY-SA-3.0", "El Senator of Muldjord"),
}


def terms(collection: str, split: str = "train") -> tuple[str, str]:
    """Licence and attribution of a collection; a CorpusError refuses what is unknown or not allowed in the split."""
    if collection not in TERMS:
        raise CorpusError(f"Nobody has written down the licence of {collection}: it may not be used for training.")
    licence, attribution = TERMS[collection]
    allowed = ALLOWED_FOR_VALIDATION if split == "valid" else ALLOWED
    if licence not in allowed and collection not in TOOLS:
        raise CorpusError(f"{collection} is under {licence}, which is not on the list of allowed licences.")
    return licence, attribution
