// Which segments to play: what the person chose, else what suits the device and the line.

const LOSSLESS_MEGABITS = 5; // with something to spare

/** Compressed or not, and whether the mixer may change its mind when the line is slow. */
export function startingQuality() {
  const chosen = localStorage.getItem("quality");
  return { smaller: chosen ? chosen === "smaller" : isSmallerBetter(), automatic: !chosen };
}

export function rememberQuality(smaller) {
  localStorage.setItem("quality", smaller ? "smaller" : "lossless");
}

function isSmallerBetter() {
  const line = navigator.connection; // not in every browser
  const slow = line && (line.saveData || line.effectiveType !== "4g" || line.downlink < LOSSLESS_MEGABITS);
  return Boolean(slow) || matchMedia("(hover: none) and (pointer: coarse)").matches;
}
