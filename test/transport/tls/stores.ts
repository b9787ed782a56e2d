/** Certificate files and the four ways in which they are replaced in practice. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Identity } from '../../support/certificates.js';

export type Pair = Pick<Identity, 'cert' | 'key'>;

export interface Store {
  readonly cert: string;
  readonly key: string;
  put(pair: Pair): void;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pillion-identity-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** As the kubelet does with a secret or a projected volume: `tls.crt -> ..data/tls.crt`, and `..data` is swapped. */
export function kubernetes(first: Pair): Store {
  const mount = folder();
  let version = 0;
  const put = ({ cert, key }: Pair) => {
    const old = join(mount, `..v${version}`);
    const data = join(mount, `..v${++version}`);
    mkdirSync(data);
    writeFileSync(join(data, 'tls.crt'), cert);
    writeFileSync(join(data, 'tls.key'), key);
    symlinkSync(`..v${version}`, join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    rmSync(old, { recursive: true, force: true });
  };
  put(first);
  symlinkSync('..data/tls.crt', join(mount, 'tls.crt'));
  symlinkSync('..data/tls.key', join(mount, 'tls.key'));
  return { cert: join(mount, 'tls.crt'), key: join(mount, 'tls.key'), put };
}

/** As certbot and some cert-manager drivers do: each file is a link into an archive, and each link is replaced. */
export function archive(first: Pair): Store {
  const live = folder();
  const past = folder();
  let version = 0;
  const link = (name: string, content: string) => {
    writeFileSync(join(past, `${version}-${name}`), content);
    symlinkSync(join(past, `${version}-${name}`), join(live, `${name}.new`));
    renameSync(join(live, `${name}.new`), join(live, name));
  };
  const put = ({ cert, key }: Pair) => {
    version++;
    link('tls.crt', cert);
    link('tls.key', key);
  };
  put(first);
  return { cert: join(live, 'tls.crt'), key: join(live, 'tls.key'), put };
}

/** A new file renamed over the old one. */
export function renamed(first: Pair): Store {
  const here = folder();
  const replace = (name: string, content: string) => {
    writeFileSync(join(here, `${name}.new`), content);
    renameSync(join(here, `${name}.new`), join(here, name));
  };
  const put = ({ cert, key }: Pair) => {
    replace('tls.crt', cert);
    replace('tls.key', key);
  };
  put(first);
  return { cert: join(here, 'tls.crt'), key: join(here, 'tls.key'), put };
}

/** The same file written again. */
export function inPlace(first: Pair): Store {
  const here = folder();
  const put = ({ cert, key }: Pair) => {
    writeFileSync(join(here, 'tls.crt'), cert);
    writeFileSync(join(here, 'tls.key'), key);
  };
  put(first);
  return { cert: join(here, 'tls.crt'), key: join(here, 'tls.key'), put };
}

export const stores = [
  ['a ..data symlink swap', kubernetes],
  ['a link replaced', archive],
  ['a rename', renamed],
  ['a write in place', inPlace],
] as const;
