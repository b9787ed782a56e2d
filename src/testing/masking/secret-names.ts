/** Recognises names of secrets among headers, query parameters and fields, whatever their spelling. */

/** The kind of a name: `key` is a secret in a query, but mostly not in JSON. */
export type NamePlace = 'header' | 'parameter' | 'field';

/** Words that mark a secret anywhere in a name. */
const words = new Set([
  ...['auth', 'authorization', 'bearer', 'jwt', 'saml', 'assertion', 'verifier'],
  ...['pass', 'pwd', 'pin', 'otp', 'totp', 'mfa', 'sig', 'hmac', 'csrf', 'xsrf', 'sid'],
  ...['cvv', 'cvc', 'ssn', 'iban'],
]);

/** Endings that mark a secret, also of words written as one: `access_token`, `accessToken`, `accesstoken`. */
const endings =
  /(password|passwd|passphrase|passcode|secret|token|apikey|accesskey|secretkey|privatekey|authkey|signature|credentials?|cookies?|session(id|key)?|sessid|cardnumber|samlresponse|otp)$/;

/** Last words that mark a value about a secret rather than a secret, such as `token_type`. */
const about = new Set([
  ...['type', 'count', 'limit', 'length', 'size', 'policy', 'endpoint', 'name', 'names'],
  ...['expires', 'expiry', 'expiration', 'expired', 'ttl', 'at', 'in', 'valid', 'required', 'enabled'],
]);

/** Whole names that are secrets for one kind only: an API key in a query, the code of an OAuth redirect. */
const whole: Readonly<Record<NamePlace, ReadonlySet<string>>> = {
  header: new Set(),
  parameter: new Set(['key', 'code']),
  field: new Set(),
};

/** The words of a name, the same for `clientSecret`, `X-Client-Secret` and `client[secret]`. */
function wordsOf(name: string): string[] {
  const spaced = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter(Boolean);
}

/** True for the name of a secret. */
export function tellsOfSecret(name: string, place: NamePlace): boolean {
  const parts = wordsOf(name);
  const last = parts.at(-1) ?? '';
  if (about.has(last)) return false;
  if (place === 'header' && last === 'key') return true;
  const joined = parts.join('');
  return (
    whole[place].has(joined) || endings.test(joined) || parts.some((word) => words.has(word) || endings.test(word))
  );
}

/** A name in lower case without separators, for comparison with names in options. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
