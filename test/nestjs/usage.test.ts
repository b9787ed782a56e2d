/** What code of `@nestjs/axios` compiles with `pillion/nestjs`, and what is refused. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as theirs from '@nestjs/axios';
import type * as ours from 'pillion/nestjs';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { root } from '../package/run.js';

/** What the compiler says of `usage.ts` where the name `@nestjs/axios` stands for another module. */
function compiled(name: string, paths: Record<string, string[]>): Promise<string> {
  // Below the root, because the compiler searches packages from the folder of each file.
  const folder = join(root, 'build/nestjs-usage');
  const project = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(project));
  const config = { extends: '../../tsconfig.json', compilerOptions: { rootDir: '../..', paths } };
  writeFileSync(
    project,
    JSON.stringify({ ...config, files: ['../../test/nestjs/usage.ts'], include: ['../../src/**/*.d.ts'] }),
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', project], (_, stdout) => resolve(stdout));
  });
}

/** The public members: classes with protected members are never the same type. */
type Public<T> = { [Key in keyof T]: T[Key] };

describe('code written for @nestjs/axios', () => {
  it.each([
    ['@nestjs/axios', {}],
    ['pillion/nestjs', { '@nestjs/axios': ['../../src/nestjs/index.ts'] }],
  ])('is accepted and refused by %s as usage.ts says', async (name, paths) => {
    expect(await compiled(name.replace(/\W/g, '-'), paths)).toBe('');
  });

  it('finds the same methods of HttpService, with the same type arguments', () => {
    expectTypeOf<Public<ours.HttpService>>().toEqualTypeOf<Public<theirs.HttpService>>();
    expectTypeOf<ConstructorParameters<typeof ours.HttpService>>().toEqualTypeOf<
      ConstructorParameters<typeof theirs.HttpService>
    >();
    expectTypeOf<theirs.HttpModuleOptions>().toExtend<ours.HttpModuleOptions>();
    expectTypeOf<theirs.HttpModuleAsyncOptions>().toExtend<ours.HttpModuleAsyncOptions>();
    expectTypeOf<theirs.HttpModuleOptionsFactory>().toExtend<ours.HttpModuleOptionsFactory>();
  });
});
