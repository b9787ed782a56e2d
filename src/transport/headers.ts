/** Request headers as they go on the wire. */
import type { Request } from '../policy.js';
import { version } from '../version.js';

const defaults: Readonly<Record<string, string>> = {
  'accept-encoding': 'gzip, deflate, br',
  'user-agent': `pillion/${version}`,
};

/** Name, value, name, value …: what undici takes fastest. Null, undefined and false are not sent, as in axios. */
export function requestHeaders({ headers, auth }: Request): string[] {
  const flat: string[] = [];
  const missing = new Set(Object.keys(defaults));
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    missing.delete(lower);
    if (value === null || value === undefined || value === false) continue;
    if (auth !== undefined && lower === 'authorization') continue;
    if (Array.isArray(value)) for (const each of value) flat.push(name, String(each));
    else flat.push(name, String(value));
  }
  for (const name of missing) flat.push(name, defaults[name] ?? '');
  if (auth !== undefined) {
    const credentials = Buffer.from(`${auth.username ?? ''}:${auth.password ?? ''}`).toString('base64');
    flat.push('authorization', `Basic ${credentials}`);
  }
  return flat;
}
