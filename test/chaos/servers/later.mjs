/** A moment later; 0 is the next turn of the event loop. */
export function later(ms, work) {
  if (ms === 0) setImmediate(work);
  else setTimeout(work, ms);
}
