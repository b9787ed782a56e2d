/** What the tests of the client share: a client over a scripted wire that prints nothing, and a logger that collects. */
import { createHttpClient, type HttpClient, type HttpClientConfig, type HttpClientDeps, type Logger } from 'pillion';
import { createMockTransport, type MockTransport, type Script } from 'pillion/testing';

export { type Rejected, rejection } from '../support/client.js';

export const baseURL = 'http://api.test';

const ignore = () => {};

export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export interface Scripted {
  client: HttpClient;
  transport: MockTransport;
}

/** Jitter is 0, so a retry follows at once. */
export function scripted(script: Script, config: HttpClientConfig = {}, deps: HttpClientDeps = {}): Scripted {
  const transport = createMockTransport(script);
  const client = createHttpClient({ baseURL, ...config }, { logger: silent, random: () => 0, transport, ...deps });
  return { client, transport };
}

export interface Line {
  level: 'debug' | 'info' | 'warn' | 'error';
  fields: Record<string, unknown>;
  message: string;
}

export function collecting(): { logger: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: Line['level']) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Line['fields'], message });
  };
  return { logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}
