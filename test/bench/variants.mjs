/**
 * What is compared. Each `make({ origin, tls })` gives (a promise of) a function that prepares a request of `cases.mjs`, and
 * that gives the function that sends it once and resolves to the answer. The first is what the others are compared with.
 */
import { axiosFetch, bareAxios, handGlued } from './axios-variants.mjs';
import { has, versionOf } from './libraries.mjs';
import { bareGot, bareKy, bareUndici, cockatielUndici, globalFetch, undiciInterceptors } from './other-variants.mjs';
import { bareAdapter, fullStack, hasAdapter, withoutPolicies } from './pillion-variants.mjs';

export const variants = {
  axios: { title: 'axios, http adapter', of: ['axios'], make: bareAxios },
  'axios-fetch': { title: 'axios, fetch adapter', of: ['axios'], make: axiosFetch },
  glued: {
    title: 'axios + axios-retry + opossum + pino',
    of: ['axios', 'axios-retry', 'opossum', 'pino'],
    make: handGlued,
  },
  got: { title: 'got', of: ['got'], make: bareGot },
  ky: { title: 'ky', of: ['ky'], make: bareKy },
  fetch: { title: 'fetch', of: [], make: globalFetch },
  undici: { title: 'undici.request', of: ['undici'], make: bareUndici },
  'undici-more': { title: 'undici, interceptors dns and retry', of: ['undici'], make: undiciInterceptors },
  cockatiel: { title: 'cockatiel + undici', of: ['cockatiel', 'undici'], make: cockatielUndici },
  adapter: { title: 'axios, pillion adapter', of: ['axios'], make: bareAdapter, own: true, lacks: !hasAdapter },
  pillion: { title: 'pillion, standard stack', of: [], make: fullStack, own: true },
  off: { title: 'pillion, every policy off', of: [], make: withoutPolicies, own: true },
};

/** Why a variant cannot be run here; undefined where it can. */
export function missing({ of, lacks }) {
  if (lacks) return 'pillion has no createUndiciAdapter';
  const absent = of.find((name) => !has(name));
  return absent && `the package ${absent} is not installed`;
}

/** The title with the versions of its libraries. */
export function versioned({ title, of }) {
  return of.length === 0 ? title : `${title} (${of.map(versionOf).join(', ')})`;
}
