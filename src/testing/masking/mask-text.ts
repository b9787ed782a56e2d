/** Masks secrets inside text: credentials, cookies, private keys, and values with the name of a secret. */

type Hide = (secret: string) => string;

const schemes = /^(basic|bearer|digest|negotiate|dpop|token|aws4-hmac-sha256)\s+(.+)$/is;

/** Masks the value of a header such as `Authorization`, except for its scheme. */
export function maskCredentials(value: string, hide: Hide): string {
  const [, scheme, secret] = schemes.exec(value) ?? [];
  return scheme === undefined || secret === undefined ? hide(value) : `${scheme} ${hide(secret)}`;
}

/** Masks the value of a `Set-Cookie` header, except for the cookie's name and attributes. */
export function maskCookies(value: string, hide: Hide): string {
  const [pair = '', ...attributes] = value.split(';');
  const equals = pair.indexOf('=');
  const shown = equals < 0 ? hide(pair) : `${pair.slice(0, equals)}=${hide(pair.slice(equals + 1))}`;
  return [shown, ...attributes].join(';');
}

/** `https://user:password@host`. Repetitions are bounded, so that a long text cannot take quadratic time. */
const userinfo = /([a-z][a-z\d+.-]{0,30}:\/\/)([^\s/@"'<>?#]{1,1024})@/gi;
/** `name=value`, as in queries, forms, cookies and URL fragments of redirects. */
const pair = /([\w.%[\]-]{1,64})=((?:(?!#[\w.%[\]-]{1,64}=)[^&\s"'<>;,])+)/g;
/** `"name": "value"`, as in JSON inside text: NDJSON, server-sent events, JSON in JSON. */
const member = /"((?:[^"\\]|\\.){1,64})"(\s*:\s*)"((?:[^"\\]|\\.)*)"/g;
/** `<name>value</name>` */
const element = /<([\w:.-]{1,64})((?:\s[^<>]*)?)>([^<>]+)<\/\1>/g;
/** Credentials with their scheme, as in a header value inside text. */
const credentials = /\b(bearer|basic)(\s+)([\w.~+/=-]{16,})/gi;
/** A JSON Web Token, always masked (RFC 7519: three parts in base64url, the first a JSON object). */
const jwt = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;
const privateKey = /-----BEGIN ([A-Z ]{0,20}PRIVATE KEY)-----(?:[^-]|-(?!----))*-----END \1-----/g;

/** Masks all secrets in a text; `tells` is true for the names of secrets. */
export function maskTexts(text: string, tells: (name: string) => boolean, hide: Hide): string {
  return text
    .replace(privateKey, hide)
    .replace(userinfo, (_, scheme: string, secret: string) => `${scheme}${hide(secret)}@`)
    .replace(member, (all, name: string, colon: string, value: string) =>
      tells(name) ? `"${name}"${colon}"${hide(value)}"` : all,
    )
    .replace(element, (all, name: string, attributes: string, value: string) =>
      tells(name) ? `<${name}${attributes}>${hide(value)}</${name}>` : all,
    )
    .replace(pair, (all, name: string, value: string) => (tells(unescaped(name)) ? `${name}=${hide(value)}` : all))
    .replace(credentials, (_, scheme: string, space: string, secret: string) => `${scheme}${space}${hide(secret)}`)
    .replace(jwt, hide);
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
