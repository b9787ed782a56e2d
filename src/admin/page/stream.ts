/** Requests to the server: the event stream, read by fetch because EventSource cannot send the token, and the history. */
import type { History } from '../history.js';
import type { Snapshot } from '../snapshot.js';

const tokenKey = 'pillion-token';
let token = sessionStorage.getItem(tokenKey) ?? '';
let heardAt = 0;
let freshAt = 0;
let reading = new AbortController();

/** Milliseconds without a new snapshot after which the figures count as old, and without a byte after which the stream is opened anew. */
const oldMs = 5000;
const deadMs = 10_000;
const longestWaitMs = 15_000;

/** What is told of the stream. */
export interface Readers {
  show(snapshot: Snapshot): void;
  /** The figures are no longer new, for this reason; empty once they are. */
  tellLost(why: string): void;
  /** The token is missing or was rejected. */
  askForToken(error: string): void;
}

/** Not Date.now: when the wall clock is set forward, the stream would seem to have stopped. */
const now = () => performance.now();

export function asked(path: string, options: RequestInit = {}): Promise<Response> {
  return fetch(path, { ...options, headers: token === '' ? {} : { authorization: `Bearer ${token}` } });
}

export function keepToken(given: string): void {
  token = given;
  if (given === '') sessionStorage.removeItem(tokenKey);
  else sessionStorage.setItem(tokenKey, given);
}

/** Undefined where it cannot be had now. */
export async function readHistory(since: number | undefined): Promise<History | undefined> {
  try {
    const answer = await asked(since === undefined ? 'history' : `history?since=${since}`);
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the stream to its end; returns false if the token was rejected. */
async function read({ show, tellLost, askForToken }: Readers): Promise<boolean> {
  reading = new AbortController();
  heardAt = now();
  const answer = await asked('events', { signal: reading.signal });
  if (answer.status === 401 || answer.status === 403) {
    const { error } = await answer.json();
    const known = token;
    keepToken('');
    askForToken(answer.status === 403 || known !== '' ? error : '');
    return false;
  }
  if (!answer.ok || answer.body === null) throw new StreamError((await answer.json()).error);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return true;
    heardAt = now();
    const events = (text + value).split('\n\n');
    text = events.pop() ?? '';
    // If several snapshots arrived at once, only the newest is shown.
    const newest = events.findLast((event) => event.startsWith('data: '));
    if (newest === undefined) continue;
    freshAt = now();
    tellLost('');
    try {
      show(JSON.parse(newest.slice('data: '.length)));
    } catch (error) {
      // A fault of the page, not of the connection.
      reportError(error);
    }
  }
}

/** An answer of the server that says why there is no stream. */
class StreamError extends Error {}

/** Reads the stream, and opens it again whenever it has ended. */
export async function watch(readers: Readers): Promise<void> {
  for (let failures = 0; ; failures++) {
    const before = freshAt;
    let why = 'No connection.';
    try {
      if (!(await read(readers))) return;
    } catch (error) {
      if (error instanceof StreamError) why = error.message;
    }
    if (freshAt !== before) failures = 0;
    readers.tellLost(why);
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** failures, longestWaitMs)));
  }
}

/** Detects a connection that died without being closed; to be called every second. */
export function checkStream({ tellLost }: Readers): void {
  if (freshAt > 0 && now() - freshAt > oldMs) tellLost('No new figures.');
  if (now() - heardAt > deadMs) reading.abort();
}
