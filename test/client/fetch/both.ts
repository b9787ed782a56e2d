/** The same call by Node's own fetch and by a client's, against the same server. */
import type http from 'node:http';
import { createHttpClient, type HttpClient, type HttpClientConfig, type HttpFetch } from 'pillion';
import { onTestFinished } from 'vitest';
import { silent } from '../../support/client.js';
import { type Behaviour, type Received, startHttp, type Upstream } from '../../support/upstream.js';

export interface Both {
  readonly upstream: Upstream;
  readonly client: HttpClient;
  /** By each of the two: what the caller got, or what it failed with. */
  of<T>(call: (fetch: HttpFetch, origin: string) => Promise<T>): Promise<[standard: Outcome<T>, ours: Outcome<T>]>;
}

export interface Outcome<T> {
  readonly value?: T;
  readonly error?: Error & { code?: unknown; cause?: { code?: unknown } };
  /** What the server saw meanwhile. */
  readonly received: readonly Received[];
}

export async function both(behaviour: Behaviour, config: HttpClientConfig = {}): Promise<Both> {
  const upstream = await startHttp(behaviour);
  const client = createHttpClient({ baseURL: upstream.origin, ...config }, { logger: silent, random: () => 0 });
  onTestFinished(() => client.close({ grace: 0 }));
  const run = async <T>(
    call: (fetch: HttpFetch, origin: string) => Promise<T>,
    fetch: HttpFetch,
  ): Promise<Outcome<T>> => {
    const before = upstream.requests.length;
    const settled = await call(fetch, upstream.origin).then(
      (value) => ({ value }),
      (error) => ({ error }),
    );
    return { ...settled, received: upstream.requests.slice(before) };
  };
  const standard = globalThis.fetch as unknown as HttpFetch;
  return {
    upstream,
    client,
    of: async (call) => [await run(call, standard), await run(call, client.fetch)],
  };
}

/** Everything of an answer that a caller can see; headers about the connection are the server's and the library's own. */
export async function told(response: Response) {
  const headers = [...response.headers].filter(
    ([name]) => !/^(date|connection|keep-alive|transfer-encoding)$/.test(name),
  );
  const { status, statusText, ok, redirected, url, type, bodyUsed } = response;
  return { status, statusText, ok, redirected, url, type, bodyUsed, headers, body: await response.text() };
}

/** What a server saw, without what is each library's own way. */
export function seen({ method, path, headers, body }: Received) {
  const own =
    /^(host|connection|user-agent|accept-language|accept-encoding|sec-fetch-mode|x-request-id|content-length|transfer-encoding|traceparent)$/;
  return {
    method,
    path,
    body,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !own.test(name))),
  };
}

/** Answers with a status, headers and a body. */
export function answering(
  status: number,
  headers: http.OutgoingHttpHeaders = {},
  body = '',
  reason?: string,
): Behaviour {
  return (_, response) => {
    if (reason === undefined) response.writeHead(status, headers);
    else response.writeHead(status, reason, headers);
    response.end(body);
  };
}
