/** Files that are right as they are: no error, and no warning but of sections that have no policy yet. */
import { yaml } from './texts.js';

/** What the references of the files find. */
export const env = { HOST: 'users.test', RETRIES: '3', TOTAL: '12s', H2: 'true', EMPTY: '' };

export const everySection = yaml`
  # Every section that has a policy, every option of it.
  $schema: https://json.schemastore.org/pillion.json
  defaults:
    headers: { accept: application/json, X-Team: payments }
    allowAbsoluteUrls: false
    maxRedirects: 5
    proxy: env
    allowH2: true
    timeouts: { total: 10s, attempt: 2500, connect: 0.5s }
    retry:
      maxRetries: 2
      on: [5xx, gateway-error, reset, connect-failure, refused-stream, retriable-4xx, rate-limited, 425]
      backoff: { base: 50ms, max: 2s }
      budget: { ratio: 0.2, minPerSecond: 1 }
      maxConcurrentRetries: 50
    circuitBreaker:
      errorThresholdPercentage: 50
      volumeThreshold: 20
      rollingWindow: 10s
      resetTimeout: 5s
      trials: 5
    limits:
      maxRequests: 128
      maxPendingRequests: 1024
    connections:
      maxConnections: 64
      maxConnectionAge: false
      keepAliveTimeout: 4s
      maxOrigins: 16
    maxContentLength: -1
    tracing: { propagation: true, requestIdHeader: x-request-id, attemptCountHeader: x-envoy-attempt-count }
    logging: { profile: ecs, successSampleRate: 0.1 }
    tls:
      serverName: api.internal
      minVersion: TLSv1.3
      subjectAltNames: ["spiffe://prod/users", users.internal]
      pins: ["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
      reload: { interval: 10s, drainTimeout: 1m }
      rejectUnauthorized: true
  clients:
    users:
      baseURL: https://users.test/v1
    billing/v2:
      baseURL: https://billing.test
      timeouts: { total: 1h, attempt: 4s }
      tls: { reload: false }
    legacy_1.0:
      baseURL: http://legacy.test
      timeouts: { connect: false }
      retry: false
      circuitBreaker: false
      limits: false
      tracing: false
      logging: false
      tls: false
`;

export const traffic = yaml`
  clients:
    static:
      baseURL: http://a.test
      endpoints:
        static:
          - { address: "10.0.0.1:80", weight: 2, zone: eu-1 }
          - { address: "[2001:db8::1]:80" }
          - { address: "a-1.test:8080" }
      balance: { strategy: hash, hashHeader: x-user, slowStart: 0, zone: eu-1, panicThresholdPercent: 0 }
      outlierDetection:
        consecutiveFailures: false
        interval: 10s
        baseEjectionTime: 30s
        maxEjectionTime: 30s
        maxEjectionPercent: 33.3
        successRate: { stdevFactor: 1.9, margin: 10, minimumHosts: 5, requestVolume: 100 }
      healthCheck:
        path: /healthz
        interval: 10s
        timeout: 1s
        unhealthyThreshold: 3
        healthyThreshold: 2
        expectedStatuses: [200, 204]
    dns:
      baseURL: http://b.test
      endpoints: { dns: { address: "b.test:80", refresh: 30s, family: ipv6, servers: ["127.0.0.1:53"] } }
      outlierDetection: { successRate: false }
      hedging: { delay: 50ms, maxHedges: 2, budget: 0.1 }
      rateLimit: { requests: 100, per: 1m, burst: 10, keyHeader: x-tenant, maxPending: 0, serverHeaders: false }
      adaptiveConcurrency: { initialLimit: 5, minLimit: 1, maxLimit: 500, tolerance: 2 }
      deadlineHeader: { name: x-timeout-ms, external: true }
      requestHeaders: { remove: [x-internal], replace: { x-a: b }, set: { host: b.test }, add: { x-b: [c, d], x-c: e } }
    srv:
      baseURL: http://c.test
      endpoints: { srv: { name: _http._tcp.c.test, refresh: ttl } }
      split:
        - match:
            methods: [GET, HEAD]
            path: { prefix: /v2 }
            headers: { x-canary: "1" }
          sticky: { cookie: user }
          targets:
            - { name: canary, baseURL: http://canary.test, weight: 1, headers: { x-from: main }, removeHeaders: [x-internal] }
            - { name: main, baseURL: http://c.test, weight: 0 }
        - match: { path: { regex: '^/users/\\d+$' } }
          targets: [{ name: main, baseURL: http://c.test, weight: 4294967295 }]
        - targets: [{ name: main, baseURL: http://c.test, weight: 1 }]
      mirror:
        - baseURL: http://shadow.test
          fraction: 0.01
          match: { path: { exact: /v1 } }
          hostSuffix: false
          unsafeMethods: true
          keepCredentials: true
          headers: { x-shadow: "1" }
          removeHeaders: [x-debug]
          timeout: 1s
          maxConcurrent: 8
      fault:
        delay: { duration: 2s, fraction: 0.5 }
        abort: { status: 503, fraction: 0 }
        reset: { fraction: 0.1 }
        truncate: {}
        match: { methods: [GET] }
        seed: 7
`;

export const anchors = yaml`
  x-timeouts: &slow { total: 30s, attempt: 5s }
  x-headers: &headers { accept: application/json }
  x-anything: [1, null, { unknown: true }]
  clients:
    users: { baseURL: https://users.test, timeouts: *slow, headers: *headers }
    billing: &billing
      baseURL: https://billing.test
      timeouts: *slow
    refunds: *billing
`;

export const referring = yaml`
  defaults:
    timeouts: { total: "\${TOTAL}" }
    headers: { x-region: "\${REGION:-eu}", x-price: "$\${5}", x-none: "\${EMPTY}", x-some: "\${EMPTY:-some}" }
  clients:
    users:
      baseURL: https://\${HOST}/\${VERSION:-v1}
      allowH2: \${H2}
      retry: { maxRetries: "\${RETRIES}", on: ["\${WHAT:-reset}", "\${STATUS:-425}"] }
      limits: { maxRequests: "\${CONNECTIONS:-7}" }
      tracing: \${TRACING:-false}
`;

export const json = '{\n\t"clients": {\n\t\t"users": {\n\t\t\t"baseURL": "https://users.test"\n\t\t}\n\t}\n}\n';

const small = yaml`
  defaults:
    retry: { maxRetries: 1 }
  clients:
    users:
      baseURL: https://users.test
`;

/** By what is special about them. */
export const good: Readonly<Record<string, string>> = {
  'every option of every section': everySection,
  'anchors under x-': anchors,
  references: referring,
  'JSON with tabs': json,
  'JSON on one line': '{"$schema":"./node_modules/pillion/dist/schema.json","clients":{"users":{}}}',
  'line ends of Windows': small.replaceAll('\n', '\r\n'),
  'a byte order mark': `\uFEFF${small}`,
  'a byte order mark before JSON': `\uFEFF${json}`,
  'the marks of a YAML document': `%YAML 1.2\n---\n${small}...\n`,
  'a client that says nothing': 'clients:\n  users:\n',
  'clients that are all in braces': 'clients: { users: {}, billing: { retry: false } }',
  'a name of 100 letters': `clients: { ${'n'.repeat(100)}: {} }\n`,
  'a name that is a number': 'clients: { 1: {}, 2.5: {} }\n',
  'names of things that every object has': 'clients: { constructor: {}, toString: {}, hasOwnProperty: {} }\n',
};
