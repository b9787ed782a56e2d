import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { checkText } from '../../src/cli/checks/configuration.js';
import { importEnvoy } from '../../src/envoy/import.js';

interface Manifest {
  kind: string;
  data: Record<string, string>;
  spec: { template: { spec: { containers: { name: string }[] } } };
}

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const manifests = (name: string) =>
  parseAllDocuments(read(`examples/kubernetes/${name}`)).map((document) => document.toJS() as Manifest);

const surroundings = { env: {}, withoutEnv: true, files: false };

describe('the file of clients in the billing example', () => {
  const file = read('examples/billing/clients.yaml');

  it('passes the check without a warning', () => {
    const { errors, warnings } = checkText(file, 'clients.yaml', surroundings);
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
  });

  it('is what import-envoy makes of the sidecar, but for the lines that say so', () => {
    const { yaml } = importEnvoy(read('test/envoy/bootstraps/billing.yaml'), 'envoy.yaml');
    const [, ...imported] = yaml.split('\n');
    const lines = file.split('\n');
    const byHand = ['baseURL', 'cert', 'key'];
    const kept = imported.filter((line) => !byHand.some((key) => line.trim().startsWith(`${key}:`)));
    expect(kept.filter((line) => !lines.includes(line))).toEqual([]);
    const others = lines.filter((line) => !imported.includes(line));
    expect(others.filter((line) => !line.includes('#'))).toEqual([]);
  });
});

describe('the Kubernetes manifests', () => {
  const [sidecar, before] = manifests('before.yaml');
  const [clients, after] = manifests('after.yaml');
  const names = (manifest: Manifest | undefined) => manifest?.spec.template.spec.containers.map(({ name }) => name);

  it('lose the sidecar', () => {
    expect(names(before)).toEqual(['shop', 'envoy']);
    expect(names(after)).toEqual(['shop']);
  });

  it('have in the file of clients what import-envoy makes of the sidecar, and an authority to verify the server by', () => {
    const { config, report } = importEnvoy(sidecar?.data['envoy.yaml'] ?? '', 'envoy.yaml');
    expect(report.filter(({ status }) => status === 'unmapped')).toEqual([]);
    const written = parse(clients?.data['clients.yaml'] ?? '');
    const { ca, ...tls } = written.clients.billing.tls;
    expect({ ...written.clients.billing, tls }).toEqual(config.clients.billing);
    expect(ca).toBe('/etc/certs/ca.crt');
  });

  it('have a file of clients that passes the check as strictly as the manifest asks', () => {
    const { errors, warnings } = checkText(clients?.data['clients.yaml'] ?? '', 'clients.yaml', surroundings);
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
  });
});
