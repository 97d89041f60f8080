// Names of musical keys.

const MAJOR = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
const MINOR = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"];
const STEPS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** The key so many semitones higher, as musicians usually write it. */
export function transposedKey(key, semitones) {
  const [, letter, sign, mode] = /^([A-G])([♯♭]?) (major|minor)$/.exec(key);
  const step = STEPS[letter] + (sign === "♯") - (sign === "♭");
  return `${(mode === "major" ? MAJOR : MINOR)[(step + semitones + 12) % 12]} ${mode}`;
}
