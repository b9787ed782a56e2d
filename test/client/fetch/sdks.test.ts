/** SDKs that take a fetch: each over client.fetch, against a server that answers like its API. */
import { Octokit } from '@octokit/core';
import { AwsClient } from 'aws4fetch';
import ky, { HTTPError, TimeoutError } from 'ky';
import OpenAI from 'openai';
import createOpenApiClient from 'openapi-fetch';
import { createHttpClient } from 'pillion';
import Stripe from 'stripe';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silent } from '../../support/client.js';
import { type Behaviour, startHttp } from '../../support/upstream.js';

const json =
  (status: number, body: object): Behaviour =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

async function upstream(...script: Behaviour[]) {
  const server = await startHttp(...script);
  const client = createHttpClient({ baseURL: server.origin }, { logger: silent, random: () => 0 });
  onTestFinished(() => client.close({ grace: 0 }));
  return { ...server, client, server };
}

describe('over client.fetch', () => {
  it('OpenAI asks, streams, and has its failures as its own errors', async () => {
    const events: Behaviour = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const content of ['a', 'b'])
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
      response.end('data: [DONE]\n\n');
    };
    const { client, origin, server } = await upstream(
      json(503, {}),
      json(200, { data: [{ id: 'm' }] }),
      events,
      json(400, { error: { message: 'no' } }),
    );
    const openai = new OpenAI({ apiKey: 'k', baseURL: `${origin}/v1`, fetch: client.fetch, maxRetries: 0 });
    expect((await openai.models.list()).data).toMatchObject([{ id: 'm' }]);
    const ask = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }] };
    let text = '';
    for await (const chunk of await openai.chat.completions.create({ ...ask, stream: true }))
      text += chunk.choices[0]?.delta.content;
    expect(text).toBe('ab');
    await expect(openai.chat.completions.create(ask)).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    expect(server.requests).toHaveLength(4);
    client.forceCircuit('open');
    await expect(openai.models.list()).rejects.toMatchObject({ cause: { cause: { code: 'ERR_CIRCUIT_OPEN' } } });
  });

  it('Stripe posts a form with its key, by which we repeat it: its own retries and ours would multiply, so switch one off', async () => {
    const { client, server } = await upstream(json(503, {}), json(200, { id: 'ch_1' }));
    const stripe = new Stripe('sk_test_x', {
      httpClient: Stripe.createFetchHttpClient(client.fetch as never),
      ...{
        host: '127.0.0.1',
        port: new URL(server.origin).port,
        protocol: 'http',
        maxNetworkRetries: 1,
        telemetry: false,
      },
    });
    expect((await stripe.customers.create({ email: 'a@b.c' })).id).toBe('ch_1');
    // Repeated here before Stripe has seen the failure.
    expect(client.stats()).toMatchObject({ calls: { started: 1 }, attempts: 2 });
    const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^stripe-node-retry-/);
    expect(keys[1]).toBe(keys[0]);
    expect(server.requests[0]?.body).toBe('email=a%40b.c');
  });

  it('ky asks with its hooks, and has its own errors and time limit; its retries are switched off', async () => {
    const { client, origin, server } = await upstream(
      json(503, {}),
      json(200, { a: 1 }),
      json(404, { no: 1 }),
      () => {},
    );
    const api = ky.create({ prefixUrl: origin, fetch: client.fetch, retry: 0, timeout: 200 });
    const hooks = { beforeRequest: [(request: Request) => request.headers.set('x-hook', '1')] };
    expect(await api.put('x', { json: { b: 2 }, hooks: hooks as never }).json()).toEqual({ a: 1 });
    expect(server.requests.map(({ body, headers }) => [body, headers['x-hook']])).toEqual([
      ['{"b":2}', '1'],
      ['{"b":2}', '1'],
    ]);
    await expect(api.get('none')).rejects.toBeInstanceOf(HTTPError);
    await expect(api.get('slow')).rejects.toBeInstanceOf(TimeoutError);
  });

  it('Octokit asks by request.fetch', async () => {
    const { client, origin, server } = await upstream(json(200, { login: 'octocat' }));
    const octokit = new Octokit({ baseUrl: origin, auth: 'token', request: { fetch: client.fetch } });
    expect((await octokit.request('GET /user')).data).toEqual({ login: 'octocat' });
    expect(server.requests[0]).toMatchObject({ path: '/user', headers: { authorization: 'token token' } });
  });

  it('openapi-fetch hands over Requests, which are repeated where that is safe', async () => {
    const { client, origin, server } = await upstream(json(503, {}), json(200, { ok: true }));
    const api = createOpenApiClient<Record<string, never>>({ baseUrl: origin, fetch: client.fetch as never });
    const { data } = await (api as unknown as { PUT(path: string, init: object): Promise<{ data: unknown }> }).PUT(
      '/x',
      { body: { a: 1 } },
    );
    expect(data).toEqual({ ok: true });
    expect(server.requests.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}']);
  });

  it('a request that is signed as AWS wants it arrives as it was signed', async () => {
    const { client, origin, server } = await upstream(json(200, {}));
    const aws = new AwsClient({ accessKeyId: 'AKID', secretAccessKey: 'secret', service: 's3', region: 'eu-west-1' });
    const signed = await aws.sign(`${origin}/bucket/key`, { method: 'PUT', body: 'content' });
    expect((await client.fetch(signed)).status).toBe(200);
    const [request] = server.requests;
    expect(request?.headers.authorization).toBe(signed.headers.get('authorization'));
    expect(request?.headers['x-amz-date']).toBe(signed.headers.get('x-amz-date'));
    expect(request?.body).toBe('content');
  });
});
