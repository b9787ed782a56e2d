import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema } from 'pillion';
import { describe, expect, it } from 'vitest';
import { version } from '../../src/call/version.js';
import { clientsJsonSchema } from '../../src/registry/file/json-schema.js';
import { node, root } from './run.js';

const cli = (...args: string[]) => node(join(root, 'dist/esm/cli/pillion.js'), ...args);

/** Of each command how it is used, and its options. */
const commands = {
  check: ['pillion check FILE...', '--strict', '--json', '--github', '--no-env', '--no-files'],
  explain: ['pillion explain FILE NAME', '--json'],
  probe: ['pillion probe FILE NAME', '--json'],
  schema: ['pillion schema', '--client'],
} as const;

describe('the command line', () => {
  it.each([[['--help']], [[]]])('prints its usage: %j', async (args) => {
    const { code, stdout, stderr } = await cli(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`pillion ${version}\n\nUsage: pillion <command>\n`);
    for (const command of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${command}\\b.*  \\S`, 'm'));
    for (const option of ['--version', '--help']) expect(stdout).toMatch(new RegExp(`^  ${option}  +\\S`, 'm'));
  });

  it.each(Object.entries(commands))('prints the usage of %s', async (command, [use, ...options]) => {
    const { code, stdout, stderr } = await cli(command, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')[0]).toBe(`Usage: ${use}`);
    expect(stdout.match(/^ {2}--\S+/gm)?.map((line) => line.trim())).toEqual(options);
    expect(await cli(command, 'operand', '--help', '--unknown')).toEqual({ code, stdout, stderr });
  });

  it('prints its version', async () => {
    expect(await cli('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('prints the JSON Schema of a file of clients', async () => {
    const { code, stdout } = await cli('schema');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(clientsJsonSchema());
    expect(stdout).toBe(readFileSync(join(root, 'dist/schema.json'), 'utf8'));
  });

  it('prints the JSON Schema of the options of one client', async () => {
    const { code, stdout } = await cli('schema', '--client');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(configJsonSchema());
  });

  it.each(['schem', 'help', '--verbose', '', '-h', '__proto__', 'constructor'])(
    'does not know %j, says so and fails',
    async (command) => {
      const { code, stdout, stderr } = await cli(command);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`pillion: unknown command "${command}"\n`);
      expect(stderr).toContain('Usage: pillion <command>');
    },
  );

  it.each([
    [['schema', 'clients.yaml'], 'too many operands: "clients.yaml" is not expected'],
    [['schema', '--json'], "Unknown option '--json'"],
    [['probe', 'clients.yaml'], 'an operand is missing'],
    [['probe', 'a', 'b', 'c'], 'too many operands: "c" is not expected'],
  ])('says how a command is used where it is used wrongly: %j', async (args, why) => {
    const { code, stdout, stderr } = await cli(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(`pillion: ${why}\n\nUsage: pillion ${args[0]}`);
  });

  it('is a program for Node', () => {
    expect(readFileSync(join(root, 'dist/esm/cli/pillion.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
