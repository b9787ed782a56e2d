/** A billing API on loopback that speaks mutual TLS and misbehaves as it is told. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.js';

/** How the API treats one request. */
export type Behaviour = 'ok' | '503' | '429' | 'reset' | 'hang' | 'slow body' | 'endless body';

/** Decides by the number of the invoice and of the attempt, so that every run of the show is the same. */
export type Script = (invoice: number, attempt: number) => Behaviour;

export interface Upstream {
  readonly url: string;
  /** Requests that arrived, with the name on the client certificate they came with. */
  readonly seen: ReadonlyMap<string, number>;
  follow(script: Script): void;
  close(): void;
}

export async function startUpstream({ ca, server: { cert, key } }: Certificates): Promise<Upstream> {
  const seen = new Map<string, number>();
  let script: Script = () => 'ok';
  const server = createServer(
    { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key), requestCert: true },
    (request, response) => {
      const client = String((request.socket as TLSSocket).getPeerCertificate().subject.CN);
      seen.set(client, (seen.get(client) ?? 0) + 1);
      const invoice = Number(/\d+$/.exec(request.url ?? '')?.[0]);
      const attempt = Number(request.headers['x-envoy-attempt-count']);
      request.resume().once('end', () => behave(script(invoice, attempt), invoice, request, response));
    },
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    follow: (next) => {
      script = next;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function behave(behaviour: Behaviour, invoice: number, request: IncomingMessage, response: ServerResponse): void {
  const body = JSON.stringify({ id: invoice, currency: 'EUR', total: 1000 + invoice });
  response.setHeader('content-type', 'application/json');
  switch (behaviour) {
    case 'ok':
      response.end(body);
      break;
    case '503':
      response.writeHead(503).end('{"error":"unavailable"}');
      break;
    case '429':
      response.writeHead(429, { 'retry-after': '1' }).end('{"error":"too many requests"}');
      break;
    case 'reset':
      request.socket.destroy();
      break;
    case 'hang':
      break;
    case 'slow body':
      dribble(response, body, 12);
      break;
    case 'endless body':
      dribble(response, ' '.repeat(1000), 100);
      break;
  }
}

/** One byte after the other, every `pause` milliseconds. */
function dribble(response: ServerResponse, body: string, pause: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(body.charAt(sent++));
    if (sent < body.length) return;
    clearInterval(timer);
    response.end();
  }, pause);
  response.once('close', () => clearInterval(timer));
}
