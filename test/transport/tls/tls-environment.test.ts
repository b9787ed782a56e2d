/** TLS is verified whatever the environment says: only the configuration can switch that off. */
import net from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { type Authority, authority } from '../../support/certificates.js';
import { runChild } from '../../support/child.js';
import { lanes } from '../../support/client.js';
import { startHttps, startTcp } from '../../support/upstream.js';

let ca: Authority;
beforeAll(async () => {
  ca = await authority('an authority that nobody trusts');
});

/** With NODE_TLS_REJECT_UNAUTHORIZED=0, by which Node's own clients trust everybody. */
async function outcomeOf(call: string) {
  const { origin } = await startHttps(await ca.issue({ name: 'server', dns: ['localhost'] }), answer(200, 'welcome'));
  const { reports } = await runChild(`
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    process.removeAllListeners('warning');
    const { createHttpClient, createUndiciAdapter } = await import('pillion');
    const { default: axios } = await import('axios');
    const origin = '${origin}';
    const settings = { logging: false, retry: false };
    await (${call}).then(({ data }) => report({ data }), ({ code }) => report({ code }));
  `);
  return reports;
}

const refused = [{ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }];

describe('where the environment tells Node to trust everybody', () => {
  it('axios itself trusts any server, so that this test can see the difference', async () => {
    expect(await outcomeOf('axios.get(origin)')).toEqual([{ data: 'welcome' }]);
  });

  it.each(lanes)('a client refuses an untrusted server on %s', async (_, lane) => {
    const options = JSON.stringify(lane);
    expect(await outcomeOf(`createHttpClient({ baseURL: origin, ...settings }).get('/', ${options})`)).toEqual(refused);
  });

  it('a client with a `tls` section refuses an untrusted server', async () => {
    const call = "createHttpClient({ baseURL: origin, tls: { serverName: 'localhost' }, ...settings }).get('/')";
    expect(await outcomeOf(call)).toEqual(refused);
  });

  it('a client behind a proxy refuses an untrusted server', async () => {
    // To whatever is asked for, one tunnel.
    const proxy = await startTcp((socket) => {
      socket.once('data', (asked) => {
        const port = Number(/^CONNECT localhost:(\d+) /.exec(String(asked))?.[1]);
        const server = net.connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
        socket.pipe(server).on('error', () => socket.destroy());
        server.pipe(socket);
      });
    });
    const through = (tls: string) => `
      (process.env.HTTPS_PROXY = 'http://127.0.0.1:${proxy.port}',
      createHttpClient({ baseURL: origin, proxy: 'env', ${tls} ...settings }).get('/'))`;
    expect(await outcomeOf(through(''))).toEqual(refused);
    expect(await outcomeOf(through('tls: { rejectUnauthorized: false },'))).toEqual([{ data: 'welcome' }]);
    expect(proxy.connections).toHaveLength(2);
  });

  it('a client with allowH2 refuses an untrusted server', async () => {
    const call = "createHttpClient({ baseURL: origin, allowH2: true, ...settings }).get('/')";
    expect(await outcomeOf(call)).toEqual(refused);
    // axios tells of the session, not of what ended it.
    const other = "createHttpClient({ baseURL: origin, ...settings }).get('/', { httpVersion: 2 })";
    expect(await outcomeOf(other)).toEqual([{ code: expect.any(String) }]);
  });

  it('the adapter alone refuses an untrusted server', async () => {
    expect(await outcomeOf('axios.create({ adapter: createUndiciAdapter() }).get(origin)')).toEqual(refused);
  });

  it('a client trusts any server where its configuration says so', async () => {
    const call = "createHttpClient({ baseURL: origin, tls: { rejectUnauthorized: false }, ...settings }).get('/')";
    expect(await outcomeOf(call)).toEqual([{ data: 'welcome' }]);
  });
});
