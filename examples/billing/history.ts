/** Remembers what the client told of its circuit, through its events. */
import type { HttpClient } from 'pillion';

/** A growing list of sentences, oldest first, each with its second since the start. */
export function recordHistory(client: HttpClient): readonly string[] {
  const startedAt = performance.now();
  const sentences: string[] = [];
  const note = (sentence: string) =>
    sentences.push(`${((performance.now() - startedAt) / 1000).toFixed(2).padStart(5)} s  ${sentence}`);
  client.on('circuit.opened', ({ retryAfter }) =>
    note(`open: more than half of the last answers were failures; a trial in ${Math.round(retryAfter)} ms`),
  );
  client.on('circuit.half_opened', () => note('half-open: one call may try'));
  client.on('circuit.closed', () => note('closed: the trial went well'));
  return sentences;
}
