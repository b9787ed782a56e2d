/** Sets of clients: who is there, and who comes and goes. */
import { createHttpClient, loadHttpClients } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientsOf, followClients } from '../../src/registry/client-set.js';
import { silent } from '../support/client.js';

const at = (name: string) => ({ baseURL: `http://${name}.test` });

function changing(first: string[]) {
  let names = first;
  const load = () => ({ clients: Object.fromEntries(names.map((name) => [name, at(name)])) });
  const registry = loadHttpClients({ name: 'test', load }, { logger: silent });
  onTestFinished(() => registry.close());
  const become = (next: string[]) => {
    names = next;
    return registry.refresh();
  };
  return { registry, become };
}

describe('a list of clients', () => {
  it('is known by their names, twins by their place', () => {
    const list = ['a', 'b', 'a', 'a'].map((name) => createHttpClient({ name }));
    expect([...clientsOf(list).keys()]).toEqual(['a', 'b', 'a#2', 'a#3']);
    expect([...clientsOf(list).values()]).toEqual(list);
  });
});

describe('following the clients of a configuration', () => {
  it('begins with those there are, and ends and begins with each version', async () => {
    const { registry, become } = changing(['a', 'b']);
    const told: string[] = [];
    const stop = followClients(registry, (client, name) => {
      told.push(`+${name}`);
      expect(client).toBe(registry.get(name));
      return () => told.push(`-${name}`);
    });
    expect(told).toEqual(['+a', '+b']);

    await become(['b', 'c']);
    expect(told).toEqual(['+a', '+b', '-a', '+c']);
    stop();
    expect(told.slice(4)).toEqual(['-b', '-c']);
    await become(['d']);
    expect(told).toHaveLength(6);
  });

  it('begins with a list only once', () => {
    const told: string[] = [];
    const stop = followClients([createHttpClient({ name: 'a' })], (_, name) => {
      told.push(`+${name}`);
      return () => told.push(`-${name}`);
    });
    stop();
    stop();
    expect(told).toEqual(['+a', '-a']);
  });
});
