/** Reads which requests an Envoy route matches, and how it rewrites their path and Host header. */
import type { Draft, Reader } from './reader.js';

/**
 * The prefix that a route matches. Nothing else of a match is kept, because the caller picks the client by its name.
 */
export function readMatch(route: Reader, draft: Draft): string {
  const match = route.get('match');
  if (match === undefined) return '/';
  const prefix = match.get('prefix')?.text();
  const all = prefix === '/' && Object.keys((match.value ?? {}) as object).length === 1;
  if (all) match.exact(draft, 'baseURL');
  else match.whole().differs(draft, '', 'the caller picks the client by its name; requests are not matched');
  return prefix ?? match.get('path_separated_prefix')?.text() ?? '/';
}

export function readRewrites(action: Reader, prefix: string, draft: Draft): string {
  action.get('append_x_forwarded_host')?.unmapped('x-forwarded-host is not sent: set it in headers');
  action.get('regex_rewrite')?.unmapped('the caller has to use the path that the server expects');
  const rewrite = action.get('prefix_rewrite');
  if (rewrite === undefined) return '';
  const path = (rewrite.text() ?? '').replace(/\/$/, '');
  if (!/^(\/[^\s?#]*)?$/.test(path)) {
    rewrite.unmapped('it is not a path that begins with /: write it into baseURL');
    return '';
  }
  rewrite.differs(draft, 'baseURL', `the caller has to leave out the prefix ${prefix}`);
  return path;
}
