import { createPrivateKey } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { createHttpClient, createIdentity, type HttpClientConfig, type Logger } from 'pillion';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Authority, authority, type Identity, passphrase } from '../../support/certificates.js';
import { files } from '../../support/files.js';
import { pfx } from '../../support/pfx.js';
import { startHttps } from '../../support/upstream.js';
import { dated, day, hour } from './dated.js';
import { mutual, showNameOnce } from './rotating.js';
import type { Pair } from './stores.js';

let ca: Authority;
let server: Identity;
let old: Identity;
let next: Identity;
let expired: Pair;
let future: Pair;

beforeAll(async () => {
  ca = await authority('our CA');
  server = await ca.issue({ name: 'server', dns: ['localhost'] });
  old = await ca.issue({ name: 'old', expiresIn: 90 * day });
  next = await ca.issue({ name: 'next', expiresIn: 90 * day });
  expired = await dated('expired', Date.now() - 2 * day, Date.now() - day);
  future = await dated('future', Date.now() + hour, Date.now() + day);
});

/** As a file is while it is being written. */
const cutShort = (pem: string) => pem.slice(0, pem.length / 2);
const lockedBy = (other: string) =>
  createPrivateKey(old.key).export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: other });

type Contents = Partial<Record<'ca' | 'cert' | 'key', string | null>>;

/** What is found in the files, where it is not the old pair (null: no file), and the reason that is told. */
const faults: [string, () => Contents, RegExp][] = [
  ['a new certificate beside the old key', () => ({ cert: next.cert }), /^tls\.key \(.+\): it does not belong to/],
  ['a new key beside the old certificate', () => ({ key: next.key }), /^tls\.key \(.+\): it does not belong to/],
  ['a certificate cut short', () => ({ cert: cutShort(next.cert) }), /^tls\.cert \(.+\): it is not a certificate/],
  ['a key cut short', () => ({ key: cutShort(next.key) }), /^tls\.key \(.+\): it is not a private key/],
  ['an empty certificate file', () => ({ cert: '' }), /^tls\.cert \(.+\): it holds no PEM block/],
  ['an empty key file', () => ({ key: '' }), /^tls\.key \(.+\): it holds no PEM block/],
  ['no certificate file', () => ({ cert: null }), /^tls\.cert \(.+\): there is no such file/],
  ['no key file', () => ({ key: null }), /^tls\.key \(.+\): there is no such file/],
  ['an expired certificate', () => expired, /^tls\.cert \(.+\): it expired on \d{4}-\d\d-\d\dT[\d:]{8}Z\.$/],
  ['one not valid yet', () => future, /^tls\.cert \(.+\): it is not valid before \d{4}-\d\d-\d\dT[\d:]{8}Z\.$/],
  ['an authority cut short', () => ({ ca: cutShort(ca.cert) }), /^tls\.ca \(.+\): it is not a certificate/],
  ['no authority', () => ({ ca: null }), /^tls\.ca \(.+\): there is no such file/],
  [
    'a key under another passphrase',
    () => ({ key: lockedBy('another') as string }),
    /tls\.passphrase does not open it/,
  ],
];

function put(paths: Record<keyof Contents, string>, contents: Contents): void {
  for (const [name, content] of Object.entries(contents)) {
    const path = paths[name as keyof Contents];
    if (content === null) rmSync(path);
    else writeFileSync(path, content);
  }
}

const good = (pair: Identity) => ({ ca: ca.cert, cert: pair.cert, key: pair.encryptedKey });

/** What is told in the course of a test, under the names of the events. */
interface Told {
  readonly rotated: object[];
  readonly rejected: { message: string }[];
  readonly lines: { level: string; fields: object; text: string }[];
}

interface Holder extends Told {
  /** Whose certificate a new connection shows. */
  name(): Promise<unknown>;
  identityStats(): unknown;
}

type Tls = NonNullable<HttpClientConfig['tls']>;

const reload = { interval: '20ms' } as const;

/** A client with files of its own, or one of those that share an identity. */
const holders: [string, (origin: string, tls: Tls) => Holder][] = [
  [
    'a client',
    (origin, tls) => {
      const { logger, lines } = keepLines();
      const logging = { level: 'info', successSampleRate: 0 } as const;
      const client = createHttpClient({ baseURL: origin, retry: false, logging, tls: { ...tls, reload } }, { logger });
      onTestFinished(() => client.close({ grace: 0 }));
      const name = async () => (await client.get('/')).data;
      return { ...listened(client), lines, name, identityStats: () => client.stats().identity };
    },
  ],
  [
    'a shared identity',
    (origin, tls) => {
      const { logger, lines } = keepLines();
      const identity = createIdentity({ ...tls, reload }, { logger });
      const client = createHttpClient({ baseURL: origin, retry: false, logging: false }, { logger, identity });
      onTestFinished(() => client.close({ grace: 0 }));
      onTestFinished(() => identity.close());
      const name = async () => (await client.get('/')).data;
      return { ...listened(identity), lines, name, identityStats: () => identity.stats() };
    },
  ],
];

function keepLines(): { logger: Logger; lines: Told['lines'] } {
  const lines: Told['lines'] = [];
  const at = (level: string) => (fields: object, text?: string) => {
    lines.push({ level, fields, text: text ?? '' });
  };
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

interface Emitter {
  on(event: 'identity.rotated' | 'identity.rejected', listener: (event: never) => void): () => void;
}

function listened(emitter: unknown): Pick<Told, 'rotated' | 'rejected'> {
  const told = { rotated: [] as object[], rejected: [] as { message: string }[] };
  const { on } = emitter as Emitter;
  on('identity.rotated', (event) => told.rotated.push(event));
  on('identity.rejected', (event) => told.rejected.push(event));
  return told;
}

/** Anything that would open a key or is part of one. */
function secrets(): string[] {
  const keys = [old.key, old.encryptedKey, next.key, next.encryptedKey, expired.key, future.key];
  return [
    passphrase,
    'another',
    ...keys.flatMap((key) => key.split('\n')).filter((line) => /^[\w+/=]{20,}$/.test(line)),
  ];
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.each(holders)('for %s', (_holder, hold) => {
  it.each(faults)(
    '%s: is refused once, the old pair goes on, and the next good one is applied',
    async (_, bad, reason) => {
      const { origin } = await startHttps(mutual(server, ca), showNameOnce);
      const paths = files(good(old));
      const holder = hold(origin, { ...paths, passphrase });
      expect(await holder.name()).toBe('old');

      put(paths, bad());
      await until(() => holder.rejected.length > 0);
      expect(holder.rejected).toEqual([
        expect.objectContaining({ generation: 1, message: expect.stringMatching(reason) }),
      ]);
      const { message } = holder.rejected[0] ?? { message: '' };
      expect(holder.identityStats()).toMatchObject({
        generation: 1,
        subject: 'CN=old',
        lastRotation: null,
        lastRejection: { at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/), message },
      });
      expect(await holder.name()).toBe('old');

      put(paths, good(next));
      await until(() => holder.rotated.length > 0);
      expect(await holder.name()).toBe('next');
      expect(holder.identityStats()).toMatchObject({ generation: 2, subject: 'CN=next' });
      expect(holder.rejected).toHaveLength(1);
      expect(holder.lines).toEqual([
        expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ generation: 1, reason: message }) }),
        expect.objectContaining({
          level: 'info',
          fields: expect.objectContaining({ generation: 2, subject: 'CN=next' }),
        }),
      ]);

      const told = JSON.stringify([holder.rejected, holder.rotated, holder.lines, holder.identityStats()]);
      for (const secret of secrets()) expect(told).not.toContain(secret);
    },
  );
});

describe('what is refused', () => {
  it('is reported once, however often the files are read', () => {
    const paths = files(good(old));
    const { logger, lines } = keepLines();
    const identity = createIdentity({ ...paths, passphrase, reload: { interval: '1h' } }, { logger });
    onTestFinished(() => identity.close());
    const { rejected } = listened(identity);
    put(paths, { cert: next.cert });
    expect([identity.refresh(), identity.refresh(), identity.refresh()]).toEqual([false, false, false]);
    expect(rejected).toHaveLength(1);
    expect(lines).toHaveLength(1);
  });

  it('is reported again after the good files were back in between, and where the reason is another one', () => {
    const paths = files(good(old));
    const identity = createIdentity(
      { ...paths, passphrase, reload: { interval: '1h' } },
      { logger: keepLines().logger },
    );
    onTestFinished(() => identity.close());
    const { rejected } = listened(identity);
    for (const contents of [{ cert: next.cert }, good(old), { cert: next.cert }, { cert: '' }]) {
      put(paths, contents);
      expect(identity.refresh()).toBe(false);
    }
    expect(rejected.map(({ message }) => /it does not belong|it holds no PEM/.exec(message)?.[0])).toEqual([
      'it does not belong',
      'it does not belong',
      'it holds no PEM',
    ]);
    expect(identity.stats()).toMatchObject({ generation: 1, lastRotation: null });
  });

  it.each(faults)('at creation is ERR_CONFIG with the same reason: %s', (_, bad, reason) => {
    const paths = files(good(old));
    put(paths, bad());
    const refusal = (create: () => unknown) => {
      try {
        create();
      } catch (error) {
        return error as Error;
      }
      throw new Error('Nothing was thrown.');
    };
    for (const error of [
      refusal(() => createIdentity({ ...paths, passphrase })),
      refusal(() => createHttpClient({ baseURL: 'https://api.test', tls: { ...paths, passphrase } })),
    ]) {
      expect(error).toMatchObject({ code: 'ERR_CONFIG' });
      expect(error.message.replace('Bad configuration: ', '')).toMatch(reason);
      for (const secret of secrets()) expect(`${error.message} ${error.stack}`).not.toContain(secret);
    }
  });
});

describe('a PKCS#12 bundle', () => {
  function bundled() {
    const { bundle } = files({ bundle: pfx(old, passphrase) });
    const { logger, lines } = keepLines();
    const identity = createIdentity({ pfx: bundle, passphrase, reload: { interval: '1h' } }, { logger });
    onTestFinished(() => identity.close());
    const replace = (content: Buffer) => {
      writeFileSync(bundle, content);
      return identity.refresh();
    };
    return { identity, lines, replace, ...listened(identity) };
  }

  it.each<[string, () => Buffer, RegExp]>([
    ['cut short', () => pfx(next, passphrase).subarray(0, 200), /^tls\.pfx \(.+\): /],
    ['empty', () => Buffer.alloc(0), /^tls\.pfx \(.+\): /],
    ['under another passphrase', () => pfx(next, 'another'), /^tls\.pfx \(.+\): mac verify failure\.$/],
    ['that is expired', () => pfx(expired as Identity, passphrase), /^tls\.pfx \(.+\): it expired on/],
    ['that is not valid yet', () => pfx(future as Identity, passphrase), /^tls\.pfx \(.+\): it is not valid before/],
  ])('%s is refused, and the next good one is applied', (_, bad, reason) => {
    const { identity, lines, rejected, replace } = bundled();
    expect(replace(bad())).toBe(false);
    expect(rejected).toEqual([{ generation: 1, message: expect.stringMatching(reason) }]);
    expect(identity.stats()).toMatchObject({ generation: 1, subject: 'CN=old' });
    expect(replace(pfx(next, passphrase))).toBe(true);
    expect(identity.stats()).toMatchObject({ generation: 2, subject: 'CN=next' });
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(JSON.stringify([rejected, lines, identity.stats()])).not.toContain(passphrase);
  });
});
