// One sound at a time.

const sounds = document.querySelectorAll("audio");
addEventListener("play", ({ target }) => {
  for (const sound of sounds) if (sound !== target) sound.pause();
}, true);
