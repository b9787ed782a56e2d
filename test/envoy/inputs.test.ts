import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { importEnvoyCommand } from '../../src/cli/import-envoy.js';
import { importEnvoy } from '../../src/envoy/import.js';

const address = (host: string, port = 80) => ({ socket_address: { address: host, port_value: port } });
const cluster = (name: string, host = `${name}.internal`, more: object = {}) => ({
  name,
  type: 'STRICT_DNS',
  load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: address(host) } }] }] },
  ...more,
});
const bootstrap = (...clusters: object[]) => ({ static_resources: { clusters } });
const managerType =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const routes = (name: string, timeout = '3s') => ({
  virtual_hosts: [{ name, domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: name, timeout } }] }],
});
const listener = (host: string, manager: object, more: object = {}) => ({
  name: 'l',
  address: address(host, 15_001),
  filter_chains: [{ filters: [{ name: 'h', typed_config: { '@type': managerType, ...manager } }] }],
  ...more,
});
const names = (text: string) => Object.keys(importEnvoy(text, 'envoy.yaml').config.clients);

describe('a ConfigMap', () => {
  const inner = stringify(bootstrap(cluster('api', undefined, { conect_timeout: '1s' })));
  const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: envoy }\ndata:\n  notes.txt: hello\n  envoy.yaml: |\n${inner.replace(/^(?=.)/gm, '    ')}`;

  it('is read by the Envoy file in it, and positions are those of the manifest', () => {
    const { config, report } = importEnvoy(map, 'map.yaml');
    expect(Object.keys(config.clients)).toEqual(['api']);
    const line = report.find(({ from }) => from.endsWith('conect_timeout'));
    expect(map.split('\n')[(line?.line ?? 0) - 1]?.slice((line?.column ?? 0) - 1)).toMatch(/^conect_timeout/);
  });

  it('is found among other manifests', () => {
    expect(names(`kind: Deployment\nspec: {}\n---\n${map}\n---\nkind: Service\nspec: {}\n`)).toEqual(['api']);
  });

  it('without an Envoy file is refused', () => {
    expect(() => names('kind: ConfigMap\ndata: { a: b }')).toThrow('has no Envoy configuration under data (a)');
  });
});

describe('a dump of a running Envoy', () => {
  const type = (name: string) => ({ '@type': `type.googleapis.com/envoy.${name}` });
  const named = (name: string) => ({ ...type('config.cluster.v3.Cluster'), ...cluster(name) });
  const eds = {
    ...type('config.cluster.v3.Cluster'),
    name: 'eds',
    type: 'EDS',
    eds_cluster_config: { service_name: 'x' },
  };
  const times = { version_info: '1', last_updated: '2026-01-01T00:00:00Z' };
  const dump = {
    configs: [
      { ...type('admin.v3.BootstrapConfigDump'), bootstrap: bootstrap(cluster('static')), ...times },
      {
        ...type('admin.v3.ClustersConfigDump'),
        version_info: '1',
        static_clusters: [{ cluster: named('static'), last_updated: times.last_updated }],
        dynamic_active_clusters: [
          { ...times, cluster: named('dynamic') },
          { ...times, cluster: eds },
        ],
        dynamic_warming_clusters: [{ ...times, cluster: named('warming') }],
      },
      {
        ...type('admin.v3.ListenersConfigDump'),
        dynamic_listeners: [
          {
            name: 'l',
            active_state: {
              ...times,
              listener: {
                ...type('config.listener.v3.Listener'),
                ...listener('127.0.0.1', { rds: { route_config_name: 'r', config_source: { ads: {} } } }),
              },
            },
          },
        ],
      },
      {
        ...type('admin.v3.RoutesConfigDump'),
        dynamic_route_configs: [
          {
            ...times,
            route_config: { ...type('config.route.v3.RouteConfiguration'), name: 'r', ...routes('dynamic') },
          },
        ],
      },
      {
        ...type('admin.v3.EndpointsConfigDump'),
        dynamic_endpoint_configs: [
          {
            endpoint_config: {
              ...type('config.endpoint.v3.ClusterLoadAssignment'),
              cluster_name: 'x',
              ...cluster('e').load_assignment,
            },
          },
        ],
      },
    ],
  };

  it('is read with its static and dynamic clusters, the routes of RDS and the endpoints of EDS', () => {
    const { config, report } = importEnvoy(JSON.stringify(dump), 'dump.json');
    expect(config.clients).toMatchObject({
      dynamic: { baseURL: 'http://dynamic.internal', timeouts: { total: '3s' } },
      static: { baseURL: 'http://static.internal', timeouts: { total: '15s' } },
      eds: { baseURL: 'http://e.internal' },
    });
    expect(config.clients).not.toHaveProperty('warming');
    expect(report.filter(({ note }) => note?.includes('does not know'))).toEqual([]);
    expect(report.filter(({ status }) => status === 'error')).toEqual([]);
  });

  it('is read if it shows one kind of resource', () => {
    const part = {
      configs: [{ ...type('admin.v3.ClustersConfigDump.DynamicCluster'), ...times, cluster: named('api') }],
    };
    expect(names(JSON.stringify(part))).toEqual(['api']);
    expect(names(JSON.stringify({ resources: [named('api')] }))).toEqual(['api']);
  });
});

describe('YAML as Envoy reads it', () => {
  const text = stringify(bootstrap(cluster('api')));

  it('may have several documents, of which the first counts', () => {
    expect(names(`---\n${text}---\n`)).toEqual(['api']);
    const { config, report } = importEnvoy(`---\n${text}---\nadmin: {}\n`, 'envoy.yaml');
    expect(Object.keys(config.clients)).toEqual(['api']);
    expect(report).toContainEqual(
      expect.objectContaining({ status: 'warning', note: expect.stringContaining('first') }),
    );
  });

  it('may have keys with the tag !ignore, anchors and merge keys', () => {
    const anchored = [
      `!ignore shared: &base ${JSON.stringify({ ...cluster('x'), connect_timeout: '1s' })}`,
      'static_resources:',
      '  clusters:',
      '  - { <<: *base, name: a, connect_timeout: 2s }',
      '  - { <<: *base, name: b }',
    ].join('\n');
    const { config, report } = importEnvoy(anchored, 'envoy.yaml');
    expect(config.clients).toMatchObject({
      a: { baseURL: 'http://x.internal', timeouts: { connect: '2s' } },
      b: { baseURL: 'http://x.internal', timeouts: { connect: '1s' } },
    });
    expect(report.filter(({ status }) => status === 'unmapped' || status === 'error')).toEqual([]);
  });

  it('may be megabytes long', () => {
    const many = bootstrap(
      ...Array.from({ length: 1200 }, (_, index) =>
        cluster(`c${index}`, undefined, { metadata: { a: 'x'.repeat(900) } }),
      ),
    );
    const long = JSON.stringify(many);
    expect(long.length).toBeGreaterThan(1_000_000);
    expect(Object.keys(importEnvoy(long, 'envoy.json', ['c7', 'c9']).config.clients)).toEqual(['c7', 'c9']);
  });

  it('may have more clients than a configuration file can have, which is an error unless some are named', () => {
    const many = JSON.stringify(bootstrap(...Array.from({ length: 300 }, (_, index) => cluster(`c${index}`))));
    const { report } = importEnvoy(many, 'envoy.json');
    expect(report.find(({ status }) => status === 'error')?.note).toMatch(
      /^the result is .*, which a configuration file must not be: name the clients that the service calls after the file, as in `import-envoy FILE NAME…`$/,
    );
    expect(importEnvoy(many, 'envoy.json', ['c7']).report.filter(({ status }) => status === 'error')).toEqual([]);
  });
});

it('the API of 2020 is read as far as possible, and the report says so', () => {
  const { config, report } = importEnvoy(
    stringify({
      static_resources: {
        listeners: [
          {
            address: address('127.0.0.1', 1),
            filter_chains: [
              { filters: [{ name: 'envoy.http_connection_manager', config: { route_config: routes('api') } }] },
            ],
          },
        ],
        clusters: [
          { name: 'api', type: 'STRICT_DNS', hosts: [address('api.internal', 443)], tls_context: { sni: 'api' } },
        ],
      },
    }),
    'envoy.yaml',
  );
  expect(config.clients.api).toMatchObject({
    baseURL: 'https://api.internal',
    timeouts: { total: '3s' },
    tls: { serverName: 'api' },
  });
  expect(report).toContainEqual(expect.objectContaining({ status: 'warning', note: expect.stringContaining('2020') }));
});

describe('a template', () => {
  it.each([
    ['static_resources:\n{{- range .Values.clusters }}\n- name: {{ .name }}\n{{- end }}', 'Helm', 'helm template'],
    ['static_resources: { clusters: "{{ .Values.clusters }}" }', 'Helm', 'helm template'],
    ['static_resources:\n  clusters: {{ template "c" . }}', 'Go', 'gomplate'],
    ['static_resources:\n  clusters: [{{ range services }}]', 'Go', 'gomplate'],
    ['static_resources:\n{% for c in clusters %}\n- {{ c.name }}\n{% endfor %}', 'Jinja', 'jinja2'],
    ['static_resources:\n  clusters: {{ clusters }}', 'Jinja', 'jinja2'],
    ['static_resources:\n<%= clusters %>', 'ERB', 'erb'],
    ['static_resources:\n  clusters: [{ connect_timeout: ${TIMEOUT} }]', '${NAME}', 'envsubst'],
    ['static_resources:\n  clusters:\n  - connect_timeout: $TIMEOUT', '${NAME}', 'envsubst'],
  ])('is recognized, and the message says how to render it: %j', (text, kind, how) => {
    expect(() => importEnvoy(text, 'envoy.yaml')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringMatching(/^envoy\.yaml:1:1 /) }),
    );
    expect(() => importEnvoy(text, 'envoy.yaml')).toThrow(kind);
    expect(() => importEnvoy(text, 'envoy.yaml')).toThrow(how);
  });

  it('is not what an access log format or a header of Envoy is', () => {
    const format = { access_log: { text_format: '{%REQ(:METHOD)%} [%START_TIME%] {{a}}' } };
    const text = {
      static_resources: { listeners: [listener('127.0.0.1', { ...format, route_config: routes('api') })] },
    };
    expect(() => importEnvoy(JSON.stringify(text).replace('{{a}}', ''), 'envoy.yaml')).not.toThrow();
  });
});

describe('listeners that accept calls', () => {
  const file = (inbound: object) =>
    JSON.stringify({
      static_resources: {
        listeners: [inbound, listener('127.0.0.1', { route_config: routes('api') })],
        clusters: [cluster('app', '127.0.0.1'), cluster('api')],
      },
    });

  it.each([
    ['by their direction', listener('127.0.0.1', { route_config: routes('app') }, { traffic_direction: 'INBOUND' })],
    ['by an open address in front of the same machine', listener('0.0.0.0', { route_config: routes('app') })],
  ])('are told apart %s, and left out with the clusters that only they use', (_, inbound) => {
    const { config, report } = importEnvoy(file(inbound), 'envoy.json');
    expect(Object.keys(config.clients)).toEqual(['api']);
    const unmapped = report.filter(({ status }) => status === 'unmapped').map(({ from }) => from);
    expect(unmapped).toEqual(['static_resources.listeners[0]', 'static_resources.clusters[0]']);
  });
});

it('a cluster that only a TCP proxy uses is no client, and a route to a cluster of another file is no error', () => {
  const proxy = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    cluster: 'db',
  };
  const tcp = {
    name: 't',
    address: address('127.0.0.1', 1),
    filter_chains: [{ filters: [{ name: 'x', typed_config: proxy }] }],
  };
  const elsewhere = listener('127.0.0.1', { route_config: routes('elsewhere') });
  const file = { static_resources: { listeners: [tcp, elsewhere], clusters: [cluster('db')] } };
  const { config, report } = importEnvoy(JSON.stringify(file), 'envoy.json');
  expect(config.clients).toEqual({});
  expect(report.filter(({ status }) => status === 'error')).toEqual([]);
  expect(report).toContainEqual(expect.objectContaining({ note: 'only filters that are not HTTP use this cluster' }));
  expect(report).toContainEqual(
    expect.objectContaining({ note: 'no client was made of this route, because the file has no cluster "elsewhere"' }),
  );
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-import-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = async (document: object, ...more: string[]) => {
    const file = join(folder, 'envoy.json');
    writeFileSync(file, JSON.stringify(document));
    let [out, err] = ['', ''];
    const terminal = { out: (text: string) => (out += text), err: (text: string) => (err += text), env: {} };
    return { code: await importEnvoyCommand.run([file, ...more], terminal), out, err };
  };
  const bad = cluster('bad', undefined, { transport_socket: { name: 'x' } });

  it('ends with 0 for clients, 1 for errors, 3 for no client at all', async () => {
    expect(await run(bootstrap(cluster('api')))).toMatchObject({ code: 0 });
    expect(await run(bootstrap(cluster('api'), bad))).toMatchObject({ code: 1 });
    expect(await run(bootstrap(bad))).toMatchObject({ code: 3, err: expect.stringContaining('Errors') });
    expect(await run({ static_resources: {} })).toMatchObject({ code: 3, out: expect.stringContaining('clients: {}') });
  });

  it('prints only the clients that are named', async () => {
    const { out } = await run(bootstrap(cluster('api'), cluster('other')), 'api');
    expect(out).toContain('api.internal');
    expect(out).not.toContain('other');
    await expect(run(bootstrap(cluster('api')), 'nope')).rejects.toThrow('makes no client "nope"; its clients are api');
  });
});
