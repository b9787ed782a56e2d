/** Maps the headers that Envoy's routes, virtual hosts and route configurations add and remove. */
import type { Draft, Reader } from './reader.js';

/** Headers added by route, virtual host and route configuration; the most specific level wins. */
export function readHeaders(
  levels: readonly Reader[],
  draft: Draft,
  option: string,
): Record<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const level of [...levels].reverse()) {
    for (const added of level.list('request_headers_to_add')) {
      const header = added.structure().get('header');
      const name = header?.get('key')?.text() ?? '';
      const value = (header?.get('value')?.text() ?? '').replaceAll('%%', '\0');
      if (value.includes('%'))
        added.unmapped('there are no command operators such as %…%: set such a header in a perCall policy');
      else if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[\r\n]/.test(value))
        added.unmapped('this is not a header that HTTP/1.1 can send');
      else {
        headers.set(name.toLowerCase(), value.replaceAll('\0', '%'));
        header?.structure();
        added.differs(draft, option, 'a call that sets this header itself overrides the value');
      }
    }
    level.get('request_headers_to_remove')?.unmapped('only headers set by the caller are sent: do not set these');
    for (const name of ['response_headers_to_add', 'response_headers_to_remove'])
      level.get(name)?.unmapped('change response headers in an axios interceptor');
  }
  return headers.size > 0 ? Object.fromEntries(headers) : undefined;
}
