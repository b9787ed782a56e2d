import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema } from 'pillion';
import { describe, expect, it } from 'vitest';
import { version } from '../../src/version.js';
import { node, root } from './run.js';

const cli = (...args: string[]) => node(join(root, 'dist/cli.js'), ...args);

describe('the command line', () => {
  it.each([[['--help']], [[]]])('prints its usage: %j', async (args) => {
    const { code, stdout, stderr } = await cli(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`pillion ${version}`);
    for (const word of ['Usage: pillion <command>', 'schema', '--version', '--help']) expect(stdout).toContain(word);
  });

  it('prints its version', async () => {
    expect(await cli('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('prints the JSON Schema of a configuration', async () => {
    const { code, stdout } = await cli('schema');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(configJsonSchema());
  });

  it.each([['schem'], ['help'], ['--verbose'], ['']])('does not know %j, says so and fails', async (command) => {
    const { code, stdout, stderr } = await cli(command);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`unknown command "${command}"`);
    expect(stderr).toContain('Usage: pillion <command>');
  });

  it('is a program for Node', () => {
    expect(readFileSync(join(root, 'dist/cli.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
