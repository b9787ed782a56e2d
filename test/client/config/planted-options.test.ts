/** Nothing that a reference gave, and no query of any option, is in what is shown of a configuration. */
import { createHttpClient, loadHttpClients } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { expect, it, onTestFinished } from 'vitest';
import { shownConfig } from '../../../src/admin/shown.js';
import { check } from '../../../src/cli/check.js';
import { explain } from '../../../src/cli/explain.js';
import { ask } from '../../admin/asking.js';
import { authority } from '../../support/certificates.js';
import { files } from '../../support/files.js';
import { planted, textOptions } from './planted-options.js';

const identity = await (await authority('the authority')).issue({ name: 'client' });

/** Lines of a logger, and a terminal. */
function written() {
  const texts: string[] = [];
  const line = (...parts: unknown[]) => void texts.push(JSON.stringify(parts));
  const logger = { debug: line, info: line, warn: line, error: line };
  return { texts, logger, terminal: (env: Record<string, string>) => ({ out: line, err: line, env }) };
}

/** Hosts that could not be looked up, or that are new, are told, as lines of calls tell the host that they go to. */
const lookedUp = /getaddrinfo E\w+ [\w.-]+|endpoints changed: [\w.:,; -]+/g;
const leaks = (text: string) =>
  text.replace(lookedUp, '').match(/.{0,40}(planted|open sesame|203\.0\.113).{0,20}/g) ?? [];

it('every option that takes text is planted', () => {
  const { paths } = planted(identity);
  expect([...new Set(paths)].sort()).toEqual([...new Set(textOptions())].filter((path) => path !== 'name').sort());
});

it('what references gave is in no configuration that is shown, no diff, event, line or answer', async () => {
  const { config, env: envOf } = planted(identity);
  const { texts, logger, terminal } = written();
  const env = envOf(1);
  const registry = loadHttpClients({ name: 'test', load: () => config as object }, { env, logger });
  const admin = createAdmin(registry);
  onTestFinished(async () => {
    await admin.close();
    await registry.close({ grace: 0 });
  });
  const events: unknown[] = [];
  registry.on('config.applied', (event) => events.push(event));
  Object.assign(env, envOf(2));
  expect(await registry.refresh()).toBe(true);
  const { port } = await admin.listen();
  const { text: answer } = await ask(port, '/config');
  const { 'clients.json': path } = files({ 'clients.json': JSON.stringify(config) });
  for (const name of ['a', 'b', 'c', 'd']) {
    await explain.run([path, name], terminal(env));
    await explain.run([path, name, '--json'], terminal(env));
  }
  await check.run([path], terminal(env));
  const shown = { config: shownConfig(registry), stats: registry.stats().config, events, texts, answer };
  expect(registry.stats().config.changes.length).toBeGreaterThan(30);
  for (const [means, text] of Object.entries(shown)) expect([means, leaks(JSON.stringify(text))]).toEqual([means, []]);
});

it('the values of headers are masked in every section that has some, their names are seen', () => {
  const headers = { authorization: 'planted', 'x-a': 'planted' };
  const changes = {
    remove: ['x-b'],
    set: headers,
    replace: headers,
    add: { 'x-c': ['planted', 'planted'], ...headers },
  };
  const config = {
    headers,
    requestHeaders: changes,
    routes: [{ match: { headers }, requestHeaders: changes }],
    endpoints: { static: [{ address: 'a.test:1' }] },
    healthCheck: { path: '/', headers },
    split: [{ match: { headers }, targets: [{ name: 'x', baseURL: 'https://x.test', weight: 1, headers }] }],
    mirror: [{ baseURL: 'https://y.test', headers }],
  };
  const client = createHttpClient({ baseURL: 'https://a.test', ...config }, { logger: written().logger });
  onTestFinished(() => client.close());
  const shown = shownConfig([client]);
  expect(leaks(JSON.stringify(shown))).toEqual([]);
  expect(shown.default).toMatchObject({
    requestHeaders: { remove: ['x-b'], set: { 'x-a': '***' }, add: { 'x-c': ['***', '***'] } },
  });
});

it.each([
  ['healthCheck', { path: '/health?token=planted' }, '/health?token=REDACTED'],
  ['healthCheck', { path: '/health?planted' }, '/health?REDACTED'],
  ['split', [{ match: { path: { regex: '^/a\\?token=planted' } }, targets: [] }], '^/a\\?REDACTED'],
  ['split', [{ match: { path: { regex: '^/a[?]planted' } }, targets: [] }], '^/a[?]REDACTED'],
  ['split', [{ match: { path: { regex: '^/a(?=b)/v\\d?$' } }, targets: [] }], '^/a(?=b)/v\\d?$'],
  ['split', [{ match: { path: { exact: '/a?b=planted#planted' } }, targets: [] }], '/a?b=REDACTED'],
  ['fault', { match: { path: { prefix: '/a?b=planted&c=planted' } } }, '/a?b=REDACTED&c=REDACTED'],
  ['pathRewrite', { '^/a': '/b?token=planted' }, '/b?token=REDACTED'],
  ['routes', [{ pathRewrite: { '^/a': '/b?planted' } }], '/b?REDACTED'],
  ['mirror', [{ baseURL: 'https://u:planted@shadow.test/v1' }], 'https://REDACTED@shadow.test/v1'],
])('the query and the user of %s are masked, its shape is seen', (section, options, seen) => {
  const targets = [{ name: 'x', baseURL: 'https://x.test', weight: 1 }];
  const value = section === 'split' ? (options as object[]).map((rule) => ({ ...rule, targets })) : options;
  const client = createHttpClient({ baseURL: 'https://a.test', [section]: value }, { logger: written().logger });
  onTestFinished(() => client.close());
  const text = JSON.stringify(shownConfig([client]));
  expect(leaks(text)).toEqual([]);
  expect(text).toContain(JSON.stringify(seen));
});

it.each([
  ['{ cert: "${SECRET}", key: "${SECRET}" }', 'tls.cert (${SECRET}): there is no such file'],
  ['{ ca: ["${SECRET}"] }', 'tls.ca (${SECRET}): there is no such file'],
])('a fault names the reference in place of what it gave: %s', async (tls, told) => {
  const text = `clients: { a: { baseURL: "https://a.test", tls: ${tls} } }`;
  const env = { SECRET: '/run/planted-value.pem' };
  const { texts, terminal, logger } = written();
  const { 'clients.yaml': path } = files({ 'clients.yaml': text });
  expect(() => loadHttpClients(path, { env, logger })).toThrow(told);
  await check.run([path], terminal(env));
  expect(texts.join()).toContain(told);
  expect(leaks(texts.join())).toEqual([]);
});
