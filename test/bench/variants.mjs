/**
 * What is compared. Each `make({ origin, tls })` gives (a promise of) a function that prepares a request of `cases.mjs`, and
 * that gives the function that sends it once and resolves to the answer. The first is what the others are compared with.
 */
import { axiosFetch, bareAxios, handGlued } from './axios-variants.mjs';
import { bareGot, bareKy, bareUndici, globalFetch } from './other-variants.mjs';
import { bareAdapter, fullStack, hasAdapter, withoutPolicies } from './pillion-variants.mjs';

export const variants = {
  axios: { title: 'axios, http adapter', make: bareAxios },
  'axios-fetch': { title: 'axios, fetch adapter', make: axiosFetch },
  glued: { title: 'axios + axios-retry + opossum + pino', make: handGlued },
  got: { title: 'got', make: bareGot, needs: 'got' },
  ky: { title: 'ky', make: bareKy, needs: 'ky' },
  fetch: { title: 'fetch', make: globalFetch },
  undici: { title: 'undici.request', make: bareUndici },
  adapter: { title: 'axios, pillion adapter', make: bareAdapter, own: true, lacks: !hasAdapter },
  pillion: { title: 'pillion, standard stack', make: fullStack, own: true },
  off: { title: 'pillion, every policy off', make: withoutPolicies, own: true },
};

/** Why a variant cannot be run here; undefined where it can. */
export function missing({ needs, lacks }) {
  if (lacks) return 'pillion has no createUndiciAdapter';
  if (needs === undefined) return undefined;
  try {
    import.meta.resolve(needs);
    return undefined;
  } catch {
    return `the package ${needs} is not installed`;
  }
}
