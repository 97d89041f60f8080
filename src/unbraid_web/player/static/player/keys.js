// The mixer from the keyboard.

/** Call the mixer's verbs for keys, except while somebody types or works a slider, a menu or a button. */
export function wireKeys(mixer) {
  const everywhere = mixer.do("keys"); // single keys get in the way of voice control: they can be kept to the mixer
  everywhere.checked = localStorage.getItem("keys") !== "mixer";
  everywhere.addEventListener(
    "change",
    () => localStorage.setItem("keys", everywhere.checked ? "everywhere" : "mixer"),
  );

  let clicked = null; // the button that a mouse or finger pressed last: there the space bar means play, not once more
  document.addEventListener("focusin", () => (clicked = null));
  document.addEventListener(
    "click",
    (event) => (clicked = event.detail ? event.target.closest(".mixer button") : null),
  );

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || mixer.root.hidden) return;
    const target = event.target;
    if (!everywhere.checked && !mixer.root.contains(target)) return;
    if (target.matches("textarea, select, input:not([type=range], [type=checkbox]), [contenteditable]")) return;
    if (event.code === "Space" && target.matches("button, a, summary, [type=checkbox]") && target !== clicked) return;
    const onFader = target.matches("input[type=range]:not(.seek)");
    const onSeek = target.matches(".seek");
    const digit = /^Digit([1-9])$/.exec(event.code);
    const verbs = {
      Space: () => mixer.toggle(),
      ArrowLeft: onFader ? null : () => mixer.step(-5),
      ArrowRight: onFader ? null : () => mixer.step(5),
      ArrowDown: onSeek ? () => mixer.step(-5) : null,
      ArrowUp: onSeek ? () => mixer.step(5) : null,
      Home: onFader ? null : () => mixer.seek(0),
      KeyB: () => mixer.practice.press(mixer.do("snap")),
      KeyC: () => mixer.practice.press(mixer.do("click")),
      KeyI: () => mixer.practice.press(mixer.do("count-in")),
      KeyL: () => mixer.toggleLoop(),
      KeyO: () => mixer.setOriginal(!mixer.original),
      KeyS: () => mixer.toggleSpectrum(),
      BracketLeft: () => mixer.markLoop("from"),
      BracketRight: () => mixer.markLoop("to"),
    };
    const zooms = { "+": () => mixer.zoom(2), "-": () => mixer.zoom(0.5), 0: () => mixer.view.whole() };
    const verb = digit
      ? () => mixer.toggleStrip(Number(digit[1]) - 1, event.shiftKey)
      : verbs[event.code] ?? zooms[event.key];
    if (!verb) return;
    event.preventDefault();
    verb();
  });
}
