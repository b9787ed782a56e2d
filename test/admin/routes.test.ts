/** What the admin handler answers, route by route. */
import axios from 'axios';
import { createHttpClient, type HttpClient, loadHttpClients, usePolicies } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { exposition } from '../metrics/exposition.js';
import { authority } from '../support/certificates.js';
import { silent } from '../support/client.js';
import { ask, client, force, serving } from './asking.js';

describe('/ready', () => {
  it('is 200 while clients are up or degraded, 503 once one is down, and says why', async () => {
    const { ask, clients } = await serving();
    expect(await ask('/ready')).toMatchObject({ status: 200, json: { status: 'up' } });
    clients[0]?.forceCircuit('open');
    expect(await ask('/ready')).toMatchObject({
      status: 200,
      json: { status: 'degraded', clients: { billing: { reasons: ['the circuit is forced open'] } } },
    });
    await clients[0]?.close();
    expect(await ask('/ready')).toMatchObject({ status: 503, json: { status: 'down' } });
  });
});

describe('/stats', () => {
  it('is JSON, or Prometheus where that is asked for', async () => {
    const { ask, clients } = await serving();
    await clients[0]?.get('/');
    expect((await ask('/stats')).json).toMatchObject({ clients: { billing: { attempts: 1 } } });
    const scrape = {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1' },
    };
    const plain = { headers: { accept: 'text/plain;version=0.0.4;q=1,*/*;q=0.1' } };
    for (const answer of [await ask('/stats?format=prometheus'), await ask('/stats', plain)]) {
      expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(exposition(answer.text).find(({ name }) => name === 'pillion_client_attempts_total')?.value).toBe(1);
    }
    for (const answer of [await ask('/stats?format=prometheus', scrape), await ask('/stats', scrape)]) {
      expect(answer.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
      expect(answer.text).toMatch(/^pillion_client_attempts_total\{.*\} 1\n[\s\S]*# EOF\n$/m);
    }
    expect((await ask('/stats?format=xml')).status).toBe(400);
  });
});

describe('/clients', () => {
  it('tells of each: health, calls, policies', async () => {
    const { ask } = await serving();
    expect((await ask('/clients')).json).toMatchObject({
      billing: { status: 'up', calls: { started: 0 }, pipeline: expect.arrayContaining(['retry', 'circuitBreaker']) },
    });
  });

  it('keeps clients of one name, or with a name that objects have anyway, apart', async () => {
    const { ask } = await serving({}, [client(), client(), client({ name: '__proto__' })]);
    expect(Object.keys((await ask('/clients')).json)).toEqual(['__proto__', 'billing', 'billing#2']);
  });
});

describe('what fails, since when, and what changed', () => {
  it('is told by /clients and /stats as the page has it, the worst client first', async () => {
    const well = client({ name: 'a' });
    const failing = client({ name: 'b' });
    const { ask } = await serving({}, [well, failing]);
    failing.forceCircuit('open', { by: 'alice' });
    await failing.get('/').catch(() => {});
    const { json } = await ask('/clients');
    expect(Object.keys(json)).toEqual(['b', 'a']);
    const told = {
      ...{ severity: 'failing', failingSince: expect.any(Number), moreFailures: 0 },
      failures: [{ code: 'ERR_CIRCUIT_OPEN', local: true, count: 1, runbook: 'runbook#err_circuit_open' }],
      changes: [{ kind: 'forced', message: 'circuits forced open by alice' }],
    };
    expect(json.b).toMatchObject({ ...told, forced: { state: 'open', by: 'alice', until: null }, refused: 1 });
    expect((await ask('/stats')).json.clients).toMatchObject({
      a: { severity: 'well', failures: [], calls: { started: 0 } },
      b: { ...told, calls: { started: 1 }, forcedBy: 'alice' },
    });
  });
});

describe('/history', () => {
  it('has the slots of each client, and takes since= as milliseconds', async () => {
    const { ask, clients } = await serving();
    await clients[0]?.get('/');
    expect((await ask('/history')).json).toMatchObject({ interval: 10_000, clients: { billing: { at: [] } } });
    expect((await ask(`/history?since=${Date.now()}`)).status).toBe(200);
    for (const since of ['', 'x', '-1', '1e9', '9'.repeat(99)])
      expect((await ask(`/history?since=${since}`)).status).toBe(400);
  });
});

describe('/runbook', () => {
  it('is a page for a browser and Markdown for curl, without a token as the page, only local without one', async () => {
    const { ask } = await serving({ token: 'a-token-of-some-length' });
    const page = await ask('/runbook', { headers: { accept: 'text/html,*/*' } });
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(page.text).toContain('<h3 id="err_circuit_open">ERR_CIRCUIT_OPEN</h3>');
    expect(String(page.headers['content-security-policy'])).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const text = await ask('/runbook');
    expect(text.headers['content-type']).toBe('text/markdown; charset=utf-8');
    expect(text.text).toContain('### ERR_CIRCUIT_OPEN\n');
    const local = await serving();
    expect((await local.ask('/runbook', { headers: { host: 'evil.test' } })).status).toBe(403);
    expect((await local.ask('/runbook', { method: 'POST' })).status).toBe(405);
  });
});

describe('/config', () => {
  it('is what is in force, secrets masked, with its version and what was refused last', async () => {
    let maxRetries: unknown = 2;
    const load = () => ({
      clients: {
        billing: { baseURL: 'http://u:hunter2@api.test', headers: { 'x-key': 's3cr3t' }, retry: { maxRetries } },
      },
    });
    const registry = loadHttpClients({ name: 'test', load }, { logger: silent });
    const admin = createAdmin(registry);
    onTestFinished(async () => {
      await admin.close();
      await registry.close();
    });
    const { port } = await admin.listen();
    const { json, text } = await ask(port, '/config');
    expect(json).toMatchObject({
      version: { version: 1, refused: false, lastRejection: null },
      clients: { billing: { retry: { maxRetries: 2 } } },
    });
    expect(text).not.toMatch(/s3cr3t|hunter2/);

    maxRetries = 99;
    await registry.refresh();
    const after = await ask(port, '/config');
    expect(after.json).toMatchObject({
      version: { version: 1, refused: true, lastRejection: { path: 'clients.billing.retry.maxRetries' } },
      clients: { billing: { retry: { maxRetries: 2 } } },
    });
    expect(after.text).not.toMatch(/s3cr3t|hunter2/);
  });
});

describe('a list of registries, clients and stacks', () => {
  it('is shown as a whole, with secrets of each registry masked, and every circuit can be forced', async () => {
    const registryOf = (name: string) => {
      const load = () => ({
        clients: { billing: { baseURL: 'http://${HOST}', hedging: false, tracing: { requestIdHeader: '${HEADER}' } } },
      });
      const env = { HOST: `${name}.test`, HEADER: `x-${name}-s3cr3t` };
      const registry = loadHttpClients({ name, load }, { logger: silent, env });
      onTestFinished(() => registry.close());
      return registry;
    };
    const [one, two] = [registryOf('one'), registryOf('two')];
    const stack = usePolicies(axios.create(), { name: 'legacy' }, { logger: silent });
    const admin = createAdmin([one, two, client({ name: 'users' }), stack], { writable: true });
    onTestFinished(() => admin.close());
    const { port } = await admin.listen();
    const names = ['billing', 'billing#2', 'users', 'legacy'];
    expect(Object.keys((await ask(port, '/clients')).json)).toEqual([...names].sort());
    expect((await ask(port, '/stats')).json.versions).toMatchObject({ one: { version: 1 }, two: { version: 1 } });
    const { json, text } = await ask(port, '/config');
    expect([Object.keys(json.clients), Object.keys(json.versions)]).toEqual([names, ['one', 'two']]);
    expect(text).not.toMatch(/s3cr3t|two\.test/);
    const metrics = exposition((await ask(port, '/stats?format=prometheus')).text);
    const versions = metrics.filter(({ name }) => name === 'pillion_config_version');
    expect(versions.map(({ labels }) => labels)).toEqual([{ source: 'one' }, { source: 'two' }]);

    expect((await force(port, 'open', { path: '/clients/billing%232/circuit' })).status).toBe(200);
    expect((await force(port, 'open', { path: '/clients/legacy/circuit' })).status).toBe(200);
    const forced = (each: { stats(): { forcedCircuit?: string } }) => each.stats().forcedCircuit;
    expect([one.get('billing'), two.get('billing'), stack].map(forced)).toEqual([undefined, 'open', 'open']);
  });

  it('is refused with a message if one of them is a promise', () => {
    const promised = Promise.resolve(client());
    expect(() => createAdmin([client(), promised] as never)).toThrow(/createAdmin: clients must be/);
  });
});

describe('/certs', () => {
  it('has null for a client without a certificate', async () => {
    const { ask } = await serving();
    expect((await ask('/certs')).json).toEqual({ billing: null });
  });

  it('tells whose a certificate is, until when, and nothing of its key', async () => {
    const { cert, key } = await (await authority('the CA')).issue({ name: 'orders', dns: ['orders.test'] });
    const orders = createHttpClient(
      { name: 'orders', baseURL: 'https://api.test', tls: { cert, key } },
      { logger: silent },
    );
    onTestFinished(() => orders.close());
    const { ask } = await serving({}, [orders]);
    const { json, text } = await ask('/certs');
    expect(json.orders).toMatchObject({
      subject: expect.stringContaining('orders'),
      subjectAltNames: expect.arrayContaining([expect.stringContaining('orders.test')]),
      issuer: expect.stringContaining('the CA'),
      notAfter: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      daysLeft: expect.any(Number),
      generation: 1,
      lastRotation: null,
      lastRejection: null,
    });
    for (const path of ['/certs', '/config', '/stats']) expect((await ask(path)).text).not.toContain('PRIVATE KEY');
    expect(text).not.toContain('CERTIFICATE');
  });
});

describe('every route', () => {
  it('that is not there is 404 and lists what is; another method is 405 and says which', async () => {
    const { ask } = await serving();
    expect(await ask('/nothing')).toMatchObject({
      status: 404,
      json: { routes: expect.arrayContaining(['GET /', 'GET /ready', 'GET /events']) },
    });
    expect(await ask('/stats', { method: 'DELETE' })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    expect(await ask('/', { method: 'POST' })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    expect(await ask('/clients/billing/circuit')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(await ask('/events', { method: 'HEAD' })).toMatchObject({ status: 405, headers: { allow: 'GET' } });
  });

  it('answers HEAD without a body, and is never kept by a cache', async () => {
    const { ask } = await serving();
    for (const path of ['/', '/ready', '/stats', '/clients', '/history', '/runbook', '/config', '/certs']) {
      const { status, text, headers } = await ask(path, { method: 'HEAD' });
      expect({ status, text }).toEqual({ status: 200, text: '' });
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      expect(headers['content-length']).toBe(String(Buffer.byteLength((await ask(path)).text)));
    }
  });

  it('takes odd URLs', async () => {
    const { ask } = await serving();
    for (const path of ['//evil.test/', '/%', '/clients/%ff/circuit', '/?x', '/..%2f', '/stats?format=%00', '//[bad'])
      expect((await ask(path)).status).toBeLessThan(500);
  });

  it('is 500, and harms nobody else, where a policy of the user fails to tell', async () => {
    const { ask, clients } = await serving();
    vi.spyOn(clients[0] as HttpClient, 'stats').mockImplementation(() => {
      throw new Error('no figures');
    });
    expect(await ask('/stats')).toMatchObject({ status: 500, json: { error: 'The request could not be answered.' } });
    expect((await ask('/')).status).toBe(200);
  });
});

it('the page runs and styles nothing but its own, and is framed by nobody', async () => {
  const { ask } = await serving();
  const policy = String((await ask('/')).headers['content-security-policy']);
  expect(policy).toMatch(/default-src 'none'.*script-src 'sha256-[\w+/=]{44}'.*style-src 'sha256-[\w+/=]{44}'/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
});
