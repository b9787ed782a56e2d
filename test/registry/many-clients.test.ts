/** A registry of many clients: what a reload of one change looks at, and what a client without calls holds. */
import { setImmediate } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { loadHttpClients } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { namelessSchema } from '../../src/client/config/config.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

afterEach(() => {
  vi.restoreAllMocks();
});

type Changes = Readonly<Record<number, object>>;

const clientsOf = (count: number, changes: Changes = {}) => ({
  defaults: { timeouts: { total: '5s' }, limits: { maxRequests: '${MOST}' as unknown as number } },
  clients: Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `service-${index}`,
      { baseURL: `http://service-${index}.test`, limits: { maxRequests: 64 }, ...changes[index] },
    ]),
  ),
});

function registryOf(count: number) {
  let loaded = clientsOf(count);
  const transport = createMockTransport([{ reply: { data: 'ok' } }]);
  const source = { name: 'store', load: (): object => loaded };
  const env: Record<string, string> = { MOST: '32' };
  const registry = loadHttpClients(source, { logger: quiet, transport, env });
  onTestFinished(() => registry.close());
  const set = (changes: Changes, more = count) => {
    loaded = clientsOf(more, changes);
    return registry.refresh();
  };
  return { registry, transport, set, env };
}

describe('a reload of many clients', () => {
  it('validates the client that changed, and no other', async () => {
    const { registry, set } = registryOf(50);
    const parsed = vi.spyOn(namelessSchema, 'safeParse');
    const changes: unknown[] = [];
    registry.on('config.applied', (version) => changes.push(...version.changes));
    expect(await set({ 7: { retry: { maxRetries: 5 } } })).toBe(true);
    expect(parsed).toHaveBeenCalledTimes(1);
    expect(changes).toEqual([{ client: 'service-7', path: 'retry.maxRetries', before: 2, after: 5 }]);
    expect(await set({ 7: { retry: { maxRetries: 5 } } })).toBe(false);
    expect(parsed).toHaveBeenCalledTimes(1);
  });

  it('validates a client again that a version in between had changed and that is as before', async () => {
    const { set } = registryOf(10);
    await set({ 3: { retry: false } });
    const parsed = vi.spyOn(namelessSchema, 'safeParse');
    expect(await set({})).toBe(true);
    expect(parsed).toHaveBeenCalledTimes(1);
  });

  it('validates no client where a default changed that each of them overrides', async () => {
    const { registry, set, env } = registryOf(10);
    env.MOST = '16';
    const parsed = vi.spyOn(namelessSchema, 'safeParse');
    // The clients override what the variable says, so none of them is another.
    expect(await set({})).toBe(false);
    expect(parsed).not.toHaveBeenCalled();
    expect(registry.names).toHaveLength(10);
  });

  it('takes a version after a refused one as if that had not been', async () => {
    const { registry, set } = registryOf(10);
    expect(await set({ 2: { retry: { maxRetries: -1 } } })).toBe(false);
    expect(registry.stats().config.refused).toBe(true);
    expect(await set({ 2: { retry: { maxRetries: 1 } } })).toBe(true);
    expect(registry.stats().config.refused).toBe(false);
    expect(registry.stats().config.changes).toEqual([
      { client: 'service-2', path: 'retry.maxRetries', before: 2, after: 1 },
    ]);
  });

  it('sets a client back that was changed by `update`, also where the configuration is the same', async () => {
    const { registry, transport, set } = registryOf(3);
    registry.get('service-1').update({ baseURL: 'http://elsewhere.test' });
    expect(await set({})).toBe(true);
    await registry.get('service-1').get('/');
    expect(transport.requests.at(-1)?.url).toBe('http://service-1.test/');
  });
});

it('a client without a call holds less than 64 KB, however many there are', async () => {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc') as () => void;
  const settled = async () => {
    for (let times = 0; times < 3; times++) {
      gc();
      await setImmediate();
    }
    return process.memoryUsage().heapUsed;
  };
  registryOf(20);
  const before = await settled();
  const { registry } = registryOf(300);
  const each = ((await settled()) - before) / 300;
  expect(registry.names).toHaveLength(300);
  expect(each).toBeLessThan(64_000);
});
