/** The health indicator with Terminus 10, 11 and 12, compiled with all declarations checked, and asked over HTTP. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { node, root } from '../package/run.js';
import { compile, install, pack, temporary } from '../package/tarball.js';

const { folder, remove } = temporary('terminus');
let tarball: string;

beforeAll(async () => {
  tarball = await pack(folder);
}, 60_000);
afterAll(remove, 60_000);

/** The compiler options of a project of `nest new`, libraries checked. */
const compilerOptions = {
  ...{ target: 'ES2022', module: 'NodeNext', strict: true, skipLibCheck: false, outDir: 'out', rootDir: 'src' },
  ...{ experimentalDecorators: true, emitDecoratorMetadata: true },
  ...{ types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
};

describe.each([10, 11, 12])('with Terminus %d', (major) => {
  it('compiles, tells the health of an HttpModule, and failures of its upstream are 502', async () => {
    const home = join(folder, `terminus-${major}`);
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    cpSync(join(root, 'test/projects/nest-terminus'), join(home, 'src'), { recursive: true });
    const nest = ['common', 'core', 'platform-express', 'terminus'].map((name) => `@nestjs/${name}@${major}`);
    await install(home, tarball, ...nest, 'rxjs@7', 'reflect-metadata@0.2', 'axios@1', '@opentelemetry/api@1.9');
    await compile(home);
    const { stdout, stderr } = await node(join(home, 'out/main.js'));
    expect(stderr).toBe('');
    const closed = { status: 'error', legacy: ['the client is closed'] };
    const { closed: read, ...told } = JSON.parse(stdout);
    expect(told).toEqual({
      up: { code: 200, status: 'up' },
      refused: { code: 502 },
      open: { code: 200, status: 'up', legacy: ['the circuit is forced open'] },
      // Terminus 12 takes no rejection for a result.
      thrown: major === 12 ? { code: 500 } : { code: 503, ...closed, status: 'down' },
      apart: true,
    });
    // Terminus 10 reads no status.
    expect(read).toEqual({ code: major === 10 ? 200 : 503, ...closed, status: 'down' });
  }, 180_000);
});
