// How a song was left, as text: `vocals=20&bass=left30&speed=75&transpose=-3&click=80_on&loop=10-18`. What is as at first
// is left out. The text is kept in the browser for each song, and goes behind the # of a private link.

export const AT_REST = { volume: 1, pan: 0, muted: false, soloed: false };
export const BEAT_AT_REST = { click: { on: false, volume: 1 }, countsIn: false, snaps: true };

/** The mix as text; `faders` are by the stems' names. */
export function encode({ faders = {}, speed = 1, semitones = 0, beat = BEAT_AT_REST, loop = null, position = 0 }) {
  const text = new URLSearchParams();
  for (const [name, fader] of Object.entries(faders)) {
    const words = encodeFader({ ...AT_REST, ...fader });
    if (words) text.set(name, words);
  }
  if (speed !== 1) text.set("speed", Math.round(100 * speed));
  if (semitones) text.set("transpose", semitones);
  const click = [beat.click.volume !== 1 && Math.round(100 * beat.click.volume), beat.click.on && "on"];
  if (click.some((word) => word !== false)) text.set("click", click.filter((word) => word !== false).join("_"));
  if (beat.countsIn) text.set("countin", "on");
  if (!beat.snaps) text.set("snap", "off");
  if (loop) text.set("loop", `${loop.from.toFixed(2)}-${loop.to.toFixed(2)}`);
  if (position > 0) text.set("at", position.toFixed(2));
  return text.toString();
}

function encodeFader({ volume, pan, muted, soloed }) {
  const words = [], side = Math.round(100 * pan);
  if (volume !== 1) words.push(Math.round(100 * volume));
  if (side) words.push(side < 0 ? `left${-side}` : `right${side}`);
  if (muted) words.push("mute");
  if (soloed) words.push("solo");
  return words.join("_");
}

/** The mix that a text means, for the stems of these names; whatever is no mix is as at first. */
export function decode(text, names) {
  const found = new URLSearchParams(text);
  const number = (value, least, most) => Math.min(most, Math.max(least, Number(value)));
  const [, from, to] = /^([\d.]+)-([\d.]+)$/.exec(found.get("loop") ?? "") ?? [];
  return {
    faders: Object.fromEntries(names.map((name) => [name, decodeFader(found.get(name) ?? "", number)])),
    speed: number(found.get("speed") ?? 100, 50, 150) / 100 || 1,
    semitones: Math.round(number(found.get("transpose") ?? 0, -6, 6)) || 0,
    beat: {
      click: decodeClick(found.get("click") ?? "", number),
      countsIn: found.get("countin") === "on",
      snaps: found.get("snap") !== "off",
    },
    loop: Number(to) > Number(from) ? { from: Number(from), to: Number(to) } : null,
    position: number(found.get("at") ?? 0, 0, Infinity) || 0,
  };
}

function decodeFader(text, number) {
  const fader = { ...AT_REST };
  for (const word of text.split("_")) {
    const [, side, percent] = /^(left|right)?(\d{1,3})$/.exec(word) ?? [];
    if (side) fader.pan = number(side === "left" ? -percent : percent, -100, 100) / 100;
    else if (percent) fader.volume = number(percent, 0, 150) / 100;
    else if (word === "mute") fader.muted = true;
    else if (word === "solo") fader.soloed = true;
  }
  return fader;
}

function decodeClick(text, number) {
  const [, percent] = /^(\d{1,3})?(?:_?on)?$/.exec(text) ?? [];
  return { on: /(^|_)on$/.test(text), volume: percent ? number(percent, 0, 150) / 100 : 1 };
}

/** Remembers how one song was left, in this browser. */
export class Memory {
  constructor(id) {
    this.key = `mix of ${id}`;
  }

  /** The mix that the address names, which is taken out of it, else how the song was left here. */
  recall() {
    const shared = location.hash.slice(1);
    if (!shared.includes("=")) return localStorage.getItem(this.key) ?? "";
    history.replaceState(history.state, "", location.pathname + location.search); // from now on, what is changed counts
    return shared;
  }

  keep(text) {
    if (text) localStorage.setItem(this.key, text);
    else localStorage.removeItem(this.key);
  }
}
