import { createHttpClient } from 'pillion';
import { expect, it, onTestFinished } from 'vitest';
import { authority } from '../../support/certificates.js';
import { startHttps } from '../../support/upstream.js';
import { mutual, rotating, showName, silent } from './rotating.js';

const ca = await authority('our CA');
const uri = 'spiffe://mesh.test/ns/shop/sa/billing';
const day = 86_400_000;
const nameless = await ca.issue({ name: '', uris: [uri], expiresIn: 30 * day });

it('an identity whose certificate has no subject reports its other names', () => {
  const { identity } = rotating(nameless);
  expect(identity.stats()).toMatchObject({ subject: '', subjectAltNames: [`URI:${uri}`], issuer: 'CN=our CA' });
});

it('a certificate without subject comes in force like any other, in the clients too', async () => {
  const server = await ca.issue({ name: 'server', dns: ['localhost'] });
  const upstream = await startHttps(mutual(server, ca), showName);
  const { identity, rotate } = rotating(await ca.issue({ name: 'named' }), { ca: ca.cert });
  const client = createHttpClient({ baseURL: upstream.origin, logging: false }, { identity, logger: silent });
  onTestFinished(() => client.close());
  const told: unknown[] = [];
  client.on('identity.rotated', ({ subject, generation }) => told.push({ subject, generation }));
  expect((await client.get('/')).data).toBe('named');
  rotate(nameless);
  expect((await client.get('/')).data).toBe('nobody');
  expect(told).toEqual([{ subject: '', generation: 2 }]);
});

it('a certificate without subject is warned of before it expires', async () => {
  const soon = await ca.issue({ name: '', uris: [uri], expiresIn: day / 2 });
  const { identity } = rotating(soon);
  const warned = new Promise((resolve) => {
    identity.on('identity.expiry_warned', resolve);
  });
  expect(await warned).toMatchObject({ subject: '', daysLeft: 0.4 });
});
