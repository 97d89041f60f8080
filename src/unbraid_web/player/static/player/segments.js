// Fetches and decodes segments: a few seconds of one stem, lossless or compressed.

/** Fetch one segment of one stem as [left, right]. */
export async function fetchSegment(context, manifest, stem, number, { smaller, signal }) {
  const address = smaller ? stem.compressed : stem.segments;
  const answer = await fetch(address.replace("#", number), { signal });
  if (!answer.ok) throw Object.assign(new Error("A segment is missing."), { status: answer.status });
  const buffer = await context.decodeAudioData(await answer.arrayBuffer());
  const from = smaller ? beginning(buffer, manifest.compressed) : 0;
  const frames = Math.min(manifest.segmentFrames, manifest.frames - number * manifest.segmentFrames);
  const channel = (n) => buffer.getChannelData(n).slice(from, from + frames);
  const left = channel(0);
  return [left, buffer.numberOfChannels > 1 ? channel(1) : left];
}

/** Where the segment begins in what was decoded: behind its lead, less what the decoder took away or left too much. */
function beginning(buffer, { lead, seconds }) {
  const surplus = buffer.length - seconds * buffer.sampleRate;
  return Math.round(lead * buffer.sampleRate + (Math.abs(surplus) < 2 ? 0 : surplus)); // lengths are rounded up or down
}
