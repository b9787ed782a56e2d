import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConfigRejection,
  type ConfigSource,
  type ConfigVersion,
  type HttpClients,
  loadHttpClients,
} from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const text = (total: number) => `clients:\n  users: { timeouts: { total: ${total}s } }\n`;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pillion-registry-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Where the file is, and how another one takes its place. */
const places: Record<string, () => { path: string; put(content: string): void }> = {
  'a config map: ..data is swapped': () => {
    const mount = folder();
    let version = 0;
    const put = (content: string) => {
      const data = `..v${++version}`;
      mkdirSync(join(mount, data));
      writeFileSync(join(mount, data, 'clients.yaml'), content);
      symlinkSync(data, join(mount, '..data_tmp'));
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    put(text(1));
    symlinkSync('..data/clients.yaml', join(mount, 'clients.yaml'));
    return { path: join(mount, 'clients.yaml'), put };
  },
  'a rename': () => {
    const path = join(folder(), 'clients.yaml');
    writeFileSync(path, text(1));
    const put = (content: string) => {
      writeFileSync(`${path}.new`, content);
      renameSync(`${path}.new`, path);
    };
    return { path, put };
  },
  'a write in place': () => {
    const path = join(folder(), 'clients.yaml');
    writeFileSync(path, text(1));
    return { path, put: (content) => writeFileSync(path, content) };
  },
};

function open(
  source: string | ConfigSource<string>,
  watch: true | { interval: '20ms' | '1h' } = { interval: '1h' },
): HttpClients {
  const registry = loadHttpClients(source as string, { logger: silent, watch });
  onTestFinished(() => registry.close());
  return registry;
}

const applied = (registry: HttpClients) =>
  new Promise<ConfigVersion>((resolve) => {
    registry.on('config.applied', resolve);
  });
const rejected = (registry: HttpClients) =>
  new Promise<ConfigRejection>((resolve) => {
    registry.on('config.rejected', resolve);
  });

describe('a file that is watched', () => {
  it.each(Object.entries(places))('is read again after %s', async (_, place) => {
    const { path, put } = place();
    const registry = open(path);
    for (const total of [2, 3, 4]) {
      const version = applied(registry);
      put(text(total));
      expect((await version).changes).toContainEqual(
        expect.objectContaining({ path: 'timeouts.total', after: total * 1000 }),
      );
    }
  });

  it('that is bad is refused, and the next good one is applied', async () => {
    const { path, put } = (places['a rename'] as () => { path: string; put(content: string): void })();
    const registry = open(path);
    for (const total of [2, 3]) {
      const refusal = rejected(registry);
      put('clients:\n  users: { timeouts: { total: soon } }\n');
      expect(await refusal).toMatchObject({ file: path, line: 2, column: 31, path: 'clients.users.timeouts.total' });
      const version = applied(registry);
      put(text(total));
      await version;
    }
  });

  it('that vanishes is refused, and applied when it is back', async () => {
    const path = join(folder(), 'clients.yaml');
    writeFileSync(path, text(1));
    const registry = open(path);
    const refusal = rejected(registry);
    unlinkSync(path);
    expect(await refusal).toMatchObject({ file: path, message: 'there is no such file' });
    expect(registry.names).toEqual(['users']);
    const version = applied(registry);
    writeFileSync(path, text(2));
    await version;
  });

  it('is read again where only a file of a reference changed', async () => {
    const here = folder();
    const [path, secret] = [join(here, 'clients.yaml'), join(folder(), 'token')];
    writeFileSync(secret, 'one');
    writeFileSync(path, `clients:\n  users: { headers: { authorization: "$${''}{file:${secret}}" } }\n`);
    const registry = open(path);
    const version = applied(registry);
    writeFileSync(secret, 'two');
    expect((await version).changes).toEqual([
      { client: 'users', path: 'headers.authorization', before: '***', after: '***' },
    ]);
    const refusal = rejected(registry);
    unlinkSync(secret);
    expect(await refusal).toMatchObject({ line: 2, message: `there is no file ${secret}` });
    const again = applied(registry);
    writeFileSync(secret, 'three');
    await again;
  });

  it('is read no more once the registry is closed', async () => {
    const path = join(folder(), 'clients.yaml');
    writeFileSync(path, text(1));
    const registry = open(path, { interval: '20ms' });
    await registry.close();
    let versions = 0;
    registry.on('config.applied', () => versions++);
    writeFileSync(path, text(2));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(versions).toBe(0);
  });
});

describe('a source of another kind', () => {
  it('is listened to, and may be asynchronous', async () => {
    const path = join(folder(), 'kept.yaml');
    writeFileSync(path, text(1));
    let tell = () => {};
    let stopped = false;
    const source: ConfigSource = {
      name: 'https://config.test/clients',
      load: async () => readFileSync(path, 'utf8'),
      subscribe: (changed) => {
        tell = changed;
        return () => {
          stopped = true;
        };
      },
    };
    const registry = await loadHttpClients(source, { logger: silent });
    expect(registry.stats().config).toMatchObject({ version: 1, source: 'https://config.test/clients' });
    const version = applied(registry);
    writeFileSync(path, text(2));
    tell();
    await version;
    const refusal = rejected(registry);
    unlinkSync(path);
    tell();
    expect(await refusal).toMatchObject({
      file: 'https://config.test/clients',
      message: expect.stringMatching(/ENOENT/),
    });
    await registry.close();
    expect(stopped).toBe(true);
  });

  it('that fails at the start is ERR_CONFIG with its name', async () => {
    const source: ConfigSource = { name: 'vault', load: () => Promise.reject(new Error('503 from vault')) };
    await expect(loadHttpClients(source)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: 'Bad configuration of HTTP clients:\n  vault 503 from vault',
    });
  });

  it('may give an object', () => {
    const registry = loadHttpClients({ name: 'code', load: () => ({ clients: { users: {} } }) }, { logger: silent });
    onTestFinished(() => registry.close());
    expect(registry.names).toEqual(['users']);
  });
});
