/** Sets of clients: who is there, and who comes and goes. */
import axios from 'axios';
import { createHttpClient, loadHttpClients, usePolicies } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientsOf, followClients, registriesOf } from '../../src/registry/client-set.js';
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

  it('may have registries among them, each client once', () => {
    const [{ registry: one }, { registry: two }] = [changing(['a', 'b']), changing(['b'])];
    const [a, c] = [createHttpClient({ name: 'a' }), usePolicies(axios.create(), { name: 'c' }, { logger: silent })];
    const set = [c, one, a, two, one.get('a'), c];
    expect([...clientsOf(set)]).toEqual([
      ['c', c],
      ['a', one.get('a')],
      ['b', one.get('b')],
      ['a#2', a],
      ['b#2', two.get('b')],
    ]);
    expect([...registriesOf(set)]).toEqual([
      ['test', one],
      ['test#2', two],
    ]);
  });

  it('keeps the name of a client while others of its name come and go', async () => {
    const { registry, become } = changing(['a', 'b']);
    const a = createHttpClient({ name: 'a' });
    const set = [registry, a];
    const told: string[] = [];
    const stop = followClients(set, (_, name) => {
      told.push(`+${name}`);
      return () => told.push(`-${name}`);
    });
    onTestFinished(stop);
    expect(clientsOf(set).get('a#2')).toBe(a);
    await become(['b']);
    expect([...clientsOf(set).keys()]).toEqual(['b', 'a#2']);
    await become(['a', 'b']);
    expect([...clientsOf(set).keys()]).toEqual(['a', 'b', 'a#2']);
    expect(told).toEqual(['+a', '+b', '+a#2', '-a', '+a']);
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
