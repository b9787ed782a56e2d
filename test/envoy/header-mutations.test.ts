/** What import-envoy makes of headers, Host rewrites, mirrors and control headers; test/differential compares it with Envoy. */
import { describe, expect, it } from 'vitest';
import { importEnvoy } from '../../src/envoy/import.js';

const type = (name: string) => `type.googleapis.com/envoy.extensions.filters.${name}`;
const cluster = (name: string, address = `${name}.internal`, fields: object = {}) => ({
  name,
  type: 'STRICT_DNS',
  load_assignment: {
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: 8080 } } } }] }],
  },
  ...fields,
});

interface Levels {
  action?: object;
  route?: object;
  vhost?: object;
  table?: object;
  manager?: object;
  router?: object;
  clusters?: object[];
}

function imported({ action, route, vhost, table, manager, router, clusters = [] }: Levels) {
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'up', ...action }, ...route }];
  const typed_config = {
    '@type': type('network.http_connection_manager.v3.HttpConnectionManager'),
    route_config: { virtual_hosts: [{ name: 'v', domains: ['*'], routes, ...vhost }], ...table },
    http_filters: [{ name: 'r', typed_config: { '@type': type('http.router.v3.Router'), ...router } }],
    ...manager,
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: 1 } };
  const listeners = [{ name: 'l', address, filter_chains: [{ filters: [{ name: 'h', typed_config }] }] }];
  const file = { static_resources: { listeners, clusters: [cluster('up'), cluster('copy'), ...clusters] } };
  const { config, report } = importEnvoy(JSON.stringify(file), 'envoy.json');
  const of = (status: string) => report.filter((line) => line.status === status);
  return { client: config.clients.up ?? config.clients.v, report, errors: of('error'), unmapped: of('unmapped') };
}

const header = (value: string, append_action?: string | number, key = 'x-a') => ({
  header: { key, value },
  ...(append_action !== undefined && { append_action }),
});
const add = (...all: object[]) => ({ request_headers_to_add: all });
const remove = (...names: string[]) => ({ request_headers_to_remove: names });
const [overwrite, ifExists, ifAbsent] = ['OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS', 'ADD_IF_ABSENT'];
const proto = { 'x-forwarded-proto': 'http' };

describe('headers that are added and removed', () => {
  it.each<[string, Levels, object]>([
    ['appended', { route: add(header('a')) }, { requestHeaders: { add: { 'x-a': 'a' } } }],
    ['appended twice', { route: add(header('a'), header('b')) }, { requestHeaders: { add: { 'x-a': ['a', 'b'] } } }],
    ['overwritten', { route: add(header('a', overwrite)) }, { requestHeaders: { set: { 'x-a': 'a' } } }],
    ['overwritten by number', { route: add(header('a', 2)) }, { requestHeaders: { set: { 'x-a': 'a' } } }],
    ['overwritten where it is', { route: add(header('a', ifExists)) }, { requestHeaders: { replace: { 'x-a': 'a' } } }],
    ['added where it is not', { route: add(header('a', ifAbsent)) }, { headers: { ...proto, 'x-a': 'a' } }],
    ['removed', { vhost: remove('X-A') }, { requestHeaders: { remove: ['x-a'] } }],
    [
      'removed and added',
      { route: { ...remove('x-a'), ...add(header('a')) } },
      { requestHeaders: { set: { 'x-a': 'a' } } },
    ],
    [
      'overwritten and appended',
      { route: add(header('b'), header('a', overwrite)) },
      { requestHeaders: { set: { 'x-a': 'a' }, add: { 'x-a': 'b' } } },
    ],
    [
      'overwritten where it is, and appended',
      { route: add(header('a', ifExists), header('b')) },
      { requestHeaders: { replace: { 'x-a': 'a' }, add: { 'x-a': 'b' } } },
    ],
    [
      'added where it is not, and appended',
      { route: add(header('a', ifAbsent), header('b')) },
      { headers: { ...proto, 'x-a': 'a' }, requestHeaders: { add: { 'x-a': 'b' } } },
    ],
    [
      'appended on three levels, the least specific one last',
      { route: add(header('route')), vhost: add(header('vhost')), table: add(header('table')) },
      { requestHeaders: { add: { 'x-a': ['route', 'vhost', 'table'] } } },
    ],
    [
      'appended on three levels, the most specific one last',
      {
        route: add(header('route')),
        vhost: add(header('vhost')),
        table: { ...add(header('table')), most_specific_header_mutations_wins: true },
      },
      { requestHeaders: { add: { 'x-a': ['table', 'vhost', 'route'] } } },
    ],
    [
      'added by the route, removed by the table',
      { route: add(header('a')), table: remove('x-a') },
      { requestHeaders: { remove: ['x-a'] } },
    ],
  ])('%s', (_, levels, expected) => {
    const { client, unmapped, errors } = imported(levels);
    expect({ headers: proto, ...pick(client) }).toEqual({ headers: proto, ...expected });
    expect([unmapped, errors]).toEqual([[], []]);
  });

  const pick = (client: Record<string, unknown> | undefined) =>
    Object.fromEntries(
      Object.entries(client ?? {}).filter(([name]) => /headers$/i.test(name) && name !== 'envoyHeaders'),
    );

  it('without a value add nothing, unless keep_empty_value says so', () => {
    expect(imported({ route: add(header('', overwrite)) }).client).not.toHaveProperty('requestHeaders');
    const kept = { ...header('', overwrite), keep_empty_value: true };
    expect(imported({ route: add(kept) }).client).toMatchObject({ requestHeaders: { set: { 'x-a': '' } } });
  });

  it('have the bytes that Envoy sends: UTF-8', () => {
    expect(imported({ route: add(header('ü', overwrite)) }).client).toMatchObject({
      requestHeaders: { set: { 'x-a': 'Ã¼' } },
    });
  });

  it('that depend on what a call sets in a way that has no option are reported, and left as they are', () => {
    const { client, unmapped } = imported({ route: add(header('a', ifAbsent), header('b', ifExists)) });
    expect(client).not.toHaveProperty('requestHeaders');
    expect(unmapped.map(({ note }) => note)).toEqual(
      Array(2).fill(expect.stringContaining('depends on whether the call')),
    );
  });

  it.each<[string, Levels]>([
    ['both append and append_action', { route: add({ ...header('a', overwrite), append: true }) }],
    ['a host', { route: add(header('a', overwrite, 'Host')) }],
    ['a pseudo-header', { vhost: add(header('a', overwrite, ':path')) }],
    ['a host that is removed', { route: remove('Host') }],
  ])('that Envoy refuses are errors: %s', (_, levels) => {
    expect(imported(levels).errors).not.toEqual([]);
  });

  it('that Envoy refuses on any level give no client', () => {
    for (const level of ['route', 'vhost', 'table'])
      expect(imported({ [level]: add(header('a', overwrite, 'Host')) }).client).toBeUndefined();
  });

  it('of a filter are changed before those of the route, one by one', () => {
    const filter = (...request_mutations: object[]) => ({
      manager: {
        http_filters: [
          {
            name: 'm',
            typed_config: { '@type': type('http.header_mutation.v3.HeaderMutation'), mutations: { request_mutations } },
          },
          { name: 'r', typed_config: { '@type': type('http.router.v3.Router') } },
        ],
      },
    });
    const both = [{ remove: 'x-a' }, { append: header('filter') }];
    expect(imported({ ...filter(...both), route: add(header('route')) }).client).toMatchObject({
      requestHeaders: { set: { 'x-a': 'filter' }, add: { 'x-a': 'route' } },
    });
    expect(imported(filter(...both.toReversed())).client).toMatchObject({ requestHeaders: { remove: ['x-a'] } });
    const { client, unmapped } = imported(
      filter({ remove: ':path' }, { remove_on_match: { key_matcher: { prefix: 'x' } } }),
    );
    expect(client).not.toHaveProperty('requestHeaders');
    expect(unmapped).toHaveLength(2);
  });

  it('of the transport are not mapped', () => {
    const { client, unmapped } = imported({
      route: { ...remove('connection'), ...add(header('1', overwrite, 'Content-Length')) },
    });
    expect(client).not.toHaveProperty('requestHeaders');
    expect(unmapped).toHaveLength(2);
  });

  it('of a request id are changed behind it: every call has one', () => {
    expect(imported({ route: add(header('a', ifAbsent, 'x-request-id')) }).client).not.toHaveProperty('requestHeaders');
    expect(imported({ route: add(header('a', ifExists, 'x-request-id')) }).client).toMatchObject({
      requestHeaders: { set: { 'x-request-id': 'a' } },
    });
  });
});

describe('headers of weighted clusters', () => {
  const weighted = (first: object, second: object, levels: Levels = {}) =>
    imported({
      ...levels,
      action: {
        cluster: undefined,
        weighted_clusters: {
          clusters: [
            { name: 'up', weight: 3, ...first },
            { name: 'copy', weight: 1, ...second },
          ],
        },
      },
    });
  const targetsOf = (client: Record<string, unknown> | undefined) =>
    ((client?.split ?? []) as { targets: Record<string, unknown>[] }[]).flatMap(({ targets }) =>
      targets.map(({ headers, removeHeaders }) => ({ headers, removeHeaders })),
    );

  it('belong to their targets, changed by the levels around them', () => {
    const { client, unmapped } = weighted(add(header('a', overwrite)), remove('x-a'), { route: add(header('b')) });
    expect(targetsOf(client)).toEqual([
      { headers: { 'x-a': 'a, b' }, removeHeaders: undefined },
      { headers: { 'x-a': 'b' }, removeHeaders: undefined },
    ]);
    expect(client).not.toHaveProperty('requestHeaders');
    expect(unmapped).toEqual([]);
  });

  it('are left out of calls to one target', () => {
    expect(targetsOf(weighted(remove('Cookie'), {}).client)).toEqual([
      { headers: undefined, removeHeaders: ['cookie'] },
      { headers: undefined, removeHeaders: undefined },
    ]);
  });

  it('are those of the client where both are the same', () => {
    const { client } = weighted(add(header('a')), add(header('a')));
    expect(client).toMatchObject({ requestHeaders: { add: { 'x-a': 'a' } } });
    expect(targetsOf(client)).toEqual(Array(2).fill({ headers: undefined, removeHeaders: undefined }));
  });

  it('have a line where they replace the value of a call that Envoy would keep', () => {
    const { report } = weighted(add(header('a')), {});
    expect(report).toContainEqual(
      expect.objectContaining({ status: 'difference', note: expect.stringContaining('Envoy keeps that') }),
    );
  });
});

describe('the Host header', () => {
  it('is host_rewrite_literal, while the address stays that of the cluster', () => {
    expect(imported({ action: { host_rewrite_literal: 'b.example' } }).client).toMatchObject({
      baseURL: 'http://up.internal:8080',
      requestHeaders: { set: { host: 'b.example' } },
    });
  });

  it('is the name of the endpoint without its port with auto_host_rewrite', () => {
    expect(imported({ action: { auto_host_rewrite: true } }).client).toMatchObject({
      requestHeaders: { set: { host: 'up.internal' } },
    });
    expect(imported({ action: { auto_host_rewrite: false } }).client).not.toHaveProperty('requestHeaders');
  });

  it('of a request is not mapped', () => {
    expect(imported({ action: { host_rewrite: '%REQ(x-host)%' } }).unmapped).toHaveLength(1);
    expect(imported({ action: { host_rewrite_header: 'x-host' } }).unmapped).toHaveLength(1);
    const host_rewrite_path_regex = { pattern: { regex: '^/(.+)/' }, substitution: '\\1' };
    expect(imported({ action: { host_rewrite_path_regex } }).unmapped).toHaveLength(1);
  });
});

describe('mirrors', () => {
  const mirrorOf = (levels: Levels) => imported(levels).client?.mirror;
  const policy = { cluster: 'copy' };
  const plain = { baseURL: 'http://copy.internal:8080', fraction: 1 };

  it('are those of the most specific level that has some', () => {
    const of = (fraction: number) => ({
      request_mirror_policies: [{ ...policy, runtime_fraction: { default_value: { numerator: fraction } } }],
    });
    expect(mirrorOf({ action: of(1), vhost: of(2), table: of(3) })).toEqual([{ ...plain, fraction: 0.01 }]);
    expect(mirrorOf({ vhost: of(2), table: of(3) })).toEqual([{ ...plain, fraction: 0.02 }]);
    expect(mirrorOf({ table: of(3) })).toEqual([{ ...plain, fraction: 0.03 }]);
  });

  it('have the Host header of the call, with or without a suffix', () => {
    const one = (fields: object, action: object = {}) =>
      mirrorOf({ action: { request_mirror_policies: [{ ...policy, ...fields }], ...action } });
    const without = { disable_shadow_host_suffix_append: true };
    expect(one(without)).toEqual([{ ...plain, hostSuffix: false, headers: { host: 'up.internal:8080' } }]);
    expect(one(without, { host_rewrite_literal: 'b.example' })).toEqual([
      { ...plain, hostSuffix: false, headers: { host: 'b.example' } },
    ]);
    expect(one({ host_rewrite_literal: 'c.example' }, { host_rewrite_literal: 'b.example' })).toEqual([
      { ...plain, hostSuffix: false, headers: { host: 'c.example' } },
    ]);
  });

  it('have headers of their own', () => {
    const request_headers_mutations = [
      { remove: 'X-Token' },
      { append: header('a', overwrite) },
      { append: header('b') },
    ];
    expect(mirrorOf({ action: { request_mirror_policies: [{ ...policy, request_headers_mutations }] } })).toEqual([
      { ...plain, headers: { 'x-a': 'a, b' }, removeHeaders: ['x-token'] },
    ]);
  });

  it.each<[string, object, object[]]>([
    ['named by a header of the call', { cluster_header: 'x-c' }, []],
    [
      'of a cluster that speaks another HTTP',
      { cluster: 'other' },
      [cluster('other', 'o.internal', { http2_protocol_options: {} })],
    ],
    ['of a cluster that the file has not', { cluster: 'none' }, []],
  ])('are not mapped where they cannot be: %s', (_, fields, clusters) => {
    const { client, unmapped } = imported({ action: { request_mirror_policies: [fields] }, clusters });
    expect(client).not.toHaveProperty('mirror');
    expect(unmapped).not.toEqual([]);
  });
});

describe('what Envoy does unasked', () => {
  it('is done by the client too', () => {
    expect(imported({}).client).toMatchObject({
      headers: proto,
      envoyHeaders: 'drop',
      deadlineHeader: { name: 'x-envoy-expected-rq-timeout-ms', ofAttempt: true, external: true },
    });
  });

  it('is switched off where the file does so', () => {
    expect(imported({ router: { suppress_envoy_headers: true } }).client).not.toHaveProperty('deadlineHeader');
    expect(imported({ manager: { generate_request_id: false } }).client).toMatchObject({
      tracing: { requestIdHeader: false },
    });
  });

  const ranges = (...all: [string, number?][]) => ({
    internal_address_config: {
      cidr_ranges: all.map(([address_prefix, prefix_len]) => ({ address_prefix, prefix_len })),
    },
  });

  it.each<[string, object, boolean | 'drop']>([
    ['loopback', { use_remote_address: true, ...ranges(['127.0.0.1', 32]) }, true],
    ['a network with loopback', { use_remote_address: true, ...ranges(['10.0.0.0', 8], ['127.0.0.0', 8]) }, true],
    ['every address', { use_remote_address: true, ...ranges(['0.0.0.0']) }, true],
    ['private addresses', { use_remote_address: true, ...ranges(['10.0.0.0', 8], ['fd00::', 8]) }, 'drop'],
    ['loopback of IPv6', { use_remote_address: true, ...ranges(['::1', 128]) }, 'drop'],
    [
      'loopback behind another proxy',
      { use_remote_address: true, xff_num_trusted_hops: 1, ...ranges(['127.0.0.1', 32]) },
      'drop',
    ],
    ['loopback without use_remote_address', ranges(['127.0.0.1', 32]), 'drop'],
  ])('control headers of callers are obeyed where Envoy obeys them: %s', (_, manager, envoyHeaders) => {
    expect(imported({ manager }).client).toMatchObject({ envoyHeaders });
  });

  it('a range that is none is an error', () => {
    expect(imported({ manager: ranges(['127.0.0.1', 40]) }).errors).toHaveLength(1);
    expect(imported({ manager: ranges(['localhost', 8]) }).errors).toHaveLength(1);
  });
});
