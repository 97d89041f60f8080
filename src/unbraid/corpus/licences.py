"""Which licences training material may have, and under which one each collection comes, from whom."""

from __future__ import annotations

from unbraid.errors import CorpusError

# SPDX identifiers. All allow use, change and sharing, also for money; none forbids derived works.
ALLOWED = frozenset(
    (
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-4.0",
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
    "instruments/headroom": ("CC-BY-4.0", "Bengt Nilsson, Headroom Piano, mapped by kinwie"),
    "instruments/upright-kw": ("CC0-1.0", "FreePats project, Gonzalo and Roberto"),
    "instruments/swagbass": ("CC0-1.0", "Karoryfer Samples, D. Smolken"),
    "instruments/fashionbass": ("CC0-1.0", "Karoryfer Samples, D. Smolken"),
    "instruments/lately-bass": ("CC0-1.0", "FreePats project, Yingchun Soul"),
    "instruments/muldjordkit": ("CC-BY-4.0", "Lars Muldjord; drum samples provided by DrumGizmo.org; FreePats project"),
    "instruments/sams-sonor": ("CC-BY-SA-4.0", "Sam Greene, SamsSonor, mapped by kinwie"),
    "instruments/solo-sax": ("CC-BY-4.0", "Music Technology Group, Universitat Pompeu Fabra; mapped by kinwie"),
    "instruments/ixox-flute": ("CC-BY-4.0", "Xavier Hosxe, Ixox Flute"),
    "instruments/cowsynth": ("CC0-1.0", "Karoryfer Samples, D. Smolken"),
    "instruments/war-tuba": ("CC0-1.0", "Karoryfer Samples, Jakub Lewicki, D. Smolken"),
    "instruments/ganjo": ("CC0-1.0", "itsclipping, SX guitar banjo"),
    "instruments/gm-bank": (
        "CC0-1.0",
        "Discord SFZ GM Bank: Jeff Learman, Versilian Studios, D. Smolken, Narayan Bhagawan Raikar",
    ),
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
    "repositories/nit_song070": ("CC-BY-3.0", "NIT SONG070 F001, HTS Working Group, Nagoya Institute of Technology"),
    "repositories/vocadito": ("CC-BY-4.0", "vocadito by Bittner, Pasalo, Bosch, Meseguer-Brocal, Rubinstein"),
    "repositories/progressive_solemnity": ("CC-BY-4.0", "Progressive Solemnity by Adam Michael Wood and singers"),
    "repositories/pjs": ("CC-BY-SA-4.0", "PJS by Junya Koguchi and Shinnosuke Takamichi"),
    "repositories/berklee": ("CC-BY-3.0", "OLPC Berklee Sound Library"),
    "repositories/producer_space": ("CC0-1.0", "Producer Space (producerspace.com), gathered by neshanjo"),
    "repositories/everything_is_free": ("CC0-1.0", "ichbinsoftware, Everything Is Free"),
    "repositories/mahabharata": (
        "CC-BY-SA-4.0",
        "Mahabharata audio project (sanskrit.github.io): shIlA, shashI, bAlA, priyadarshinI, vAsantI; vishvAsa vAsuki",
    ),
    "repositories/kathasaritsagara": ("CC-BY-SA-4.0", "bhaTTa madhusUdana, kAvya audio project (sanskrit.github.io)"),
    "repositories/webaudio_examples": ("CC0-1.0", "MDN's Web Audio examples, the multi-track piece"),
    "repositories/sms_tools": ("CC-BY-4.0", "Music Technology Group, Universitat Pompeu Fabra"),
    "frets_on_fire/sectoid": ("MIT", "Carlos Viola Iborra (sectoid)"),
    "frets_on_fire/muldjord": ("CC-BY-SA-3.0", "El Senator of Muldjord"),
    "backings/a7xpg": ("BSD-2-Clause", "Kenta Cho; A7Xpg"),
    "backings/ardentryst": ("CC-BY-SA-3.0", "Jordan Trudgett; Ardentryst"),
    "backings/brainparty": ("CC-BY-SA-3.0", "Alexander Blu; Brain Party"),
    "backings/caveexpress": ("CC-BY-SA-4.0", "Martin Gerhardy; Cave Express"),
    "backings/cube2": ("CC-BY-SA-3.0", "remaxim; Cube 2"),
    "backings/flare": ("CC-BY-SA-3.0", "Clint Bellanger and others; Flare"),
    "backings/freecol": ("CC-BY-4.0", "Alexander Zhelanov, Stian Grenborgen; FreeCol"),
    "backings/freeorion": ("CC-BY-SA-3.0", "the FreeOrion project; FreeOrion"),
    "backings/fretsonfire-muldjord": ("CC-BY-SA-3.0", "El Senator of Muldjord"),
    "backings/fretsonfire-sectoid": ("MIT", "Carlos Viola Iborra (sectoid)"),
    "backings/gamine": ("Public-Domain", "T. Willhoite; Gamine"),
    "backings/gigalomania-froyn": ("CC-BY-3.0", "Sindre Froyn; Gigalomania"),
    "backings/gigalomania-ghost": ("CC-BY-3.0", "_ghost; Gigalomania"),
    "backings/gunroar": ("BSD-2-Clause", "Kenta Cho; Gunroar"),
    "backings/hex-a-hop": ("CC-BY-SA-3.0", "remaxim; Hex-a-Hop"),
    "backings/hyperrogue-parrotte": ("CC-BY-SA-3.0", "Shawn Parrotte; HyperRogue"),
    "backings/hyperrogue-savino": ("CC-BY-SA-3.0", "Will Savino; HyperRogue"),
    "backings/lebiniou": ("CC-BY-SA-4.0", "Nicolas Faure; Le Biniou"),
    "backings/lomiri": ("CC-BY-4.0", "Mauricio Duarte; Lomiri"),
    "backings/marsshooter": ("CC-BY-SA-3.0", "Obsidian Shell; M.A.R.S."),
    "backings/megaglest": ("CC-BY-SA-3.0", "the MegaGlest team, Aminos, manolo camp; MegaGlest"),
    "backings/miceamaze-dst": ("CC-BY-3.0", "Deceased Superior Technician; MiceAmaze"),
    "backings/mu-cade": ("BSD-2-Clause", "Kenta Cho; Mu-cade"),
    "backings/naev-askyel": ("CC-BY-SA-3.0", "Askyel; Naev"),
    "backings/naev-whallon": ("CC-BY-3.0", "Nikola Whallon; Naev"),
    "backings/naev-zeropage": ("CC-BY-3.0", "Zeropage; Naev"),
    "backings/noiz2sa": ("BSD-2-Clause", "Kenta Cho; Noiz2sa"),
    "backings/openclonk": ("CC-BY-3.0", "K-Pone; OpenClonk"),
    "backings/parsec47": ("BSD-2-Clause", "Kenta Cho; PARSEC47"),
    "backings/pink-pony": ("CC-BY-SA-3.0", "Renich; Pink Pony"),
    "backings/redeclipse": ("CC-BY-SA-3.0", "Derek Stegall and the Red Eclipse team; Red Eclipse"),
    "backings/rrootage": ("BSD-2-Clause", "Kenta Cho; rRootage"),
    "backings/singularity": ("CC-BY-SA-3.0", "Max McCracken; Endgame: Singularity"),
    "backings/supertuxkart": (
        "CC-BY-SA-3.0",
        "0zone0ne, Krobonil, Claude Werner, DJHelium, Kalsan, Weirwood, GeekPenguinBR, Heuchi1, Bart; SuperTuxKart",
    ),
    "backings/supertuxkart-4": ("CC-BY-SA-4.0", "Keith Baylis, Heuchi1; SuperTuxKart"),
    "backings/titanion": ("BSD-2-Clause", "Kenta Cho; Titanion"),
    "backings/torus-trooper": ("BSD-2-Clause", "Kenta Cho; Torus Trooper"),
    "backings/tumiki-fighters": ("BSD-2-Clause", "Kenta Cho; Tumiki Fighters"),
    "backings/tuxmath": ("CC-BY-SA-3.0", "Serberis, Synthaurion; TuxMath"),
    "backings/ufoai-azrael": ("CC-BY-3.0", "azrael1322; UFO: Alien Invasion"),
    "backings/ufoai-crystan": ("CC-BY-SA-3.0", "Christian Hoffmann (Crystan); UFO: Alien Invasion"),
    "backings/ufoai-golgotha": ("Public-Domain", "Golgotha; UFO: Alien Invasion"),
    "backings/ufoai-marine": ("CC-BY-SA-3.0", "Marine Baklund; UFO: Alien Invasion"),
    "backings/ufoai-marino": ("CC-BY-3.0", "Manuel Marino (Vanethian); UFO: Alien Invasion"),
    "backings/ufoai-reeves": ("CC-BY-3.0", "David Reeves (Destructavator); UFO: Alien Invasion"),
    "backings/ufoai-slippycurb": ("CC-BY-SA-3.0", "Slippycurb; UFO: Alien Invasion"),
    "backings/unknown-horizons": ("CC-BY-SA-3.0", "the Unknown Horizons team; Unknown Horizons"),
    "backings/warzone2100": ("CC-BY-SA-3.0", "LupusMechanicus; Warzone 2100"),
    "backings/widelands": ("CC-BY-SA-3.0", "Stuart Marshall; Widelands"),
    "backings/wordwarvi": ("CC-BY-SA-3.0", "Stephen M. Cameron, Marty Kiel, Skip Kavanaugh; Word War vi"),
    "backings/zaz": ("CC-BY-SA-3.0", "Leonard Ritter; Zaz"),
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
