/** Resolves `${NAME}`, `${NAME:-default}` and `${file:/path}`: values that differ by environment or are secret. */
import { readFileSync } from 'node:fs';
import { isPlain } from '../../call/own.js';
import type { OptionFault } from '../../options/options.js';
import type { Path } from './document.js';

/** The environment variables and files that references resolve to. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `false`: files are not read, for checking a configuration on another machine, such as in CI. Default: true. */
  readonly files?: boolean;
  /** `true`: an environment variable that is not set is not a fault. Default: false. */
  readonly withoutEnv?: boolean;
}

/** A string that contains references. */
export interface Reference {
  /** The string as written, before references were resolved. */
  readonly text: string;
  /** True when a part comes from a file. */
  readonly secret: boolean;
  /** True when a part could not be resolved: it was not allowed to be read, or it has a fault of its own. */
  readonly open: boolean;
}

export interface Resolved {
  readonly value: unknown;
  /** By `JSON.stringify(path)`. */
  readonly references: ReadonlyMap<string, Reference>;
  /** Paths of the files that references name. */
  readonly files: readonly string[];
  readonly faults: readonly OptionFault[];
}

/** Returns a copy of `value` in which every reference is replaced by its value. */
export function resolveReferences(value: unknown, surroundings: Surroundings): Resolved {
  const resolver = new Resolver(surroundings);
  return { value: resolver.copy(value, []), ...resolver.found };
}

const pattern = /\$\$\{|\$\{([^}]*)(\}?)/g;
const variable = /^([A-Za-z_]\w*)(:-(.*))?$/s;
const deepest = 64;

class Resolver {
  readonly found = { references: new Map<string, Reference>(), files: [] as string[], faults: [] as OptionFault[] };
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  copy(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return value.includes('${') ? this.#replaced(value, path) : value;
    if (path.length > deepest) return this.#fault(path, `is nested deeper than ${deepest} levels`);
    if (Array.isArray(value)) return value.map((item, index) => this.copy(item, [...path, index]));
    if (!isPlain(value)) return value;
    const copied: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      if (key === '__proto__') this.#fault(path, `"${key}" is not allowed as a key`);
      else copied[key] = this.copy(inner, [...path, key]);
    }
    return copied;
  }

  #replaced(text: string, path: Path): string {
    const reference = { text, secret: false, open: false };
    const value = text.replace(pattern, (whole, name: string | undefined, end: string) => {
      if (name === undefined) return '${';
      const part = end === '' ? this.#bad(path) : this.#lookUp(name, path, reference);
      if (part === undefined) reference.open = true;
      return part ?? whole;
    });
    if (value !== text || reference.open) this.found.references.set(JSON.stringify(path), reference);
    return value;
  }

  #lookUp(name: string, path: Path, reference: { secret: boolean }): string | undefined {
    if (name.startsWith('file:')) {
      reference.secret = true;
      return this.#file(name.slice(5).trim(), path);
    }
    const [, key = '', , otherwise] = variable.exec(name) ?? [];
    if (key === '') return this.#bad(path);
    const value = this.#surroundings.env[key];
    if (value !== undefined && !(value === '' && otherwise !== undefined)) return value;
    if (otherwise !== undefined) return otherwise;
    if (this.#surroundings.withoutEnv) return undefined;
    return this.#fault(path, `the environment variable ${key} is not set; set it, or write \${${key}:-default}`);
  }

  #file(file: string, path: Path): string | undefined {
    if (file === '') return this.#bad(path);
    this.found.files.push(file);
    if (this.#surroundings.files === false) return undefined;
    try {
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return this.#fault(path, code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${code})`);
    }
  }

  #bad(path: Path): undefined {
    const forms = '${NAME}, ${NAME:-default}, ${file:/path}';
    return this.#fault(path, `has an invalid reference; valid forms are ${forms}; for a literal \${ write $\${`);
  }

  #fault(path: Path, message: string): undefined {
    this.found.faults.push({ path, message });
    return undefined;
  }
}

/** Only the references of a text, without their defaults and the text around them, which may be secret. */
export function referencesIn(text: string): string {
  const found = [...text.matchAll(pattern)].flatMap(([, name, end]) =>
    name === undefined || end === '' ? [] : [name],
  );
  return found.map((name) => `\${${name.startsWith('file:') ? name : name.replace(/:-.*/s, '')}}`).join(' ');
}

/** Converts text to the number or boolean it spells: `${MAX}` resolves to text, but the option may take a number. */
export function scalarIn(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Replaces the text at `path` by the number or boolean it spells; returns false if it spells neither. */
export function putScalar(options: Record<string, unknown>, path: Path): boolean {
  let holder: unknown = options;
  for (const key of path.slice(0, -1)) holder = (holder as Record<PropertyKey, unknown> | undefined)?.[key];
  if (typeof holder !== 'object' || holder === null) return false;
  const key = path.at(-1) ?? '';
  const text = (holder as Record<PropertyKey, unknown>)[key];
  const value = typeof text === 'string' ? scalarIn(text) : text;
  if (value === text) return false;
  (holder as Record<PropertyKey, unknown>)[key] = value;
  return true;
}
