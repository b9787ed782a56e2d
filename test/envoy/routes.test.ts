/** Which routes of an Envoy file become one client, and what of each route that client has. */
import { describe, expect, it } from 'vitest';
import { importEnvoy } from '../../src/envoy/import.js';

const at = (host: string) => ({ endpoint: { address: { socket_address: { address: host, port_value: 80 } } } });
const cluster = (name: string, fields: object = {}) => ({
  name,
  type: 'STATIC',
  load_assignment: { endpoints: [{ lb_endpoints: [at(`10.0.0.${name.length}`)] }] },
  ...fields,
});
const clusters = [cluster('up'), cluster('other')];
const http = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

interface Client {
  readonly [section: string]: unknown;
  readonly routes?: readonly Record<string, unknown>[];
}

function imported(...hosts: object[][]) {
  const virtual_hosts = hosts.map((routes, index) => ({ name: `v${index}`, domains: [`v${index}.test`], routes }));
  const filters = [{ name: 'h', typed_config: { '@type': http, stat_prefix: 's', route_config: { virtual_hosts } } }];
  const address = { socket_address: { address: '127.0.0.1', port_value: 1 } };
  const listeners = [{ name: 'l', address, filter_chains: [{ filters }] }];
  const { config, report } = importEnvoy(JSON.stringify({ static_resources: { listeners, clusters } }), 'envoy.json');
  return { clients: config.clients as Record<string, Client>, report };
}

const to = (match: object, route: object = {}) => ({ match, route: { cluster: 'up', ...route } });
const prefix = (path: string) => ({ path: { prefix: path } });

describe('routes of a virtual host to one cluster', () => {
  it('are one client, with an entry for each route whose times differ from those of the last', () => {
    const { clients } = imported([
      to({ prefix: '/slow' }, { timeout: '60s' }),
      to({ path: '/same' }, { timeout: '2s' }),
      to({ prefix: '/' }, { timeout: '2s' }),
    ]);
    expect(Object.keys(clients)).toEqual(['up', 'other']);
    expect(clients.up?.timeouts).toMatchObject({ total: '2s' });
    expect(clients.up?.routes).toEqual([{ match: prefix('/slow'), timeouts: { total: '60s' } }]);
  });

  it('keep a route without options of its own where a later entry would take its calls', () => {
    const { clients } = imported([
      to({ path: '/a/ready' }),
      to({ prefix: '/a' }, { timeout: '1s' }),
      to({ prefix: '/' }),
    ]);
    expect(clients.up?.routes).toEqual([
      { match: { path: { exact: '/a/ready' } } },
      { match: prefix('/a'), timeouts: { total: '1s' } },
    ]);
  });

  it('share the caps on retries, also where the last route retries nothing', () => {
    const retry_policy = { retry_on: '5xx', num_retries: 4 };
    const { clients } = imported([to({ prefix: '/a' }, { retry_policy }), to({ prefix: '/' })]);
    expect(clients.up?.retry).toMatchObject({ on: [], maxConcurrentRetries: 3 });
    expect(clients.up?.routes?.[0]?.retry).toMatchObject({ on: ['5xx'], maxRetries: 4 });
    const turned = imported([to({ prefix: '/a' }), to({ prefix: '/' }, { retry_policy })]);
    expect(turned.clients.up?.routes).toEqual([{ match: prefix('/a'), retry: false }]);
  });

  it('are clients of their own where a condition cannot be written as a match, and the report says what that means', () => {
    const { clients, report } = imported([
      to({ prefix: '/', headers: [{ name: 'x-a', present_match: true }] }, { timeout: '1s' }),
      to({ prefix: '/' }, { timeout: '2s' }),
    ]);
    expect(Object.keys(clients)).toEqual(['up', 'up-2', 'other']);
    expect(report.map(({ note }) => note)).toContainEqual(
      expect.stringContaining('has the client up too, since its routes cannot stand in one client'),
    );
  });

  it('of several virtual hosts are clients of their own, or one where they are equal', () => {
    const equal = imported([to({ prefix: '/' })], [to({ prefix: '/' })]);
    expect(Object.keys(equal.clients)).toEqual(['up', 'other']);
    const different = imported([to({ prefix: '/' })], [to({ prefix: '/' }, { timeout: '1s' })]);
    expect(Object.keys(different.clients)).toEqual(['up', 'up-2', 'other']);
  });

  it('after a route for every request are reported as never reached', () => {
    const { clients, report } = imported([to({ prefix: '/' }), to({ prefix: '/late' }, { timeout: '1s' })]);
    expect(clients.up?.routes).toBeUndefined();
    expect(clients.up?.timeouts).toMatchObject({ total: '15s' });
    expect(report.map(({ note }) => note)).toContainEqual(expect.stringContaining('never reached'));
  });

  it.each<[object, object]>([
    [{ prefix: '/a' }, prefix('/a')],
    [{ path: '/a' }, { path: { exact: '/a' } }],
    [{ path_separated_prefix: '/a.b' }, { path: { regex: '^/a\\.b(?=/|$)' } }],
    [{ safe_regex: { regex: '/a(?P<id>[0-9]+)' } }, { path: { regex: '^(?:/a(?<id>[0-9]+))$' } }],
    [{ prefix: '/a1', case_sensitive: false }, { path: { regex: '^/[aA]1' } }],
    [
      {
        prefix: '/',
        headers: [
          { name: ':method', string_match: { exact: 'PUT' } },
          { name: 'X-A', exact_match: 'b' },
        ],
      },
      { methods: ['PUT'], headers: { 'x-a': 'b' } },
    ],
  ])('have the match of %j', (match, ours) => {
    const { clients } = imported([to(match, { timeout: '1s' }), to({ prefix: '/' })]);
    expect(clients.up?.routes?.[0]?.match).toEqual(ours);
  });

  it.each<[object]>([
    [{ safe_regex: { regex: '(?i)/a' } }],
    [{ prefix: '/', query_parameters: [{ name: 'a' }] }],
    [{ prefix: '/', grpc: {} }],
    [{ prefix: '/', headers: [{ name: 'a', string_match: { exact: 'b', ignore_case: true } }] }],
    [{ prefix: '/', headers: [{ name: 'a', string_match: { exact: 'b' }, invert_match: true }] }],
  ])('stay apart with the match of %j', (match) => {
    expect(Object.keys(imported([to(match, { timeout: '1s' }), to({ prefix: '/' })]).clients)).toContain('up-2');
  });
});

describe('a rewrite of the path', () => {
  it.each<[object, object, object]>([
    [{ prefix: '/a.b/' }, { prefix_rewrite: '/' }, { '^/a\\.b/': '/' }],
    [{ path: '/a' }, { prefix_rewrite: '/$1' }, { '^/a$': '/$$1' }],
    [{ prefix: '/${A}/' }, { prefix_rewrite: '/${B}/' }, { '^/\\$\\{A\\}/': '/$$${B}/' }],
    [
      { prefix: '/' },
      { regex_rewrite: { pattern: { regex: '^/(?P<a>x)/(.*)$' }, substitution: '/\\2/\\1$\\0\\\\' } },
      { '^/(?<a>x)/(.*)$': '/$2/$1$$$&\\' },
    ],
  ])('of %j by %j', (match, route, pathRewrite) => {
    expect(imported([to(match, route)]).clients.up?.pathRewrite).toEqual(pathRewrite);
  });

  it('that JavaScript would read differently is reported', () => {
    const route = { regex_rewrite: { pattern: { regex: '(?i)a' }, substitution: 'b' } };
    const { clients, report } = imported([to({ prefix: '/' }, route)]);
    expect(clients.up?.pathRewrite).toBeUndefined();
    expect(report.find(({ from }) => from.endsWith('regex_rewrite'))).toMatchObject({
      status: 'unmapped',
      note: 'JavaScript reads this regular expression differently: write it into pathRewrite of the client',
    });
  });

  it('by a template is reported', () => {
    const path_rewrite_policy = { name: 'envoy.path.rewrite.uri_template.uri_template_rewriter' };
    expect(imported([to({ prefix: '/' }, { path_rewrite_policy })]).report).toContainEqual(
      expect.objectContaining({ status: 'unmapped', note: 'the caller has to use the path that the server expects' }),
    );
  });

  it('of one of two routes is switched off for the other', () => {
    const { clients } = imported([to({ prefix: '/a/' }), to({ prefix: '/' }, { prefix_rewrite: '/v1/' })]);
    expect(clients.up?.routes).toEqual([{ match: prefix('/a/'), pathRewrite: false }]);
  });
});

describe('a route that answers by itself', () => {
  const closed = { match: { prefix: '/admin' }, direct_response: { status: 403, body: { inline_string: 'closed' } } };
  const entry = { match: prefix('/admin'), directResponse: { status: 403, body: 'closed' } };

  it('is an entry of every client of its virtual host', () => {
    const { clients } = imported([
      closed,
      to({ prefix: '/' }, { timeout: '2s' }),
      { match: { prefix: '/o' }, route: { cluster: 'other' } },
    ]);
    expect(clients.up?.routes).toEqual([entry]);
    expect(clients.other?.routes).toEqual([entry]);
  });

  it('is reported where its virtual host calls nothing', () => {
    const { clients, report } = imported([closed]);
    expect(clients.up?.routes).toBeUndefined();
    expect(report.find(({ from }) => from.endsWith('routes[0]'))).toMatchObject({
      status: 'unmapped',
      note: 'no client is made of its virtual host, so there is nothing that could answer',
    });
  });
});

describe('runtime_fraction', () => {
  const shift = (numerator: number, cluster: string) => ({
    match: { prefix: '/', runtime_fraction: { default_value: { numerator } } },
    route: { cluster },
  });
  const weightsOf = (client: Client | undefined) =>
    (client?.split as { targets: { name: string; weight: number }[] }[] | undefined)?.[0]?.targets.map(
      ({ name, weight }) => [name, weight],
    );

  it('shares the calls with the next route of the same match', () => {
    const { clients } = imported([shift(55, 'other'), to({ prefix: '/' })]);
    expect(weightsOf(clients.v0)).toEqual([
      ['other', 550_000],
      ['up', 450_000],
    ]);
  });

  it('of several routes takes its share of what those before it have left', () => {
    const { clients } = imported([shift(50, 'other'), shift(20, 'other'), to({ prefix: '/' })]);
    expect(weightsOf(clients.v0)).toEqual([
      ['other', 600_000],
      ['up', 400_000],
    ]);
  });

  it('is reported where no such route follows', () => {
    const { report } = imported([shift(55, 'other'), to({ prefix: '/a' })]);
    expect(report.find(({ from }) => from.endsWith('runtime_fraction'))).toMatchObject({
      status: 'unmapped',
      note: 'all calls have these options; in Envoy 55 % of them, and the rest had no route like it',
    });
  });

  it('of a route with other options is reported, since one client has one set of them', () => {
    const { clients, report } = imported([shift(55, 'other'), to({ prefix: '/' }, { timeout: '1s' })]);
    expect(clients.v0?.timeouts).toMatchObject({ total: '1s' });
    expect(report.map(({ note }) => note)).toContain('the other options of the next route apply to the calls of both');
  });
});
