/** How a URL may be shown in logs, spans and errors. */

/** The URL without credentials, query values and fragment: fit for logs, spans and errors. */
export function redactUrl(url: string): string {
  const end = url.search(/[?#]/);
  const path = (end < 0 ? url : url.slice(0, end)).replace(/^([a-z][a-z\d+\-.]*:)?\/\/[^/]*@/i, '$1//REDACTED@');
  if (end < 0 || url[end] === '#') return path;
  const query = url.slice(end + 1).split('#', 1)[0] ?? '';
  const keys = query
    .split('&')
    .map((pair) => (pair.includes('=') ? `${pair.slice(0, pair.indexOf('='))}=REDACTED` : 'REDACTED'));
  return `${path}?${keys.join('&')}`;
}
