import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authority } from '../../support/certificates.js';
import { runChild } from '../../support/child.js';
import { files } from '../../support/files.js';
import { mutual, shown } from './rotating.js';

interface Files {
  readonly pairs: readonly { cert: string; key: string }[];
  readonly ca: string;
}

/** The pairs by turns; after each rotation a call on either lane. Nothing is closed in the end. */
const script = (origin: string, { pairs, ca }: Files) => `
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient, createIdentity } from 'pillion';
const ignore = () => {};
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const pairs = ${JSON.stringify(pairs)};
const here = mkdtempSync(join(tmpdir(), 'pillion-growth-'));
process.once('exit', () => rmSync(here, { recursive: true }));
const [cert, key] = [join(here, 'tls.crt'), join(here, 'tls.key')];
let turn = 0;
const put = () => {
  const pair = pairs[turn++ % pairs.length];
  copyFileSync(pair.cert, cert);
  copyFileSync(pair.key, key);
};
put();
const identity = createIdentity({ cert, key, ca: '${ca}', reload: { interval: '1h' } }, { logger });
const client = createHttpClient({ baseURL: '${origin}', retry: false }, { identity, logger });
const faults = [];
const rotate = async (count) => {
  for (let i = 0; i < count; i++) {
    put();
    if (!identity.refresh()) faults.push('not rotated');
    const expected = String((turn - 1) % pairs.length);
    const { data } = await client.get('/', i % 2 ? { family: 4 } : {});
    if (String(data) !== expected) faults.push(data);
  }
};
await rotate(100);
const before = await heap();
await rotate(300);
const kibibytes = Math.round(((await heap()) - before) / 1024);
const { draining } = client.stats().policies.wire;
report({ kibibytes, faults, draining, generation: identity.stats().generation });
`;

describe('a process whose identity rotates 300 times', () => {
  it('has grown by nothing, keeps no old connection, and ends by itself', async () => {
    const ca = await authority('our CA');
    const own = await ca.issue({ name: 'server', dns: ['localhost'] });
    const issued = await Promise.all(['0', '1', '2'].map((name) => ca.issue({ name })));
    const pairs = issued.map(({ cert, key }) => files({ cert, key }));
    const { ca: caFile } = files({ ca: ca.cert });

    const seen = { open: 0, most: 0, made: 0 };
    const server = https.createServer({ ...mutual(own, ca), keepAliveTimeout: 60_000 }, ({ socket }, response) =>
      response.end(shown(socket)),
    );
    server.on('secureConnection', (socket: TLSSocket) => {
      seen.made++;
      seen.most = Math.max(seen.most, ++seen.open);
      socket.once('close', () => seen.open--);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());

    const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
    const ended = await runChild(script(origin, { pairs, ca: caFile }), ['--expose-gc'], 55_000);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    console.log(`heap growth over 300 rotations: ${ended.reports[0]?.kibibytes} KiB, at most ${seen.most} connections`);
    expect(ended.reports).toEqual([{ kibibytes: expect.any(Number), faults: [], draining: 0, generation: 401 }]);
    expect(ended.reports[0]?.kibibytes).toBeLessThan(1024);
    expect(seen.made).toBe(400);
    // The one in use, and a few whose end this side has not heard of yet.
    expect(seen.most).toBeLessThanOrEqual(5);
    expect(ended.lingered).toBeLessThan(2000);
  }, 60_000);
});
