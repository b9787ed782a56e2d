/** Envoy and HAProxy as a sidecar: HTTP on a local port, mutual TLS to the upstream, retries, timeouts and limits. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const seconds = (milliseconds) => `${milliseconds / 1000}s`;

const typed = (type, fields) => ({ '@type': `type.googleapis.com/envoy.extensions.${type}`, ...fields });
const socketAddress = (port) => ({ address: { socket_address: { address: '127.0.0.1', port_value: port } } });

/** Envoy takes JSON for its YAML. */
export function envoyConfig({ port, tlsPort, tls, policy }) {
  const route = {
    cluster: 'billing_upstream',
    retry_policy: {
      retry_on: policy.retryOn.join(','),
      num_retries: policy.maxRetries,
      per_try_timeout: seconds(policy.attemptTimeout),
      retry_back_off: { base_interval: seconds(policy.backoffBase), max_interval: seconds(policy.backoffMax) },
    },
  };
  const manager = typed('filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'billing',
    route_config: {
      virtual_hosts: [{ name: 'billing', domains: ['*'], routes: [{ match: { prefix: '/' }, route }] }],
    },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: typed('filters.http.router.v3.Router') }],
  });
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  const upstreamTls = typed('transport_sockets.tls.v3.UpstreamTlsContext', {
    sni: 'localhost',
    common_tls_context: {
      tls_certificates: [{ certificate_chain: { filename: tls.cert }, private_key: { filename: tls.key } }],
      validation_context: { trusted_ca: { filename: tls.ca } },
    },
  });
  const thresholds = {
    max_connections: policy.maxConnections,
    max_pending_requests: policy.maxPending,
    max_retries: policy.maxConcurrentRetries,
  };
  const cluster = {
    name: 'billing_upstream',
    type: 'STATIC',
    connect_timeout: seconds(policy.connectTimeout),
    circuit_breakers: { thresholds: [thresholds] },
    transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: upstreamTls },
    load_assignment: {
      cluster_name: 'billing_upstream',
      endpoints: [{ lb_endpoints: [{ endpoint: socketAddress(tlsPort) }] }],
    },
  };
  const listener = { name: 'billing_listener', ...socketAddress(port), filter_chains: [{ filters }] };
  return JSON.stringify({ static_resources: { listeners: [listener], clusters: [cluster] } }, null, 2);
}

export function haproxyConfig({ port, tlsPort, tls, policy }) {
  const verify = `ssl verify required verifyhost localhost ca-file ${tls.ca} crt ${tls.certAndKey} sni str(localhost)`;
  return `global
  nbthread 2
defaults
  mode http
  timeout connect ${policy.connectTimeout}ms
  timeout server ${policy.attemptTimeout}ms
  timeout queue ${policy.totalTimeout}ms
  timeout client ${policy.totalTimeout}ms
  timeout http-keep-alive 60s
  retries ${policy.maxRetries}
  retry-on conn-failure empty-response response-timeout 500 502 503 504
  http-reuse always
listen billing
  bind 127.0.0.1:${port}
  server upstream 127.0.0.1:${tlsPort} ${verify} maxconn ${policy.maxConnections} maxqueue ${policy.maxPending}
`;
}

const kinds = {
  envoy: {
    file: 'envoy.json',
    config: envoyConfig,
    args: (file) => ['-c', file, '--concurrency', '2', '--log-level', 'error', '--disable-hot-restart'],
  },
  haproxy: { file: 'haproxy.cfg', config: haproxyConfig, args: (file) => ['-db', '-q', '-f', file] },
};

/** The first proxy of these that is on PATH. */
export function findProxy(names = Object.keys(kinds), path = process.env.PATH ?? '') {
  for (const name of names)
    for (const folder of path.split(delimiter)) {
      if (folder === '') continue;
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return { name, file };
      } catch {
        // the next one
      }
    }
  return undefined;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the proxy; resolves once it hands a request through. */
export async function startProxy({ name, file }, settings) {
  const kind = kinds[name];
  const port = await freePort();
  const config = join(settings.tls.folder, kind.file);
  writeFileSync(config, kind.config({ ...settings, port }));
  const child = spawn(file, kind.args(config), { stdio: ['ignore', 'ignore', 'inherit'] });
  const origin = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) break;
    const response = await fetch(`${origin}/json`).catch(() => undefined);
    await response?.text();
    if (response?.ok) return { child, origin };
    await wait(100);
  }
  child.kill();
  throw new Error(`${name} did not hand a request through; its configuration was\n${readFileSync(config, 'utf8')}`);
}
