/** What the tests of the admin handler share: a client over a scripted wire, a handler that listens, and how to ask it. */
import http from 'node:http';
import { createHttpClient, type HttpClient, type HttpClientConfig } from 'pillion';
import { type AdminOptions, createAdmin } from 'pillion/admin';
import { createMockTransport } from 'pillion/testing';
import { onTestFinished } from 'vitest';
import { silent } from '../support/client.js';

export const baseURL = 'http://api.test';
export const token = 'a-token-of-some-length';

export function client(config: HttpClientConfig = {}): HttpClient {
  const transport = createMockTransport([{ reply: 200 }]);
  const made = createHttpClient({ name: 'billing', baseURL, ...config }, { transport, logger: silent });
  onTestFinished(() => made.close({ grace: 0 }));
  return made;
}

export interface Answered {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON was sent.
  json: any;
}

/** By node:http, which lets a test say any Host. */
export function ask(port: number, path: string, options: http.RequestOptions = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', path, agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const json = /json/.test(response.headers['content-type'] ?? '') && text ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    request.on('error', reject).end();
  });
}

/** How the page asks for a circuit to be forced. */
export function force(
  port: number,
  state: string | undefined,
  { path = '/clients/billing/circuit', headers = {} }: { path?: string; headers?: http.OutgoingHttpHeaders } = {},
): Promise<Answered> {
  const asked = state === undefined ? path : `${path}?state=${encodeURIComponent(state)}`;
  return ask(port, asked, { method: 'POST', headers });
}

export async function serving(options: AdminOptions = {}, clients = [client()]) {
  const admin = createAdmin(clients, options);
  onTestFinished(() => admin.close());
  const { port, url } = await admin.listen();
  return { admin, port, url, clients, ask: (path: string, more?: http.RequestOptions) => ask(port, path, more) };
}
