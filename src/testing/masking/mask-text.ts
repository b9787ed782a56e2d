/** Secrets inside of texts: credentials, cookies, and what names itself. */

type Hide = (secret: string) => string;

const schemes = /^(basic|bearer|digest|negotiate|dpop|token|aws4-hmac-sha256)\s+(.+)$/is;

/** The value of a header such as `Authorization`: its scheme stays. */
export function maskCredentials(value: string, hide: Hide): string {
  const [, scheme, secret] = schemes.exec(value) ?? [];
  return scheme === undefined || secret === undefined ? hide(value) : `${scheme} ${hide(secret)}`;
}

/** The value of a `Set-Cookie`: name and attributes stay. */
export function maskCookies(value: string, hide: Hide): string {
  const [pair = '', ...attributes] = value.split(';');
  const equals = pair.indexOf('=');
  const shown = equals < 0 ? hide(pair) : `${pair.slice(0, equals)}=${hide(pair.slice(equals + 1))}`;
  return [shown, ...attributes].join(';');
}

/** `https://user:password@host`. Every repetition has a bound: a text may be long, and must not take its time squared. */
const userinfo = /([a-z][a-z\d+.-]{0,30}:\/\/)([^\s/@"'<>?#]{1,1024})@/gi;
/** `name=value`, as in queries, forms, cookies and the fragments of redirects. */
const pair = /([\w.%[\]-]{1,64})=((?:(?!#[\w.%[\]-]{1,64}=)[^&\s"'<>;,])+)/g;
/** `"name": "value"`, as in JSON that stands in a text: NDJSON, events, JSON in JSON. */
const member = /"((?:[^"\\]|\\.){1,64})"(\s*:\s*)"((?:[^"\\]|\\.)*)"/g;
/** `<name>value</name>` */
const element = /<([\w:.-]{1,64})((?:\s[^<>]*)?)>([^<>]+)<\/\1>/g;
/** The value of a header that stands in a text. */
const credentials = /\b(bearer|basic)(\s+)([\w.~+/=-]{16,})/gi;
/** A JSON Web Token is a secret wherever it stands (RFC 7519: three parts in base64url, the first a JSON object). */
const jwt = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;
const privateKey = /-----BEGIN ([A-Z ]{0,20}PRIVATE KEY)-----(?:[^-]|-(?!----))*-----END \1-----/g;

/** A text that may hold anything. */
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
