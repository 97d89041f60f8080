// One tab plays at a time: a song that starts pauses those in other tabs.

/** Pause the mixer when another tab starts to play, and let the others know when this one does. */
export function wireTabs(mixer) {
  const tabs = new BroadcastChannel("unbraid-playing");
  let playing = false;
  mixer.engine.addEventListener("change", ({ detail }) => {
    if (detail.playing && !playing) tabs.postMessage(null);
    playing = detail.playing;
  });
  tabs.addEventListener("message", () => mixer.engine.pause());
}
