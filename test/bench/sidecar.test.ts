import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';

const load = (name: string) => import(new URL(name, import.meta.url).href);
const { podConfig } = await load('pod.mjs');
const { counted, mishaps } = await load('mishaps.mjs');
const { cpuMicroseconds, ticksOf } = await load('processes.mjs');

describe('the comparison with a sidecar', () => {
  it('says in one line that it is skipped where there is no Envoy, and succeeds', async () => {
    const env = { ...process.env, PATH: '', XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), 'pillion-bench-')) };
    onTestFinished(() => rmSync(env.XDG_CACHE_HOME, { recursive: true }));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['test/bench/sidecar.mjs'], { env });
    expect(stdout).toMatch(/^Skipped: there is no Envoy, .*\.\n$/);
    expect(stderr).toBe('');
  });

  it("takes the pod's file as it is, but for addresses and certificates", () => {
    const tls = { ca: '/c/ca.pem', cert: '/c/client.pem', key: '/c/client-key.pem' };
    const { static_resources, admin } = parse(podConfig({ port: 15001, admin: 9901, tlsPort: 8443, tls }));
    const [{ address, filter_chains }] = static_resources.listeners;
    const [cluster] = static_resources.clusters;
    expect([address, admin.address].map((each) => each.socket_address.port_value)).toEqual([15001, 9901]);
    const [{ route }] = filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes;
    expect(route.retry_policy).toEqual({
      retry_on: '5xx,gateway-error,reset',
      num_retries: 3,
      per_try_timeout: '1.5s',
      retry_back_off: { base_interval: '0.05s', max_interval: '1s' },
    });
    expect(cluster.load_assignment.endpoints[0].lb_endpoints).toEqual([
      { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 8443 } } } },
    ]);
    expect(cluster.transport_socket.typed_config.common_tls_context).toEqual({
      tls_certificates: [
        { certificate_chain: { filename: '/c/client.pem' }, private_key: { filename: '/c/client-key.pem' } },
      ],
      validation_context: { trusted_ca: { filename: '/c/ca.pem' } },
    });
  });

  it('has calls that meet resets, 503s and slow answers, fewer than would open a circuit', () => {
    const all: { plan: string; calls: number }[] = mishaps;
    expect(['503', 'reset', 'slow'].every((word) => all.some(({ plan }) => plan.startsWith(word)))).toBe(true);
    const calm = all.filter(({ plan }) => plan === '200').reduce((sum, { calls }) => sum + calls, 0);
    expect(calm).toBeGreaterThan(all.reduce((sum, { calls }) => sum + calls, 0) / 2);
    expect(counted(['200', '503', '200'])).toBe('200 x2, 503 x1');
    expect(counted(['200', '200'])).toBe('200');
  });

  it('reads CPU time of a process whose name holds spaces and parentheses', () => {
    const stat = '4242 (a (b) c) S 1 4242 4242 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 2 0 12345 1000000 500';
    expect(ticksOf(stat)).toBe(42);
  });

  it.runIf(process.platform === 'linux')('agrees with what Node says of its own process', () => {
    const { user, system } = process.cpuUsage();
    expect(Math.abs(cpuMicroseconds(process.pid) - user - system)).toBeLessThan(200_000);
  });
});
