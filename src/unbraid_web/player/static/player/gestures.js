// What mouse and fingers do on the ruler and on the waveforms.

/** Seconds of the song under the pointer. */
function secondsAt(mixer, event, element) {
  const box = element.getBoundingClientRect();
  return mixer.view.seconds(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
}

const SURE = 8; // pixels to the side, by which a finger is not about to scroll the page

/** A click, a tap or a stroke over a waveform moves the position. */
export function wireWave(mixer, wave) {
  const seek = (event) => mixer.seek(secondsAt(mixer, event, wave));
  let begun = null;
  wireZoom(mixer, wave, {
    begin(event) {
      begun = event;
      if (event.pointerType !== "touch") seek(event);
    },
    move(event) {
      if (event.pointerType !== "touch" || Math.abs(event.clientX - begun.clientX) >= SURE) seek(event);
    },
    end: seek,
  });
}

/** A slider that stays as it was when the finger on it scrolls the page instead. */
export function wireSlider(slider, moved) {
  let before = slider.value;
  slider.addEventListener("pointerdown", () => (before = slider.value));
  slider.addEventListener("pointercancel", () => {
    slider.value = before;
    moved();
  });
  slider.addEventListener("input", moved);
}

/** A stroke over the ruler chooses the loop, with Alt free of the bars; a click there moves the position. */
export function wireRuler(mixer, ruler) {
  let begun = null;
  wireZoom(mixer, ruler, {
    begin: (event) => (begun = secondsAt(mixer, event, ruler)),
    move(event) {
      const at = secondsAt(mixer, event, ruler);
      if (Math.abs(at - begun) <= 0.2) return;
      mixer.setLoop({ from: Math.min(begun, at), to: Math.max(begun, at) }, { free: event.altKey });
    },
    end(event) {
      const at = secondsAt(mixer, event, ruler);
      if (Math.abs(at - begun) <= 0.2) mixer.seek(at);
    },
  });
}

/** One pointer draws, two zoom, and so does the wheel with Ctrl; without it the wheel moves to the side. */
function wireZoom(mixer, element, stroke) {
  const pointers = new Map();
  let drawing = false, apart = 0;
  const distance = () => {
    const [one, other] = pointers.values();
    return Math.max(20, Math.abs(one.clientX - other.clientX));
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    drawing = pointers.size === 1;
    if (drawing) stroke.begin(event);
    else apart = distance();
  });
  element.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, event);
    if (drawing) return stroke.move(event);
    if (pointers.size !== 2) return;
    const [one, other] = pointers.values(), before = apart;
    apart = distance();
    const middle = { clientX: (one.clientX + other.clientX) / 2 };
    mixer.view.zoom(apart / before, secondsAt(mixer, middle, element));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    element.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      if (drawing && end === "pointerup") stroke.end(event);
      drawing = false;
    });
  }
  element.addEventListener("wheel", (event) => {
    const { view } = mixer;
    const aside = event.shiftKey ? event.deltaY : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      view.zoom(Math.exp(-event.deltaY / 200), secondsAt(mixer, event, element));
    } else if (aside && !view.isWhole) {
      view.show(view.start + (aside / element.clientWidth) * view.length, view.length);
    } else {
      return; // the page scrolls
    }
    event.preventDefault();
  }, { passive: false });
}
