/** The code of a failure is the one that the table in docs/axios.md names: on both lanes, in both versions, however it is read. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { isAxiosError } from 'axios';
import { createHttpClient, type HttpClient } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authority } from '../../support/certificates.js';
import { type Aim, scenes, type Way, ways } from './codes.js';

const page = readFileSync(new URL('../../../docs/axios.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## Codes'), page.indexOf('## What differs'));

/** The rows of the table: what happens, and the codes it may have. */
const table = new Map(
  [...section.matchAll(/^\| ([^|]+) \| (`[A-Z0-9_]+`[^|]*) \|/gm)].map(([, what = '', codes = '']) => [
    what,
    [...codes.matchAll(/`([A-Z0-9_]+)`/g)].map(([, code]) => code),
  ]),
);

const ca = await authority('the authority');

type Reading = (client: HttpClient, url: string, options: object) => Promise<unknown>;

/** The error that comes out of each way of reading. */
const readings: Readonly<Record<'buffer' | 'stream' | 'fetch', Reading>> = {
  buffer: (client, url, options) => client.get(url, options),
  stream: async (client, url, options) => {
    const { data } = await client.get(url, { ...options, responseType: 'stream' });
    for await (const _ of data);
  },
  fetch: async (client, url, options) => {
    const { headers } = options as { headers?: Record<string, string> };
    await (await client.fetch(url, headers && { headers })).text();
  },
};

interface Failed {
  readonly code?: string;
  readonly cause?: Failed;
}

async function failureOf(way: Way, reading: Reading, { url, options = {} }: Aim): Promise<Failed> {
  const { untrusting = false, ...own } = options as { untrusting?: boolean };
  const client = createHttpClient({
    allowH2: way === 'fast lane over HTTP/2' && 'prior-knowledge',
    ...{ retry: false, circuitBreaker: false, logging: false, tracing: false },
    timeouts: { total: '5s', attempt: '5s', connect: '300ms' },
    ...(!untrusting && { tls: { ca: ca.cert } }),
  });
  onTestFinished(() => client.close({ grace: 0 }));
  const agents = way === 'http lane' && {
    httpAgent: new http.Agent(),
    ...(untrusting && { httpsAgent: new https.Agent() }),
    // It takes the lane by itself where it goes over TLS: the agents of the client know its identity.
    family: 4,
  };
  return reading(client, url, { ...agents, ...own }).then(
    () => ({ code: 'none' }),
    (error) => error,
  );
}

const cases = Object.entries(scenes).flatMap(([name, scene]) =>
  (scene.ways ?? ways).flatMap((way) =>
    (Object.keys(readings) as (keyof typeof readings)[])
      // fetch has no options that lead to the other lane.
      .filter((reading) => reading !== 'fetch' || (way !== 'http lane' && !scene.withoutFetch))
      .filter((reading) => scene.only === undefined || (scene.only === 'buffer') === (reading === 'buffer'))
      .map((reading) => ({ name, way, reading })),
  ),
);

describe('the table of codes', () => {
  it('has a row for each failure, and no other', () => {
    expect([...table.keys()].sort()).toEqual(Object.keys(scenes).sort());
  });

  it('names no code of undici', () => {
    expect([...table.values()].flat().filter((code) => code?.startsWith('UND_'))).toEqual([]);
  });

  it.each(cases)('is true: $name ($way, $reading)', async ({ name, way, reading }) => {
    const aim = await scenes[name]?.aim(way, ca);
    if (aim === undefined) throw new Error('There is no such scene.');
    const thrown = await failureOf(way, readings[reading], aim);
    // A fetch fails with a TypeError, whose cause is the error of an axios call.
    const error = reading === 'fetch' ? (thrown.cause as Failed) : thrown;
    expect(table.get(name)).toContain(error.code);
    if (way !== 'http lane') expect(isAxiosError(error)).toBe(true);
    for (let cause: Failed | undefined = thrown; cause !== undefined; cause = cause.cause)
      expect(cause.code ?? '').not.toMatch(/^UND_/);
  });
});
