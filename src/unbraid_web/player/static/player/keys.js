// The mixer from the keyboard.

/** Call the mixer's verbs for keys, except while somebody types or works a slider or a menu. */
export function wireKeys(mixer) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target.matches("textarea, select, input:not([type=range]), [contenteditable]")) return;
    const onSlider = target.matches("input[type=range]");
    if (event.code === "Space" && target.matches("button, a, summary") && !target.closest(".mixer")) return;
    const digit = /^Digit([1-9])$/.exec(event.code);
    const verbs = {
      Space: () => mixer.toggle(),
      ArrowLeft: onSlider ? null : () => mixer.step(-5),
      ArrowRight: onSlider ? null : () => mixer.step(5),
      Home: onSlider ? null : () => mixer.seek(0),
      KeyL: () => mixer.toggleLoop(),
      KeyS: () => mixer.toggleSpectrum(),
      BracketLeft: () => mixer.markLoop("from"),
      BracketRight: () => mixer.markLoop("to"),
    };
    const verb = digit ? () => mixer.press(Number(digit[1]) - 1, event.shiftKey) : verbs[event.code];
    if (!verb) return;
    event.preventDefault();
    verb();
  });
}
