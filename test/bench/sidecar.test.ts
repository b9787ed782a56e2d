import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const load = (name: string) => import(new URL(name, import.meta.url).href);
const { envoyConfig, findProxy, haproxyConfig } = await load('proxies.mjs');
const { cpuMicroseconds, residentBytes, residentOf, ticksOf } = await load('processes.mjs');

const settings = {
  port: 15001,
  tlsPort: 8443,
  tls: { ca: '/c/ca.pem', cert: '/c/client.pem', key: '/c/client-key.pem', certAndKey: '/c/client-both.pem' },
  policy: {
    ...{ connectTimeout: 250, attemptTimeout: 1500, totalTimeout: 15_000 },
    ...{ maxRetries: 3, retryOn: ['5xx', 'reset'], backoffBase: 50, backoffMax: 1000 },
    ...{ maxConnections: 200, maxPending: 100, maxConcurrentRetries: 50 },
  },
};

describe('the comparison with a sidecar', () => {
  it('says in one line that it is skipped where no proxy is on PATH, and succeeds', async () => {
    const env = { ...process.env, PATH: '' };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['test/bench/sidecar.mjs'], { env });
    expect(stdout).toBe('Skipped: it takes Linux and envoy or haproxy on PATH to compare with a sidecar.\n');
    expect(stderr).toBe('');
  });

  it('finds a program in a folder of PATH, and none in others', () => {
    const [folder, name] = [process.execPath.replace(/\/[^/]+$/, ''), process.execPath.replace(/.*\//, '')];
    expect(findProxy(['no-such-proxy', name], `/nowhere:${folder}`)).toEqual({ name, file: process.execPath });
    expect(findProxy([name], '/nowhere:')).toBeUndefined();
  });

  it('gives Envoy the timeouts, retries, limits and certificates', () => {
    const { listeners, clusters } = JSON.parse(envoyConfig(settings)).static_resources;
    const [{ route }] = listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes;
    expect(route.retry_policy).toEqual({
      retry_on: '5xx,reset',
      num_retries: 3,
      per_try_timeout: '1.5s',
      retry_back_off: { base_interval: '0.05s', max_interval: '1s' },
    });
    expect(clusters[0]).toMatchObject({
      connect_timeout: '0.25s',
      circuit_breakers: { thresholds: [{ max_connections: 200, max_pending_requests: 100, max_retries: 50 }] },
    });
    expect(clusters[0].transport_socket.typed_config.common_tls_context).toEqual({
      tls_certificates: [
        { certificate_chain: { filename: '/c/client.pem' }, private_key: { filename: '/c/client-key.pem' } },
      ],
      validation_context: { trusted_ca: { filename: '/c/ca.pem' } },
    });
  });

  it('gives HAProxy the same', () => {
    const lines: string[] = haproxyConfig(settings)
      .split('\n')
      .map((line: string) => line.trim());
    expect(lines).toEqual(
      expect.arrayContaining(['timeout connect 250ms', 'timeout server 1500ms', 'retries 3', 'bind 127.0.0.1:15001']),
    );
    const server = lines.find((line) => line.startsWith('server '));
    expect(server).toContain('127.0.0.1:8443 ssl verify required');
    expect(server).toMatch(/ca-file \/c\/ca\.pem crt \/c\/client-both\.pem .* maxconn 200 maxqueue 100$/);
  });

  it('reads CPU time and memory of a process whose name holds spaces and parentheses', () => {
    const stat = '4242 (a (b) c) S 1 4242 4242 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 2 0 12345 1000000 500';
    expect(ticksOf(stat)).toBe(42);
    expect(residentOf('Name:\tproxy\nVmPeak:\t  900 kB\nVmRSS:\t     512 kB\nThreads:\t1\n')).toBe(524_288);
  });

  it.runIf(process.platform === 'linux')('agrees with what Node says of its own process', () => {
    const { user, system } = process.cpuUsage();
    expect(Math.abs(cpuMicroseconds(process.pid) - user - system)).toBeLessThan(200_000);
    expect(residentBytes(process.pid) / process.memoryUsage.rss()).toBeCloseTo(1, 0);
  });
});
