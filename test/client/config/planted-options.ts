/** Clients whose every option that takes text is a reference, and what the references stand for. */
import type { HttpClientsConfig } from 'pillion';
import type { Identity } from '../../support/certificates.js';
import { passphrase } from '../../support/certificates.js';
import { files } from '../../support/files.js';
import { pfx } from '../../support/pfx.js';
import { rootSchema, type Schema } from './schema-walk.js';

/** Paths of the options that take text of any kind; `0` stands for an item, `*` for a key. */
export function textOptions(schema: Schema = rootSchema, path = ''): string[] {
  const below = (inner: Schema, key: string) => textOptions(inner, path === '' ? key : `${path}.${key}`);
  const { anyOf = [], properties = {}, items, additionalProperties: others } = schema;
  return [
    ...(isText(schema) ? [path] : []),
    ...anyOf.flatMap((each) => textOptions(each, path)),
    ...Object.entries(properties).flatMap(([key, inner]) => below(inner, key)),
    ...(items ? below(items, '0') : []),
    ...(typeof others === 'object' ? below(others, '*') : []),
  ];
}

/** Durations are text too. */
function isText({ type, enum: list, const: only, pattern = '' }: Schema): boolean {
  return type === 'string' && list === undefined && only === undefined && !pattern.includes('ms|');
}

type Plant = (path: string, secret: (word: string) => string) => string;

const header: [string, (word: string) => string] = ['', (word) => `x-${word}`];

/** What there are variants of is spread over four clients. */
export function planted(identity: Identity): {
  config: HttpClientsConfig;
  paths: string[];
  env(version: number): Record<string, string>;
} {
  const given: { name: string; path: string; secret: (word: string) => string }[] = [];
  const plant: Plant = (path, secret) => {
    const name = `PLANTED_${given.length}`;
    given.push({ name, path, secret });
    return `\${${name}}`;
  };
  const text = (path: string) => plant(path, (word) => word);
  const name = (path: string) => plant(path, header[1]);
  const slash = (path: string) => plant(path, (word) => `/${word}?token=${word}`);
  const url = (path: string) => plant(path, (word) => `https://${word}:${word}@${word}.test/${word}`);
  const address = (path: string) => plant(path, (word) => `${word}.test:443`);
  const file = (path: string, content: string | Buffer) =>
    plant(path, (word) => files({ [word]: content })[word] as string);
  const match = (at: string, path: 'prefix' | 'exact' | 'regex') => ({
    methods: [text(`${at}.methods.0`)],
    path: { [path]: slash(`${at}.path.${path}`) },
    headers: { 'x-a': text(`${at}.headers.*`) },
  });
  const target = () => ({
    name: text('split.0.targets.0.name'),
    baseURL: url('split.0.targets.0.baseURL'),
    weight: 1,
    headers: { 'x-a': text('split.0.targets.0.headers.*') },
    removeHeaders: [name('split.0.targets.0.removeHeaders.0')],
  });
  const mirror = (path: 'prefix' | 'exact' | 'regex') => ({
    baseURL: url('mirror.0.baseURL'),
    match: match('mirror.0.match', path),
    headers: { 'x-a': text('mirror.0.headers.*') },
    removeHeaders: [name('mirror.0.removeHeaders.0')],
  });
  const route = (path: 'prefix' | 'exact' | 'regex') => ({
    match: match('routes.0.match', path),
    pathRewrite: { '^/a': slash('routes.0.pathRewrite.*') },
    requestHeaders: changes('routes.0.requestHeaders'),
    directResponse: { status: 200, body: text('routes.0.directResponse.body') },
  });
  const changes = (at: string) => ({
    remove: [name(`${at}.remove.0`)],
    replace: { 'x-a': text(`${at}.replace.*`) },
    set: { 'x-b': text(`${at}.set.*`) },
    add: { 'x-c': text(`${at}.add.*`), 'x-d': [text(`${at}.add.*.0`)] },
  });
  const clients = {
    a: {
      baseURL: url('baseURL'),
      headers: { 'x-a': text('headers.*') },
      tracing: {
        requestIdHeader: name('tracing.requestIdHeader'),
        attemptCountHeader: name('tracing.attemptCountHeader'),
      },
      tls: {
        cert: file('tls.cert', identity.cert),
        key: file('tls.key', identity.encryptedKey),
        passphrase: plant('tls.passphrase', () => passphrase),
        ca: [file('tls.ca.0', identity.cert)],
        serverName: text('tls.serverName'),
        subjectAltNames: [text('tls.subjectAltNames.0')],
        pins: [plant('tls.pins.0', (word) => `${word.padEnd(43, 'A').replaceAll('-', '+')}=`)],
      },
      endpoints: {
        static: [
          {
            address: address('endpoints.static.0.address'),
            zone: text('endpoints.static.0.zone'),
            serverName: text('endpoints.static.0.serverName'),
          },
        ],
      },
      balance: { hashHeader: name('balance.hashHeader'), zone: text('balance.zone') },
      healthCheck: { path: slash('healthCheck.path'), headers: { 'x-a': text('healthCheck.headers.*') } },
      split: [
        {
          match: match('split.0.match', 'prefix'),
          sticky: { header: name('split.0.sticky.header') },
          targets: [target()],
        },
      ],
      logging: { profile: 'gcp', gcpProject: text('logging.gcpProject') },
      pathRewrite: { '^/a': slash('pathRewrite.*') },
      routes: [route('prefix')],
      requestHeaders: changes('requestHeaders'),
      mirror: [mirror('exact')],
      rateLimit: { keyHeader: name('rateLimit.keyHeader') },
      deadlineHeader: { name: name('deadlineHeader.name') },
      fault: { match: match('fault.match', 'regex'), delay: { duration: 1, fraction: 0 } },
    },
    b: {
      baseURL: url('baseURL'),
      tls: { pfx: file('tls.pfx', pfx(identity, passphrase)), passphrase, ca: file('tls.ca', identity.cert) },
      endpoints: {
        dns: {
          address: address('endpoints.dns.address'),
          servers: [plant('endpoints.dns.servers.0', (word) => `203.0.113.7:${5300 + Number(word.slice(-1))}`)],
        },
      },
      balance: {
        hashOn: [
          { header: name('balance.hashOn.0.header') },
          { cookie: text('balance.hashOn.0.cookie') },
          { query: text('balance.hashOn.0.query') },
          { value: text('balance.hashOn.0.value') },
        ],
      },
      split: [
        {
          match: match('split.0.match', 'exact'),
          sticky: { cookie: text('split.0.sticky.cookie') },
          targets: [target()],
        },
      ],
      routes: [route('exact')],
      mirror: [mirror('regex')],
      fault: { match: match('fault.match', 'prefix'), delay: { duration: 1, fraction: 0 } },
    },
    d: {
      baseURL: url('baseURL'),
      endpoints: {
        dns: {
          names: [
            {
              address: address('endpoints.dns.names.0.address'),
              zone: text('endpoints.dns.names.0.zone'),
              serverName: text('endpoints.dns.names.0.serverName'),
            },
          ],
        },
      },
    },
    c: {
      baseURL: url('baseURL'),
      endpoints: {
        srv: {
          name: text('endpoints.srv.name'),
          servers: [plant('endpoints.srv.servers.0', (word) => `203.0.113.8:${5300 + Number(word.slice(-1))}`)],
        },
      },
      split: [{ match: match('split.0.match', 'regex'), targets: [target()] }],
      routes: [route('regex')],
      mirror: [mirror('prefix')],
      fault: { match: match('fault.match', 'exact'), delay: { duration: 1, fraction: 0 } },
    },
  };
  const env = (version: number) =>
    Object.fromEntries(given.map((each, index) => [each.name, each.secret(`planted-${index}-${version}`)]));
  return { config: { clients } as unknown as HttpClientsConfig, paths: given.map(({ path }) => path), env };
}
