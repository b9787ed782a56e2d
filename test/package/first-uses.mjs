/** Uses each part that is loaded on demand, in an ES module, in CommonJS and in a bundle: what it is given is `pillion`. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const libraries = /node_modules\/(fastest-levenshtein|@opentelemetry\/api|pino|undici|yaml)\//;

/** The libraries on demand that are loaded; a bundle has them without their names. */
const loaded = () => [...new Set(Object.keys(require.cache).flatMap((path) => libraries.exec(path)?.[1] ?? []))];

export async function useAll(pillion, { http, h2c, https, ca, config }) {
  const { createHttpClient, loadHttpClients } = pillion;
  const steps = {};
  const after = (name, result) => {
    steps[name] = { result, loaded: loaded() };
  };
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const call = async (baseURL, more) => {
    const client = createHttpClient({ baseURL, ...more }, { logger: silent });
    const { data } = await client.get('/');
    await client.close();
    return data;
  };
  after('import', typeof createHttpClient);
  after('call', await call(http));
  after('HTTP/2', await call(h2c, { allowH2: 'prior-knowledge' }));
  after('TLS files', await call(https, { tls: { ca } }));
  try {
    createHttpClient({ retyr: {} });
  } catch (error) {
    after('a mistyped option', error.message);
  }
  const clients = await loadHttpClients(config, { logger: silent });
  after('YAML', (await clients.get('orders').get('/')).data);
  await clients.close();
  const spans = [];
  registerTracer(spans);
  await call(http);
  after('tracing', [...spans]);
  const failing = createHttpClient({ baseURL: http, retry: false });
  await failing.get('/503').catch(() => {});
  after('default logger', 'written');
  // Right behind the line, which must not be lost.
  process.stdout.write(JSON.stringify(steps), () => process.exit(0));
}

/** What an SDK leaves in the global object: a provider of tracers. */
function registerTracer(spans) {
  const span = {
    spanContext: () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
    ...Object.fromEntries(['setAttributes', 'setStatus', 'end'].map((name) => [name, () => span])),
  };
  const startSpan = (name) => {
    spans.push(name);
    return span;
  };
  globalThis[Symbol.for('opentelemetry.js.api.1')] = {
    version: '1.9.1',
    trace: { getTracer: () => ({ startSpan }) },
  };
}
