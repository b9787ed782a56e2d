import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../package/run.js';
import { files } from '../support/files.js';
import { yaml } from './checks/texts.js';
import { pillion, pillionWith, program, without } from './pillion.js';

const good = yaml`
  clients:
    users: { baseURL: https://users.test }
`;
const two = yaml`
  clients:
    users: { baseURL: https://users.test }
    billing: { baseURL: https://billing.test }
`;
const doubtful = yaml`
  clients:
    users: { baseURL: https://users.test, retry: { budget: false } }
`;
const broken = yaml`
  clients:
    users:
      retry: { budget: false }
    billing:
      retires: 3
      maxRedirects: many
`;
const referring = yaml`
  clients:
    users:
      baseURL: https://\${USERS_HOST}
      headers: { authorization: "Bearer \${file:/nowhere/token}" }
      tls: { ca: /nowhere/ca.crt }
`;
const warning = 'warning: without a budget, retries multiply the load on a failing upstream';

/** `pillion check` of files with these contents; `@` is their folder. */
async function check(contents: Record<string, string>, ...flags: string[]) {
  const paths = Object.values<string>(files(contents));
  const { code, stdout, stderr } = await pillion('check', ...paths, ...flags);
  const folder = dirname(paths[0] ?? '');
  return { code, stdout: without(folder, stdout), stderr: without(folder, stderr) };
}

describe('pillion check', () => {
  it('counts the clients of a file without a fault', async () => {
    expect(await check({ 'a.yaml': good })).toEqual({
      code: 0,
      stdout: '@/a.yaml: 1 client, no problems found\n',
      stderr: '',
    });
    expect(await check({ 'a.yaml': two })).toMatchObject({
      code: 0,
      stdout: '@/a.yaml: 2 clients, no problems found\n',
    });
  });

  it('prints every fault with its place, the warnings after the errors, and fails', async () => {
    expect(await check({ 'a.yaml': broken })).toEqual({
      code: 1,
      stdout: [
        '@/a.yaml:5:5 clients.billing.retires unknown option, did you mean "retry"?',
        '@/a.yaml:6:19 clients.billing.maxRedirects expected a whole number from 0 to 50',
        `@/a.yaml:3:22 clients.users.retry.budget ${warning}`,
        '@/a.yaml: 2 errors, 1 warning\n',
      ].join('\n'),
      stderr: '',
    });
  });

  it('does not fail for a warning', async () => {
    expect(await check({ 'a.yaml': doubtful })).toEqual({
      code: 0,
      stdout: `@/a.yaml:2:58 clients.users.retry.budget ${warning}\n@/a.yaml: 1 warning\n`,
      stderr: '',
    });
  });

  it('fails for a warning with --strict, and says the same', async () => {
    const lenient = await check({ 'a.yaml': doubtful });
    expect(await check({ 'a.yaml': doubtful }, '--strict')).toEqual({ ...lenient, code: 1 });
    expect(await check({ 'a.yaml': good }, '--strict')).toMatchObject({ code: 0 });
  });

  it('takes several files, and fails where one of them has an error', async () => {
    expect(await check({ 'a.yaml': good, 'b.yaml': 'clients: {}', 'c.json': '{"clients":{"a":{}}}' })).toEqual({
      code: 1,
      stdout: [
        '@/a.yaml: 1 client, no problems found',
        '@/b.yaml:1:1 clients expected at least one client, by name',
        '@/b.yaml: 1 error',
        '@/c.json: 1 client, no problems found\n',
      ].join('\n'),
      stderr: '',
    });
  });

  it('says so where a file is not there or cannot be read, and goes on with the others', async () => {
    const { 'a.yaml': path } = files({ 'a.yaml': good });
    const { code, stdout, stderr } = await pillion('check', '/nowhere/clients.yaml', '/tmp', path);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: [
        '/nowhere/clients.yaml there is no such file',
        '/nowhere/clients.yaml: 1 error',
        '/tmp cannot be read (EISDIR)',
        '/tmp: 1 error',
        `${path}: 1 client, no problems found\n`,
      ].join('\n'),
      stderr: '',
    });
  });

  it('says what is wrong with YAML that cannot be read', async () => {
    expect(await check({ 'a.yaml': 'clients: { a: {}\n' })).toMatchObject({
      code: 1,
      stdout:
        '@/a.yaml:2:1 flow map in block collection must be sufficiently indented and end with a }\n@/a.yaml: 1 error\n',
    });
  });
});

describe('pillion check on another machine', () => {
  const unset =
    '@/a.yaml:3:14 clients.users.baseURL the environment variable USERS_HOST is not set; set it, or write ${USERS_HOST:-default}';
  const missing = '@/a.yaml:4:31 clients.users.headers.authorization there is no file /nowhere/token';
  const ca = '@/a.yaml:5:16 clients.users.tls.ca (/nowhere/ca.crt): there is no such file';

  it('has errors for variables that are not set and files that are not there', async () => {
    expect(await check({ 'a.yaml': referring })).toEqual({
      code: 1,
      stdout: [unset, missing, ca, '@/a.yaml: 3 errors\n'].join('\n'),
      stderr: '',
    });
  });

  it('reads the variables that are set', async () => {
    const { 'a.yaml': path } = files({ 'a.yaml': 'clients: { a: { maxRedirects: "${MOST}" } }' });
    expect(await pillionWith(['MOST=5'], 'check', path)).toMatchObject({ code: 0 });
    expect(await pillionWith(['MOST=500'], 'check', path)).toMatchObject({
      code: 1,
      stdout: `${path}:1:31 clients.a.maxRedirects Too big: expected number to be <=50; it comes from \${MOST}\n${path}: 1 error\n`,
    });
  });

  it('needs no variables with --no-env', async () => {
    const { stdout } = await check({ 'a.yaml': referring }, '--no-env');
    expect(stdout).toBe([missing, ca, '@/a.yaml: 2 errors\n'].join('\n'));
  });

  it('reads no files with --no-files', async () => {
    const { stdout } = await check({ 'a.yaml': referring }, '--no-files');
    expect(stdout).toBe([unset, '@/a.yaml: 1 error\n'].join('\n'));
  });

  it('needs nothing with both', async () => {
    expect(await check({ 'a.yaml': referring }, '--no-files', '--no-env')).toEqual({
      code: 0,
      stdout: '@/a.yaml: 1 client, no problems found\n',
      stderr: '',
    });
  });
});

describe('pillion check --json', () => {
  it('prints one object: whether all is well, and of each file its errors, its warnings and its clients', async () => {
    const { code, stdout, stderr } = await check({ 'a.yaml': broken, 'b.yaml': two }, '--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      files: [
        {
          file: '@/a.yaml',
          errors: [
            {
              file: '@/a.yaml',
              line: 5,
              column: 5,
              path: 'clients.billing.retires',
              message: 'unknown option, did you mean "retry"?',
            },
            {
              file: '@/a.yaml',
              line: 6,
              column: 19,
              path: 'clients.billing.maxRedirects',
              message: 'expected a whole number from 0 to 50',
            },
          ],
          warnings: [
            {
              file: '@/a.yaml',
              line: 3,
              column: 22,
              path: 'clients.users.retry.budget',
              message: 'without a budget, retries multiply the load on a failing upstream',
            },
          ],
          clients: ['users', 'billing'],
        },
        { file: '@/b.yaml', errors: [], warnings: [], clients: ['users', 'billing'] },
      ],
    });
  });

  it('is well where there are warnings only, unless it is strict', async () => {
    const ok = async (...flags: string[]) => {
      const { code, stdout } = await check({ 'a.yaml': doubtful }, '--json', ...flags);
      return { code, ok: JSON.parse(stdout).ok };
    };
    expect(await ok()).toEqual({ code: 0, ok: true });
    expect(await ok('--strict')).toEqual({ code: 1, ok: false });
  });

  it('has no line for a file that is not there', async () => {
    const { stdout } = await pillion('check', '/nowhere/clients.yaml', '--json');
    const error = { file: '/nowhere/clients.yaml', path: '', message: 'there is no such file' };
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      files: [{ file: '/nowhere/clients.yaml', errors: [error], warnings: [], clients: [] }],
    });
  });
});

describe('pillion check --github', () => {
  it('prints an annotation for each fault, and nothing else', async () => {
    const budget = 'without a budget, retries multiply the load on a failing upstream';
    expect(await check({ 'a.yaml': broken, 'b.yaml': two }, '--github')).toEqual({
      code: 1,
      stdout: [
        '::error file=@/a.yaml,line=5,col=5,title=pillion::clients.billing.retires unknown option, did you mean "retry"?',
        '::error file=@/a.yaml,line=6,col=19,title=pillion::clients.billing.maxRedirects expected a whole number from 0 to 50',
        `::warning file=@/a.yaml,line=3,col=22,title=pillion::clients.users.retry.budget ${budget}\n`,
      ].join('\n'),
      stderr: '',
    });
    expect(await check({ 'b.yaml': two }, '--github')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('escapes percent signs and line ends in a message, and colons and commas in the name of a file', async () => {
    const text = '{"clients": {"a": {"retry:\\n::error,100%\\r": 1}}}';
    const { stdout } = await check({ 'a:b,c%.json': text }, '--github');
    expect(stdout.slice(0, stdout.indexOf(' unknown'))).toBe(
      '::error file=@/a%3Ab%2Cc%25.json,line=1,col=20,title=pillion::clients.a.retry:%0A::error,100%25%0D',
    );
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  it('has no line for a file that is not there', async () => {
    expect(await pillion('check', '/nowhere/clients.yaml', '--github')).toEqual({
      code: 1,
      stdout: '::error file=/nowhere/clients.yaml,title=pillion::there is no such file\n',
      stderr: '',
    });
  });
});

describe('pillion check before a reader that goes away', () => {
  it.each(['', '--json', '--github'])('ends as it would have, without a word: %s', async (flag) => {
    const { 'a.yaml': path } = files({ 'a.yaml': broken });
    const command = `{ '${process.execPath}' '${program}' check ${`'${path}' `.repeat(200)} ${flag}; echo "code $?" >&2; } | true`;
    expect(await run('sh', '-c', command)).toEqual({ code: 0, stdout: '', stderr: 'code 1\n' });
  });
});

describe('pillion check used wrongly', () => {
  it.each([
    [[], 'an operand is missing'],
    [['--json', '--github', 'a.yaml'], '--json and --github exclude each other'],
    [['--quiet', 'a.yaml'], "Unknown option '--quiet'"],
    [['-s', 'a.yaml'], "Unknown option '-s'"],
    [['--strict=yes', 'a.yaml'], "Option '--strict' does not take an argument"],
  ])('says so, prints its usage and gives 2: %j', async (args, why) => {
    const { code, stdout, stderr } = await pillion('check', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(`pillion: ${why}\n\nUsage: pillion check FILE...\n`);
  });

  it('takes what stands behind -- for a file', async () => {
    expect(await pillion('check', '--', '--strict')).toMatchObject({
      code: 1,
      stdout: '--strict there is no such file\n--strict: 1 error\n',
    });
  });
});
