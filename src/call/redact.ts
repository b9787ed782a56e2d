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
  // From the colon on: a search for whole URLs would take a minute for a text of a megabyte.
  return text.replace(/:\/\/[^\s"'`<>]+/g, (rest) => redactUrl(`x${rest}`).slice(1));
}

/** As `redactText`, at most `max` characters long. What is left of a long text is a copy, so that nothing holds on to the rest. */
export function shortText(text: string, max: number): string {
  // A URL that is cut may have lost the sign by which its password is known, so it is left out as a whole.
  const cut = text.length > 4 * max ? text.slice(0, 4 * max).replace(/\S*:\/\/\S*$/, '…') : text;
  const short = redactText(cut);
  if (short.length <= max && cut === text) return short;
  return Buffer.from(short.length > max ? `${short.slice(0, max - 1)}…` : short).toString();
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
