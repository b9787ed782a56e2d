/** Redacts URLs for logs, spans and errors. */

/** The URL without credentials, query values and fragment, for logs, spans and errors. */
export function redactUrl(url: string): string {
  const end = url.search(/[?#]/);
  const path = (end < 0 ? url : url.slice(0, end)).replace(/^([a-z][a-z\d+\-.]*:)?\/\/[^/]*@/i, '$1//REDACTED@');
  return end < 0 || url[end] === '#' ? path : path + redactQuery(url.slice(end));
}

/** A text, such as the message of an error, with the URLs in it redacted. */
export function redactText(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(/\b[a-z][a-z\d+\-.]*:\/\/[^\s"'`<>]+/gi, redactUrl);
}

/**
 * A regular expression's text, cut where query values may begin: after a question mark that stands for itself, or after
 * an equals sign that is no lookaround's.
 */
export function redactPattern(pattern: string): string {
  return pattern.replace(/(\\\?|\[[^\]]*\?[^\]]*\]|\\x3f|\\u003f|(?<!\(\?<?)=)[\s\S]+$/i, '$1REDACTED');
}

/** `?a=1&b=2` as `?a=REDACTED&b=REDACTED`; a fragment is dropped. */
export function redactQuery(query: string): string {
  if (query === '') return '';
  const pairs = (query.slice(1).split('#', 1)[0] ?? '').split('&');
  return `?${pairs.map(redactPair).join('&')}`;
}

function redactPair(pair: string): string {
  const equals = pair.indexOf('=');
  return equals < 0 ? 'REDACTED' : `${pair.slice(0, equals)}=REDACTED`;
}
