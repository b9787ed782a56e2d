/** Which names tell of a secret: of headers, query parameters and fields, however they are spelt. */

/** Where a name stands: `key` is a secret in a query and mostly none in JSON. */
export type NamePlace = 'header' | 'parameter' | 'field';

/** Telling wherever they stand in a name. */
const words = new Set([
  ...['auth', 'authorization', 'bearer', 'jwt', 'saml', 'assertion', 'verifier'],
  ...['pass', 'pwd', 'pin', 'otp', 'totp', 'mfa', 'sig', 'hmac', 'csrf', 'xsrf', 'sid'],
  ...['cvv', 'cvc', 'ssn', 'iban'],
]);

/** Telling at the end of a word, or of several written as one: `access_token`, `accessToken`, `accesstoken`. */
const endings =
  /(password|passwd|passphrase|passcode|secret|token|apikey|accesskey|secretkey|privatekey|authkey|signature|credentials?|cookies?|session(id|key)?|sessid|cardnumber|samlresponse|otp)$/;

/** Behind a telling word: about the secret, not the secret. */
const about = new Set([
  ...['type', 'count', 'limit', 'length', 'size', 'policy', 'endpoint', 'name', 'names'],
  ...['expires', 'expiry', 'expiration', 'expired', 'ttl', 'at', 'in', 'valid', 'required', 'enabled'],
]);

/** Whole names that are secrets in one place only: an API key in a query, the code of an OAuth redirect. */
const whole: Readonly<Record<NamePlace, ReadonlySet<string>>> = {
  header: new Set(),
  parameter: new Set(['key', 'code']),
  field: new Set(),
};

/** `clientSecret`, `X-Client-Secret` and `client[secret]` alike. */
function wordsOf(name: string): string[] {
  const spaced = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter(Boolean);
}

/** True where a name says that its value is a secret. */
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

/** A name as options have it: case and separators do not count. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
