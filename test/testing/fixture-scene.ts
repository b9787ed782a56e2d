/** What the tests of fixtures share: a file that is gone at the end, and a client over it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpClient, type HttpClient, type HttpClientConfig } from 'pillion';
import {
  createFixtureTransport,
  createMockTransport,
  type Exchange,
  type FixtureOptions,
  type FixtureTransport,
  type Script,
} from 'pillion/testing';
import { onTestFinished } from 'vitest';
import { silent } from '../client/scripted.js';

/** A path in a folder that is not there yet. */
export function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-fixtures-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'deep', 'billing.json');
}

/** A client over a fixture; without jitter. */
export function over(
  file: string,
  options: FixtureOptions,
  config: HttpClientConfig = {},
): HttpClient & { transport: FixtureTransport } {
  const transport = createFixtureTransport(file, options);
  const deps = { transport, logger: silent, random: () => 0 };
  const client = createHttpClient({ baseURL: 'http://api.test', ...config }, deps);
  onTestFinished(async () => {
    await client.close({ grace: 0 });
    await transport.close();
  });
  return Object.assign(client, { transport });
}

/** Records an upstream that answers by a script. */
export const recording = (file: string, script: Script, options: FixtureOptions = {}, config: HttpClientConfig = {}) =>
  over(file, { mode: 'record', upstream: createMockTransport(script), ...options }, config);

export const replaying = (file: string, options: FixtureOptions = {}, config: HttpClientConfig = {}) =>
  over(file, { mode: 'replay', ...options }, config);

export function exchangesIn(file: string): Exchange[] {
  return JSON.parse(readFileSync(file, 'utf8')).exchanges;
}
