/** An SDK that takes a fetch, over the stack: here OpenAI's, one answer whole and one as a stream. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { pino } from 'pino';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  // Stands for the API: it cannot be reached at first, then answers, as server-sent events where that is asked for.
  let listings = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'GET') {
      response.writeHead(++listings === 1 ? 503 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'small-model', object: 'model' }] }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of ['Hello', ', ', 'world'])
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
    response.end('data: [DONE]\n\n');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  // An answer that streams for minutes needs a client without a deadline; each attempt has 10 s to its headers.
  const timeouts = { total: false, attempt: '10s' } as const;
  const upstream = createHttpClient({ name: 'openai', baseURL: origin, timeouts }, deps);
  // One of the two retries, not both: the stack knows what is safe, and has a budget.
  const openai = new OpenAI({
    apiKey: 'not-a-real-key',
    baseURL: `${origin}/v1`,
    fetch: upstream.fetch,
    maxRetries: 0,
  });

  const { data } = await openai.models.list();
  const messages = [{ role: 'user' as const, content: 'Say hello.' }];
  let text = '';
  for await (const { choices } of await openai.chat.completions.create({
    model: 'small-model',
    messages,
    stream: true,
  }))
    text += choices[0]?.delta.content ?? '';
  const { attempts } = upstream.stats();
  await upstream.close();
  server.close();
  return [`models: ${data.map(({ id }) => id)}`, `streamed: ${text}`, `attempts: ${attempts}`];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main({ logger: pino() })).join('\n'));
