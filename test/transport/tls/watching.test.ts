import { renameSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createHttpClient, createIdentity, type HttpClient, type IdentityOptions } from 'pillion';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Authority, authority, type Identity, passphrase } from '../../support/certificates.js';
import { files } from '../../support/files.js';
import { pfx } from '../../support/pfx.js';
import { silent } from './rotating.js';
import { inPlace, type Pair, type Store, stores } from './stores.js';

/** The watches on folders: each that was made, and whether making one fails. */
const folders = vi.hoisted(() => ({ unavailable: false, made: [] as import('node:fs').FSWatcher[] }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const watch = (...given: Parameters<typeof fs.watch>) => {
    // As where a user has no more inotify instances.
    if (folders.unavailable) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    const watcher = fs.watch(...given);
    folders.made.push(watcher);
    return watcher;
  };
  return { ...fs, watch };
});

let ca: Authority;
let pairs: Identity[];

beforeAll(async () => {
  ca = await authority('our CA');
  pairs = await Promise.all(['1', '2', '3', '4'].map((name) => ca.issue({ name })));
});
beforeEach(() => {
  folders.made.length = 0;
});
afterEach(() => {
  folders.unavailable = false;
});

const pair = (name: number) => pairs[name - 1] as Pair;

type Reload = IdentityOptions['reload'];

function clientOf({ cert, key }: Pick<Store, 'cert' | 'key'>, reload: Reload): HttpClient {
  const client = createHttpClient({ baseURL: 'https://api.test', tls: { cert, key, reload } }, { logger: silent });
  onTestFinished(() => client.close());
  return client;
}

function rotation(client: HttpClient): Promise<{ client: string; generation: number; subject?: string | undefined }> {
  return new Promise((resolve) => {
    const stop = client.on('identity.rotated', (event) => {
      stop();
      resolve(event);
    });
  });
}

describe.each(stores)('%s', (_, open) => {
  it('is noticed long before the files are compared', async () => {
    const store = open(pair(1));
    const client = clientOf(store, { interval: '1h' });
    for (const generation of [2, 3, 4]) {
      const rotated = rotation(client);
      store.put(pair(generation));
      expect(await rotated).toMatchObject({ client: 'default', generation, subject: `CN=${generation}` });
      expect(client.stats().identity).toMatchObject({
        generation,
        subject: `CN=${generation}`,
        lastRotation: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/),
        lastRejection: null,
      });
    }
  });

  it('is noticed where folders cannot be watched, when the files are compared', async () => {
    folders.unavailable = true;
    const store = open(pair(1));
    const client = clientOf(store, { interval: '20ms' });
    for (const generation of [2, 3, 4]) {
      const rotated = rotation(client);
      store.put(pair(generation));
      expect(await rotated).toMatchObject({ generation, subject: `CN=${generation}` });
    }
    expect(folders.made).toEqual([]);
  });

  it('is noticed where the watch on a folder breaks later', async () => {
    const store = open(pair(1));
    const client = clientOf(store, { interval: '20ms' });
    for (const watcher of folders.made) watcher.emit('error', new Error('the folder was unmounted'));
    const rotated = rotation(client);
    store.put(pair(2));
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=2' });
  });
});

describe('files', () => {
  it('that are touched, or written again as they were, are no rotation', async () => {
    const store = inPlace(pair(1));
    const client = clientOf(store, { interval: '20ms' });
    const rotations: unknown[] = [];
    client.on('identity.rotated', (event) => rotations.push(event));
    utimesSync(store.cert, new Date(), new Date());
    store.put(pair(1));
    const rotated = rotation(client);
    // Whoever took the touch for a rotation would have told of it before this one.
    store.put(pair(2));
    await rotated;
    expect(rotations).toEqual([expect.objectContaining({ generation: 2, subject: 'CN=2' })]);
  });

  it('that are touched alone change nothing when they are compared', () => {
    const { cert, key } = inPlace(pair(1));
    const identity = createIdentity({ cert, key, reload: { interval: '1h' } }, { logger: silent });
    onTestFinished(() => identity.close());
    utimesSync(cert, new Date(), new Date());
    expect(identity.refresh()).toBe(false);
    expect(identity.stats()).toMatchObject({ generation: 1, lastRotation: null, lastRejection: null });
  });

  it('that were replaced while the client was being made are noticed as well', async () => {
    folders.unavailable = true;
    const store = inPlace(pair(1));
    const client = clientOf(store, { interval: '1h' });
    const rotated = rotation(client);
    // Before anything had a turn to look at them.
    store.put(pair(2));
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=2' });
  });

  it('beside them in the same folder may come and go', async () => {
    const store = inPlace(pair(1));
    const client = clientOf(store, { interval: '1h' });
    const other = `${store.cert}.backup`;
    writeFileSync(other, pair(3).cert);
    unlinkSync(other);
    const rotated = rotation(client);
    store.put(pair(2));
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=2' });
  });

  it('are followed for the authorities too', async () => {
    const { 'ca.crt': path } = files({ 'ca.crt': ca.cert });
    const tls = { ca: [path, ca.cert], reload: { interval: '1h' as const } };
    const client = createHttpClient({ baseURL: 'https://api.test', tls }, { logger: silent });
    onTestFinished(() => client.close());
    const rotated = rotation(client);
    writeFileSync(path, (await authority('another CA')).cert);
    expect(await rotated).toEqual({ client: 'default', generation: 2 });
  });

  it('are followed for a PKCS#12 bundle too', async () => {
    const { bundle } = files({ bundle: pfx(pairs[0] as Identity, passphrase) });
    const tls = { pfx: bundle, passphrase, reload: { interval: '1h' as const } };
    const client = createHttpClient({ baseURL: 'https://api.test', tls }, { logger: silent });
    onTestFinished(() => client.close());
    const rotated = rotation(client);
    writeFileSync(bundle, pfx(pairs[1] as Identity, passphrase));
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=2' });
  });

  it('in a folder that is itself a link to be replaced are noticed when they are compared', async () => {
    const [before, after] = [inPlace(pair(1)), inPlace(pair(2))];
    const { place } = files({ place: '' });
    const current = `${place}.current`;
    symlinkSync(dirname(before.cert), current);
    const store = { cert: join(current, 'tls.crt'), key: join(current, 'tls.key') };
    const client = clientOf(store, { interval: '20ms' });
    const rotated = rotation(client);
    symlinkSync(dirname(after.cert), `${current}.new`);
    renameSync(`${current}.new`, current);
    expect(await rotated).toMatchObject({ generation: 2, subject: 'CN=2' });
  });

  it('are followed by each of several clients', async () => {
    const store = inPlace(pair(1));
    const clients = [clientOf(store, { interval: '1h' }), clientOf(store, { interval: '20ms' }), clientOf(store, {})];
    const rotated = clients.map(rotation);
    store.put(pair(2));
    for (const event of await Promise.all(rotated)) expect(event).toMatchObject({ generation: 2, subject: 'CN=2' });
  });
});

describe('nothing is watched', () => {
  it('with `reload: false`, and what is in force stays', async () => {
    const store = inPlace(pair(1));
    const fixed = clientOf(store, false);
    expect(folders.made).toEqual([]);
    const following = clientOf(store, { interval: '20ms' });
    for (const generation of [2, 3]) {
      const rotated = rotation(following);
      store.put(pair(generation));
      await rotated;
    }
    expect(fixed.stats().identity).toMatchObject({ generation: 1, subject: 'CN=1', lastRotation: null });
  });

  it('where everything is inline PEM', () => {
    const { cert, key } = pair(1);
    createIdentity({ cert, key, ca: ca.cert }, { logger: silent });
    expect(folders.made).toEqual([]);
  });

  it('any more once the client is closed', async () => {
    const store = inPlace(pair(1));
    const closed = clientOf(store, { interval: '20ms' });
    const ended = folders.made.map((watcher) => new Promise<void>((resolve) => watcher.once('close', resolve)));
    expect(ended).toHaveLength(1);
    await closed.close();
    await Promise.all(ended);
    const following = clientOf(store, { interval: '20ms' });
    for (const generation of [2, 3]) {
      const rotated = rotation(following);
      store.put(pair(generation));
      await rotated;
    }
    expect(closed.stats().identity).toMatchObject({ generation: 1, subject: 'CN=1' });
  });

  it('any more where a client was closed right after a change', async () => {
    const store = inPlace(pair(1));
    const closed = clientOf(store, { interval: '20ms' });
    const following = clientOf(store, { interval: '20ms' });
    const rotated = rotation(following);
    store.put(pair(2));
    await closed.close();
    await rotated;
    expect(closed.stats().identity).toMatchObject({ generation: 1, subject: 'CN=1' });
  });
});
