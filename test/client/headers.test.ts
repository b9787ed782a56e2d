import { AxiosHeaders } from 'axios';
import { describe, expect, it } from 'vitest';
import { scripted } from '../support/client.js';

/** What one GET puts on the wire. */
async function sent(made: ReturnType<typeof scripted>, headers?: Record<string, string>) {
  await made.client.get('/', headers && { headers });
  return made.transport.requests.at(-1)?.headers ?? {};
}

describe('headers', () => {
  it('come from the config, then the defaults of the instance, then the call', async () => {
    const made = scripted([200, 200, 200], { headers: { 'x-a': 'config' } });
    expect((await sent(made))['x-a']).toBe('config');
    made.client.defaults.headers['x-a'] = 'defaults';
    expect((await sent(made))['x-a']).toBe('defaults');
    expect((await sent(made, { 'X-A': 'call' }))['x-a']).toBe('call');
  });

  it('of defaults.headers.common are sent too', async () => {
    const made = scripted([200]);
    made.client.defaults.headers.common['x-token'] = 'common';
    expect((await sent(made))['x-token']).toBe('common');
  });

  it.each([
    ['a plain object', { 'x-dep': '1' }],
    ['AxiosHeaders', new AxiosHeaders({ 'x-dep': '1' })],
    ["axios's bucket for every method", { common: { 'x-dep': '1' } }],
    ["axios's bucket for one method", { get: { 'x-dep': '1' } }],
  ])('of deps.axios may be %s', async (_, headers) => {
    const made = scripted([200], { headers: { 'x-config': '2' } }, { axios: { headers } });
    const onWire = await sent(made);
    expect(onWire).toMatchObject({ 'x-dep': '1', 'x-config': '2' });
    expect(onWire).not.toHaveProperty('common');
    expect(onWire).not.toHaveProperty('get');
  });

  it('of a bucket of deps.axios for another method stay away', async () => {
    const made = scripted([200], {}, { axios: { headers: { post: { 'x-dep': '1' } } } });
    expect(await sent(made)).not.toHaveProperty('x-dep');
  });

  it('of the config win over those of deps.axios, whatever their case', async () => {
    const made = scripted([200], { headers: { 'X-Mode': 'config' } }, { axios: { headers: { 'x-mode': 'deps' } } });
    expect((await sent(made))['x-mode']).toBe('config');
  });

  it("keep axios's own Accept and Content-Type", async () => {
    const made = scripted([200]);
    await made.client.post('/', { a: 1 });
    expect(made.transport.requests[0]?.headers).toMatchObject({
      accept: 'application/json, text/plain, */*',
      'content-type': 'application/json',
    });
  });

  it('of one attempt are not seen by the next', async () => {
    const { client, transport } = scripted([], {}, {});
    let attempts = 0;
    transport.add({
      reply: () => (++attempts < 3 ? 503 : 200),
    });
    const response = await client.get('/', { headers: { 'x-a': '1' } });
    expect(response.status).toBe(200);
    const own = transport.requests.map(({ headers }) => ({ ...headers }));
    expect(own[1]).toEqual(own[0]);
    expect(own[2]).toEqual(own[0]);
  });

  it('set on a config given to one client do not reach another', async () => {
    const first = scripted([200], { headers: { 'x-first': '1' } });
    const second = scripted([200]);
    await sent(first);
    expect(await sent(second)).not.toHaveProperty('x-first');
  });
});
