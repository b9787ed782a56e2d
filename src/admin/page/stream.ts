/**
 * Script: reads the event stream by fetch, because EventSource cannot send the token, and reconnects when it breaks.
 */
export const stream = String.raw`
const tokenKey = 'pillion-token';
let token = sessionStorage.getItem(tokenKey) || '';
let heardAt = 0;
let shownAt = 0;
// Not Date.now: when the wall clock is set forward, the stream would seem to have stopped.
const now = () => performance.now();
let freshAt = 0;
let reading = new AbortController();

const headers = () => (token ? { authorization: 'Bearer ' + token } : {});

function show(snapshot) {
  shownAt = Date.now();
  freshAt = now();
  tellLost('');
  at('login').hidden = true;
  const { status, configs } = snapshot;
  writable = snapshot.writable;
  setBadge(at('overall'), status);
  document.title = 'pillion: ' + status;
  const textOf = ({ version, hash, refused, source }) =>
    'configuration ' + version + ' (' + hash + ')' + (configs.length > 1 ? ' of ' + source : '') +
    (refused ? ', a newer version was rejected' : '');
  setText(at('config'), configs.map(textOf).join('; '));
  fillClients(snapshot.clients, snapshot.at);
}

function tellLost(why) {
  at('lost').hidden = why === '';
  const old = shownAt ? ' The figures below are from ' + new Date(shownAt).toLocaleTimeString() + '.' : '';
  if (why) setText(at('lost'), why + old + ' Reconnecting.');
}

/** Shows the token form and clears all figures. */
function askForToken(error) {
  setText(at('refused'), error);
  token = '';
  sessionStorage.removeItem(tokenKey);
  tellLost('');
  fillClients([], 0);
  at('none').hidden = true;
  setText(at('overall'), '');
  at('overall').className = '';
  setText(at('config'), '');
  at('login').hidden = false;
}

/** Reads the stream to its end; returns false if the token was rejected. */
async function read() {
  const { signal } = (reading = new AbortController());
  heardAt = now();
  const answer = await fetch('events', { headers: headers(), signal });
  if (answer.status === 401 || answer.status === 403) {
    const { error } = await answer.json();
    askForToken(answer.status === 403 || token ? error : '');
    return false;
  }
  if (!answer.ok) throw new Error((await answer.json()).error);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return true;
    heardAt = now();
    const events = (text + value).split('\n\n');
    text = events.pop();
    // If several snapshots arrived at once, only the newest is shown.
    const newest = events.findLast((event) => event.startsWith('data: '));
    if (newest !== undefined) show(JSON.parse(newest.slice(6)));
  }
}

async function watch() {
  for (let failures = 0; ; failures++) {
    const before = shownAt;
    let why = 'No connection.';
    try {
      if (!(await read())) return;
    } catch (error) {
      if (!(error instanceof TypeError) && error.name !== 'AbortError') why = error.message;
    }
    if (shownAt !== before) failures = 0;
    tellLost(why);
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** failures, 15000)));
  }
}

/** Detects a connection that died without being closed. */
function checkStream() {
  if (shownAt && now() - freshAt > 5000) tellLost('No new figures.');
  if (now() - heardAt > 10000) reading.abort();
}
`;
