// The buttons on lock screens, headphones and keyboards, and sound in spite of an iPhone's silent switch.

/** Let the system show and work the mixer. */
export function wireMediaSession(mixer) {
  if (navigator.audioSession) navigator.audioSession.type = "playback"; // else the silent switch silences us
  const session = navigator.mediaSession;
  if (!session) return;
  const { title, artist } = mixer.manifest;
  session.metadata = new MediaMetadata({ title, artist });
  const handlers = {
    play: () => mixer.engine.state.playing || mixer.toggle(),
    pause: () => mixer.engine.pause(),
    stop: () => mixer.engine.pause(),
    previoustrack: () => mixer.seek(0),
    seekbackward: ({ seekOffset }) => mixer.step(-(seekOffset || 5)),
    seekforward: ({ seekOffset }) => mixer.step(seekOffset || 5),
    seekto: ({ seekTime }) => mixer.seek(seekTime),
  };
  for (const [action, handler] of Object.entries(handlers)) {
    try {
      session.setActionHandler(action, handler);
    } catch { /* a button that this browser does not have */ }
  }

  // Systems give their buttons to media elements only: this one plays silence whenever the mixer plays.
  const silence = new Audio(mixer.root.dataset.silence);
  silence.loop = true;
  let playing = false;
  mixer.engine.addEventListener("change", ({ detail }) => {
    if (detail.playing !== playing) {
      playing = detail.playing;
      if (playing) silence.play().catch(() => {}); // not allowed to: then there are no buttons
      else silence.pause();
    }
    session.playbackState = playing ? "playing" : "paused";
    const position = Math.min(mixer.engine.seconds, mixer.duration);
    session.setPositionState?.({ duration: mixer.duration, playbackRate: mixer.engine.rate, position });
  });
}
