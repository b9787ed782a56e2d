/** What calls take over from the request they are made for. */
import { createHttpClient, inboundOf, runWithInbound } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { rejection, scripted } from '../support/client.js';

describe('a call made for an inbound request', () => {
  it('carries its id and its baggage, on every attempt', async () => {
    const { client, transport } = scripted([503, 200]);
    await runWithInbound({ requestId: 'in-7', baggage: 'user=42' }, () => client.get('/'));
    const sent = transport.requests.map(({ headers }) => [headers['x-request-id'], headers.baggage]);
    expect(sent).toEqual([
      ['in-7', 'user=42'],
      ['in-7', 'user=42'],
    ]);
  });

  it('carries them over awaits and timers, and only there', async () => {
    const { client, transport } = scripted([200, 200]);
    await runWithInbound({ requestId: 'in-8' }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await client.get('/');
    });
    await client.get('/');
    const [inside, outside] = transport.requests.map(({ headers }) => headers['x-request-id']);
    expect(inside).toBe('in-8');
    expect(outside).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sends its own headers where it has some', async () => {
    const { client, transport } = scripted([200]);
    const headers = { 'X-Request-Id': 'mine', Baggage: 'a=b' };
    await runWithInbound({ requestId: 'in', baggage: 'c=d' }, () => client.get('/', { headers }));
    expect(transport.requests[0]?.headers).toMatchObject({ 'x-request-id': 'mine', baggage: 'a=b' });
  });

  it('sends the id under the name of the client, and nothing where that is switched off', async () => {
    const named = scripted([200], { tracing: { requestIdHeader: 'x-correlation-id' } });
    const off = scripted([200], { tracing: { requestIdHeader: false, propagation: false } });
    await runWithInbound({ requestId: 'in', baggage: 'a=b' }, () =>
      Promise.all([named.client.get('/'), off.client.get('/')]),
    );
    expect(named.transport.requests[0]?.headers).toMatchObject({ 'x-correlation-id': 'in', baggage: 'a=b' });
    expect(Object.keys(off.transport.requests[0]?.headers ?? {})).not.toContain('baggage');
    expect(JSON.stringify(off.transport.requests)).not.toContain('"in"');
  });

  it('inherits from the request outside of it what it does not say, and ends by the earlier deadline', async () => {
    const { client, transport } = scripted([200]);
    await runWithInbound({ requestId: 'outer', baggage: 'a=b', deadline: 5000 }, () =>
      runWithInbound({ requestId: 'inner' }, () => client.get('/')),
    );
    expect(transport.requests[0]?.headers).toMatchObject({ 'x-request-id': 'inner', baggage: 'a=b' });
    const late = createHttpClient(
      { baseURL: 'http://api.test', logging: false },
      { transport: createMockTransport(['hang']) },
    );
    const ended = runWithInbound({ deadline: 10 }, () => runWithInbound({ deadline: 60_000 }, () => late.get('/')));
    expect((await rejection(ended)).code).toBe('ERR_DEADLINE');
  });
});

describe('inboundOf', () => {
  it('reads id, baggage and deadline from headers as Node gives them', () => {
    const headers = { 'x-request-id': 'r-1', baggage: 'a=b,c=d', 'x-request-timeout-ms': '250' };
    expect(inboundOf(headers)).toEqual({ requestId: 'r-1', baggage: 'a=b,c=d', deadline: '250' });
  });

  it('reads them under other names', () => {
    const options = { requestIdHeader: 'X-Correlation-Id', deadlineHeader: 'X-Envoy-Expected-Rq-Timeout-Ms' };
    const headers = { 'x-correlation-id': 'r-2', 'x-envoy-expected-rq-timeout-ms': '90' };
    expect(inboundOf(headers, options)).toMatchObject({ requestId: 'r-2', deadline: '90' });
  });

  it.each([
    ['an id with a space', { 'x-request-id': 'a b' }],
    ['an id of 201 characters', { 'x-request-id': 'x'.repeat(201) }],
    ['an id that is not ASCII', { 'x-request-id': 'é' }],
    ['an empty id', { 'x-request-id': '' }],
    ['a baggage of 8,193 characters', { baggage: 'x'.repeat(8193) }],
    ['a deadline that is no number', { 'x-request-timeout-ms': 'soon' }],
    ['a negative deadline', { 'x-request-timeout-ms': '-1' }],
    ['a header that came twice', { 'x-request-id': ['a', 'b'] as never }],
  ])('drops %s', (_, headers) => {
    expect(inboundOf(headers)).toEqual({ requestId: undefined, baggage: undefined, deadline: undefined });
  });
});
