/** Puts side by side what a case gave through Envoy and through the imported client or its listener, and gives a verdict. */
import { isDeepStrictEqual } from 'node:util';

/** Two answers took equally long when they are no further apart, in milliseconds. */
const tolerance = 250;

const paceOf = (ms) => (ms < tolerance ? 'at once' : `after ${(Math.round(ms / 100) / 10).toFixed(1)} s`);

const picked = (headers, names) => Object.fromEntries(names.map((name) => [name, headers[name] ?? '-']));

/** An answer that ends early shows no more than that; here the error says why. */
const cutOr = (what, other) =>
  what === 'cut short' && (other === 'connection lost' || other === 'timeout') ? other : what;

/** What is compared, in the order of the report. Each part is a function of the case and what was observed. */
const parts = {
  status: (_, { answers }, other) => answers.map(({ what }, index) => cutOr(what, other.answers[index]?.what)),
  attempts: (_, { seen }) => seen.length,
  body: (_, { answers }) => answers.map(({ body }) => body),
  requests: (_, { seen }) =>
    seen.map(({ method, url, body, version }) => `${method} ${url} HTTP/${version} ${body}`.trim()),
  headers: ({ watch = [] }, { seen }) => seen.map(({ headers }) => picked(headers, watch)),
  answerHeaders: ({ watchAnswer = [] }, { answers }) => answers.map(({ headers }) => picked(headers, watchAnswer)),
};

/**
 * Headers that are not compared as a whole: those of the connection, the address of the upstream, values that are never twice
 * the same, and what a proxy tells of itself and of the caller, for which there are cases of their own.
 */
const uncompared =
  /^(:.*|host|connection|x-request-id|x-forwarded-.*|x-envoy-(original-.*|internal|external-address|expected-rq-timeout-ms))$/;

/** Every other header that the upstream got, so that the listener neither adds one nor loses one. */
const otherHeaders = ({ seen }) =>
  seen.map(({ headers }) =>
    Object.fromEntries(
      Object.entries(headers)
        // A length of 0 says the same as none.
        .filter(([name, value]) => !uncompared.test(name) && !(name === 'content-length' && value === '0'))
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    ),
  );

/** Headers by which a proxy says why it answers by itself. */
const reasons = ['x-envoy-overloaded', 'x-envoy-ratelimited', 'retry-after'];

/** The answers that no upstream made, each kind once, as text: `503 x-envoy-overloaded: true`. */
function localAnswers({ answers }) {
  const told = answers
    // A status that a fault or a direct response of the configuration asks for is compared as that of an upstream.
    .filter(({ isLocal, what, status }) => isLocal && (what !== status || status === 429))
    .map(({ status, headers }) =>
      [status, ...reasons.filter((name) => headers[name]).map((name) => `${name}: ${headers[name]}`)].join(' '),
    );
  return [...new Set(told)].sort();
}

/** The names of the parts that differ, and how. `summary` of a case replaces the parts; it returns an object. */
export function differencesOf(each, envoy, ours, side) {
  if (ours.refused !== undefined) return [{ part: 'import', envoy: 'runs', ours: ours.refused }];
  const found = [];
  const compare = (part, left, right) => {
    if (!isDeepStrictEqual(left, right)) found.push({ part, envoy: left, ours: right });
  };
  if (each.summary !== undefined) {
    const [left, right] = [each.summary(envoy), each.summary(ours)];
    for (const part of Object.keys(left)) compare(part, left[part], right[part]);
  } else
    for (const [part, read] of Object.entries(parts)) {
      // An attempt more or less is one difference and not three.
      const more = envoy.seen.length !== ours.seen.length;
      if (more && (part === 'requests' || part === 'headers')) continue;
      if (found.some((one) => one.part === 'status') && (part === 'body' || part === 'answerHeaders')) continue;
      compare(part, read(each, envoy, ours), read(each, ours, envoy));
    }
  // The client adds headers of axios, and its errors have no status and no headers.
  if (side === 'listener' && found.length === 0) {
    compare('local', localAnswers(envoy), localAnswers(ours));
    if (envoy.seen.length === ours.seen.length) compare('otherHeaders', otherHeaders(envoy), otherHeaders(ours));
  }
  if (each.timed !== false && each.summary === undefined) {
    const [left, right] = [envoy, ours].map(({ answers }) => answers.map(({ took }) => took));
    if (left.some((ms, index) => Math.abs(ms - right[index]) > tolerance))
      found.push({ part: 'time', envoy: left.map(paceOf), ours: right.map(paceOf) });
  }
  return found;
}

/**
 * The verdict on a case: `same`, `intended` or `different`. `account` explains a difference: `parts` are exactly the
 * parts that differ, and `docs` is a sentence of the docs.
 */
export function verdictOf(found, account, text) {
  const different = (note) => ({ verdict: 'different', note, found });
  if (found.length === 0)
    return account === undefined
      ? { verdict: 'same', found }
      : different('it is the same now: take it out of accounts.mjs');
  if (account === undefined) return different('accounts.mjs does not explain it');
  const names = found.map(({ part }) => part);
  if (!isDeepStrictEqual(names.sort(), [...account.parts].sort()))
    return different(`accounts.mjs explains other parts: ${account.parts.join(', ')}`);
  if (!text.includes(account.docs)) return different(`no page of the docs says: ${account.docs}`);
  return { verdict: 'intended', note: account.docs, found };
}
