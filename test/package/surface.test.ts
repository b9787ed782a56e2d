import * as pillion from 'pillion';
import * as admin from 'pillion/admin';
import * as metrics from 'pillion/metrics';
import * as nestjs from 'pillion/nestjs';
import * as sidecar from 'pillion/sidecar';
import * as testing from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { node } from './run.js';

const names = (module: object) => Object.keys(module).sort();

const modules: [string, object][] = [
  ['pillion', pillion],
  ['pillion/testing', testing],
  ['pillion/nestjs', nestjs],
  ['pillion/metrics', metrics],
  ['pillion/admin', admin],
  ['pillion/sidecar', sidecar],
];

const list = (module: string) => `console.log(JSON.stringify(Object.keys(${module}).sort()))`;

describe('the built package', () => {
  it.each(modules)('can be imported as %s, and lets the process end', async (name, module) => {
    const { code, stdout, stderr } = await node('--input-type=module', '-e', list(`await import('${name}')`));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(names(module));
  });

  it.each(modules)('can be required as %s from CommonJS', async (name, module) => {
    const { code, stdout, stderr } = await node('--input-type=commonjs', '-e', list(`require('${name}')`));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(names(module));
  });

  it('makes a call from CommonJS and ends by itself', async () => {
    const script = `
      const { createHttpClient } = require('pillion');
      const { createMockTransport } = require('pillion/testing');
      const transport = createMockTransport([503, { data: { ok: true } }]);
      const client = createHttpClient({ baseURL: 'http://api.test', logging: false }, { transport });
      client.get('/').then(({ data, status }) => console.log(status, data.ok, transport.requests.length));`;
    const { code, stdout } = await node('--input-type=commonjs', '-e', script);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '200 true 2\n' });
  });

  it('keeps its files to itself', async () => {
    for (const path of [
      'pillion/dist/cjs/index.js',
      'pillion/dist/esm/code/client.js',
      'pillion/client',
      'pillion/policies/retry.js',
      'pillion/testing/index.js',
    ]) {
      const { stdout } = await node('-e', `import('${path}').catch((error) => console.log(error.code))`);
      expect(stdout.trim(), path).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    }
  });

  it('shows its package.json', async () => {
    const { stdout } = await node('-p', "require('pillion/package.json').name");
    expect(stdout.trim()).toBe('pillion');
  });
});
