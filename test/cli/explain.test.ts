import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../../src/client/config/config.js';
import { files } from '../support/files.js';
import { yaml } from './checks/texts.js';
import { pillion, pillionWith, without } from './pillion.js';

const text = yaml`
  x-headers: &headers { x-api-key: hunter2 }
  defaults:
    timeouts: { total: 8s }
    maxRedirects: 3
  clients:
    users:
      baseURL: https://joe:hunter3@users.test/v1
      maxRedirects: 5
      retry:
        on: [reset, 425]
        maxRetries: \${RETRIES:-1}
      headers: *headers
    billing:
      tracing: \${TRACING:-false}
      tls: { passphrase: hunter4, serverName: billing.test }
`;

/** The lines of `pillion explain` for one client, by option; `@` is the folder of the file. */
async function explained(name: string, contents = text, variables: readonly string[] = []) {
  const { 'clients.yaml': path } = files({ 'clients.yaml': contents });
  const { code, stdout, stderr } = await pillionWith(variables, 'explain', path, name);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = without(dirname(path), stdout).split('\n');
  return { stdout, of: (option: string) => lines.filter((line) => line.startsWith(`${option} `)).map(columns) };
}

/** Of the table: option, value, where it comes from. */
const columns = (line: string) => line.split(/ {2,}/);

describe('pillion explain', () => {
  it('tells of each option its value and whether it comes from the client, the defaults or neither', async () => {
    const { of } = await explained('users');
    expect(of('maxRedirects')).toEqual([['maxRedirects', '5', 'client @/clients.yaml:8:19']]);
    expect(of('timeouts.total')).toEqual([['timeouts.total', '8000', 'defaults @/clients.yaml:3:22']]);
    expect(of('timeouts.attempt')).toEqual([['timeouts.attempt', '2500', 'built in']]);
    expect(of('retry.on')).toEqual([['retry.on', '["reset",425]', 'client @/clients.yaml:10:7']]);
    expect((await explained('billing')).of('maxRedirects')).toEqual([
      ['maxRedirects', '3', 'defaults @/clients.yaml:4:17'],
    ]);
  });

  it('tells of a reference its value and how it is written', async () => {
    const at = 'client @/clients.yaml:11:19 ${RETRIES:-1}';
    expect((await explained('users')).of('retry.maxRetries')).toEqual([['retry.maxRetries', '1', at]]);
    expect((await explained('users', text, ['RETRIES=2'])).of('retry.maxRetries')).toEqual([
      ['retry.maxRetries', '2', at],
    ]);
    expect((await explained('billing')).of('tracing')).toEqual([
      ['tracing', 'false', 'client @/clients.yaml:14:14 ${TRACING:-false}'],
    ]);
  });

  it('shows the place of the alias for what stands behind one', async () => {
    expect((await explained('users')).of('headers.x-api-key')).toEqual([
      ['headers.x-api-key', '"***"', expect.stringMatching(/^client @\/clients\.yaml:12:\d+$/)],
    ]);
  });

  it('is in columns, and says what its numbers are', async () => {
    const { stdout } = await explained('users');
    const rows = stdout.split('\n\n')[0]?.split('\n') ?? [];
    const second = rows[0]?.search(/(?<= {2})\S/);
    for (const row of rows) expect(row.search(/(?<= {2})\S/)).toBe(second);
    expect(stdout).toMatch(/\n\nDurations are in milliseconds\.\n$/);
    expect(stdout).not.toMatch(/ $/m);
  });

  it('leaves out no option that is in force', async () => {
    const { stdout } = await explained('users');
    const { properties = {} } = configJsonSchema() as { properties?: Record<string, { default?: unknown }> };
    const always = ['baseURL', 'headers', 'timeouts', 'retry', 'circuitBreaker', 'limits', 'tracing', 'logging'];
    const scalars = Object.keys(properties).filter(
      (name) => name !== 'name' && properties[name]?.default !== undefined,
    );
    for (const name of [...always, ...scalars]) expect(stdout).toMatch(new RegExp(`^${name}[. ]`, 'm'));
    expect(stdout).not.toMatch(/^name /m);
  });
});

describe('pillion explain does not tell secrets:', () => {
  it('headers, whatever their name', async () => {
    const { stdout } = await explained('users');
    expect(stdout).not.toContain('hunter2');
  });

  it('the user and password of a URL', async () => {
    const { stdout, of } = await explained('users');
    expect(of('baseURL')[0]?.[1]).toBe('"https://REDACTED@users.test/v1"');
    expect(stdout).not.toContain('hunter3');
  });

  it('the passphrase of a key', async () => {
    const { stdout, of } = await explained('billing');
    expect(of('tls.passphrase')[0]?.[1]).toBe('"***"');
    expect(of('tls.serverName')[0]?.[1]).toBe('"billing.test"');
    expect(stdout).not.toContain('hunter4');
  });

  it('what a file holds', async () => {
    const { secret } = files({ secret: 'https://hunter5.test' });
    const { stdout, of } = await explained('a', `clients: { a: { baseURL: "\${file:${secret}}" } }`);
    expect(of('baseURL')[0]?.[1]).toBe('"***"');
    expect(stdout).toContain(`\${file:${secret}}`);
    expect(stdout).not.toContain('hunter5');
  });

  it('the variable of a header', async () => {
    const variables = ['TOKEN=hunter6'];
    const contents = 'clients: { a: { headers: { authorization: "Bearer ${TOKEN}" } } }';
    const { stdout, of } = await explained('a', contents, variables);
    expect(of('headers.authorization')[0]?.slice(1)).toEqual([
      '"***"',
      expect.stringMatching(/^client [^ ]+ \$\{TOKEN\}$/),
    ]);
    expect(stdout).not.toContain('hunter6');
  });

  it('a key that stands in the file', async () => {
    const key = '-----BEGIN PRIVATE KEY-----\\nhunter7\\n-----END PRIVATE KEY-----';
    const { stdout } = await explained('a', `clients: { a: { tls: { cert: /tls.crt, key: "${key}" } } }`);
    expect(stdout).not.toContain('hunter7');
    expect(stdout).toContain('/tls.crt');
  });

  it.each([
    ['the default of a reference in a header', '{ headers: { authorization: "Bearer ${TOKEN:-hunter8}" } }'],
    ['what stands around a reference in a header', '{ headers: { cookie: "session=hunter8; host=${HOST:-a}" } }'],
    ['the default of a reference in a passphrase', '{ tls: { passphrase: "${PASS:-hunter8}" } }'],
    ['the password of a URL with a reference', '{ baseURL: "https://joe:hunter8@${HOST:-a.test}" }'],
  ])('%s', async (_, options) => {
    const { stdout } = await explained('a', `clients: { a: ${options} }`);
    expect(stdout).not.toContain('hunter8');
  });

  it('what a file of a list holds', async () => {
    const { secret } = files({ secret: 'hunter9.test' });
    const contents = `clients: { a: { tls: { subjectAltNames: ["\${file:${secret}}"] } } }`;
    expect((await explained('a', contents)).stdout).not.toContain('hunter9');
  });
});

describe('pillion explain --json', () => {
  it('prints a list of options: path, value, where from, at what place, by which reference', async () => {
    const { 'clients.yaml': path } = files({ 'clients.yaml': text });
    const { code, stdout } = await pillion('explain', '--json', path, 'users');
    const rows = JSON.parse(stdout) as { path: string }[];
    const row = (option: string) => rows.find((each) => each.path === option);
    expect(code).toBe(0);
    expect(row('timeouts.total')).toEqual({
      path: 'timeouts.total',
      value: 8000,
      from: 'defaults',
      at: `${path}:3:22`,
    });
    expect(row('timeouts.attempt')).toEqual({ path: 'timeouts.attempt', value: 2500, from: 'built in' });
    expect(row('retry.on')).toEqual({ path: 'retry.on', value: ['reset', 425], from: 'client', at: `${path}:10:7` });
    expect(row('retry.maxRetries')).toEqual({
      path: 'retry.maxRetries',
      value: 1,
      from: 'client',
      at: `${path}:11:19`,
      reference: '${RETRIES:-1}',
    });
    expect(row('headers.x-api-key')).toMatchObject({ value: '***' });
    expect(stdout).not.toMatch(/hunter/);
  });
});

describe('pillion explain of what is not there', () => {
  it('names the clients there are', async () => {
    const { 'clients.yaml': path } = files({ 'clients.yaml': text });
    expect(await pillion('explain', path, 'orders')).toEqual({
      code: 1,
      stdout: '',
      stderr: `${path} has no client "orders"; its clients are users, billing\n`,
    });
  });

  it('prints the faults of a broken file', async () => {
    const contents = 'clients: { a: { maxRedirects: 51 }, b: {}, c: { retires: 3 } }';
    const { 'clients.yaml': path } = files({ 'clients.yaml': contents });
    expect(await pillion('explain', path, 'b')).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        `${path}:1:31 clients.a.maxRedirects Too big: expected number to be <=50`,
        `${path}:1:49 clients.c.retires unknown option, did you mean "retry"?\n`,
      ].join('\n'),
    });
  });

  it('prints them in the order of the file', async () => {
    const { 'clients.yaml': path } = files({ 'clients.yaml': 'clients: { a: { retires: 3, maxRedirects: 51 } }' });
    const { stderr } = await pillion('explain', path, 'a');
    expect(stderr.match(/clients\.a\.\w+/g)).toEqual(['clients.a.retires', 'clients.a.maxRedirects']);
  });

  it('says that there is no file', async () => {
    expect(await pillion('explain', '/nowhere/clients.yaml', 'a')).toEqual({
      code: 1,
      stdout: '',
      stderr: '/nowhere/clients.yaml there is no such file\n',
    });
  });

  it.each([
    [['clients.yaml'], 'an operand is missing'],
    [['clients.yaml', 'a', 'b'], 'too many operands: "b" is not expected'],
    [['clients.yaml', 'a', '--strict'], "Unknown option '--strict'"],
  ])('is wrong use with %j', async (args, why) => {
    const { code, stdout, stderr } = await pillion('explain', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(`pillion: ${why}\n\nUsage: pillion explain FILE NAME\n`);
  });
});
