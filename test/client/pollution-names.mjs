/** The names of options, and for each a value that would show if it were taken. */

/** `spy`: is not to be called. */
export const hostile = (spy) => ({
  // axios's
  ...{
    url: 'http://127.0.0.1:1/evil',
    baseURL: 'http://127.0.0.1:1',
    method: 'delete',
    data: 'evil',
    params: { evil: 1 },
  },
  ...{ headers: { 'x-evil': '1' }, auth: { username: 'evil', password: 'evil' }, paramsSerializer: { serialize: spy } },
  ...{ timeout: 1, timeoutErrorMessage: 'evil', adapter: spy, transformRequest: [spy], transformResponse: [spy] },
  ...{ responseType: 'arraybuffer', responseEncoding: 'base64', decompress: false, validateStatus: () => false },
  ...{
    maxContentLength: 1,
    maxBodyLength: 0,
    maxRedirects: 0,
    maxRate: 1,
    beforeRedirect: spy,
    sensitiveHeaders: ['x-a'],
  },
  ...{
    allowAbsoluteUrls: false,
    socketPath: '/nowhere/evil.sock',
    allowedSocketPaths: [],
    transport: { request: spy },
  },
  ...{ httpAgent: {}, httpsAgent: {}, proxy: { host: '127.0.0.1', port: 1 }, lookup: spy, family: 6, httpVersion: 2 },
  ...{
    http2Options: {},
    insecureHTTPParser: true,
    formSerializer: { visitor: spy },
    formDataHeaderPolicy: 'content-only',
  },
  ...{ env: { FormData: spy, fetch: spy }, fetchOptions: { method: 'put' }, parseReviver: spy, onUploadProgress: spy },
  ...{
    onDownloadProgress: spy,
    cancelToken: { throwIfRequested: spy, subscribe: spy, reason: 'evil' },
    redact: ['url'],
  },
  ...{
    signal: AbortSignal.abort(),
    withCredentials: true,
    withXSRFToken: true,
    xsrfCookieName: 'evil',
    xsrfHeaderName: 'evil',
  },
  ...{ transitional: { clarifyTimeoutError: true, advertiseZstdAcceptEncoding: true, forcedJSONParsing: false } },
  // fields of theirs
  ...{ username: 'evil', password: 'evil', host: 'evil', hostname: 'evil', port: 1, protocol: 'ftp:', encode: spy },
  ...{
    serialize: spy,
    indexes: null,
    dots: true,
    metaTokens: false,
    visitor: spy,
    maxDepth: 0,
    silentJSONParsing: false,
  },
  ...{
    forcedJSONParsing: false,
    clarifyTimeoutError: true,
    advertiseZstdAcceptEncoding: true,
    encodeBasicAuthUsername: true,
  },
  ...{ common: { 'x-evil': '1' }, get: { 'x-evil': '1' }, post: { 'x-evil': '1' }, 'axios-retry': {} },
  // ours, for a call
  ...{ idempotencyKey: 'evil', retry: { maxRetries: -1 }, routeName: 1, timeouts: { total: 1 }, hashKey: 'evil' },
  ...{
    total: 1,
    attempt: 1,
    connect: 1,
    maxRetries: -1,
    on: [],
    backoff: { base: -1 },
    base: -1,
    max: 1,
    budget: false,
  },
  // ours, for a client
  ...{
    name: '',
    limits: { maxRequests: 0 },
    circuitBreaker: 1,
    tls: { cert: '/nowhere' },
    endpoints: {},
    balance: {},
  },
  ...{
    split: [],
    mirror: [],
    requestHeaders: { set: { 'x-evil': 'evil' } },
    hedging: { delay: -1 },
    rateLimit: {},
    fault: {},
    adaptiveConcurrency: 1,
    healthCheck: 1,
  },
  ...{
    outlierDetection: 1,
    deadlineHeader: { external: true },
    tracing: { requestIdHeader: 'x-evil' },
    logging: 1,
    allowH2: 1,
    envoyHeaders: 1,
  },
  ...{
    perCall: [spy],
    perAttempt: [spy],
    logger: {},
    random: spy,
    identity: {},
    discovery: {},
    axios: { params: { evil: 1 } },
  },
  // fetch's
  ...{
    body: 'evil',
    redirect: 'error',
    integrity: 'evil',
    duplex: 'full',
    keepalive: true,
    mode: 'evil',
    cache: 'evil',
  },
  ...{ credentials: 'evil', dispatcher: {}, fetch: spy, referrer: 'evil', priority: 'evil', window: 1 },
  // of headers, both ways
  ...{
    'content-type': 'text/evil',
    'Content-Type': 'text/evil',
    authorization: 'evil',
    Authorization: 'evil',
    Accept: 'evil',
  },
  ...{ accept: 'evil', cookie: 'evil=1', 'x-request-id': 'evil', traceparent: 'evil', baggage: 'evil=1', Host: 'evil' },
  ...{
    'Idempotency-Key': 'evil',
    'idempotency-key': 'evil',
    'content-length': '1',
    'Content-Length': '1',
    expect: 'evil',
  },
  ...{ 'transfer-encoding': 'chunked', 'content-encoding': 'br', location: 'http://127.0.0.1:1/', 'retry-after': '1' },
  ...{
    'set-cookie': ['evil=1'],
    'user-agent': 'evil',
    'User-Agent': 'evil',
    'accept-encoding': 'evil',
    connection: 'evil',
  },
  ...{ 'keep-alive': 'timeout=1', upgrade: 'evil', date: 'evil', 'x-a': 'evil' },
  // what undici is asked
  ...{
    path: '/evil',
    origin: 'http://127.0.0.1:1',
    query: { evil: 1 },
    idempotent: false,
    blocking: true,
    reset: true,
  },
  ...{
    headersTimeout: 1,
    bodyTimeout: 1,
    expectContinue: true,
    servername: 'evil',
    throwOnError: true,
    maxRedirections: 3,
  },
  ...{
    keepAlive: true,
    pipelining: 0,
    localAddress: '203.0.113.1',
    connectTimeout: 1,
    maxResponseSize: 1,
    maxCachedSessions: -1,
  },
  ...{
    socketTimeout: 1,
    requestTimeout: 1,
    idleTimeout: 1,
    maxRequestsPerClient: -1,
    typeOfService: 999,
    useH2c: true,
    session: {},
  },
});

/** Where Node itself, or axios's http adapter over it, takes a name from Object.prototype: nothing above it can mend that. */
export const ofNode = {
  /** The listeners of a socket are kept in an object that inherits. */
  connecting: new Set(['connect']),
  /** Response headers of Node's http inherit. */
  'the http lane': new Set([
    ...['content-type', 'transfer-encoding', 'content-encoding', 'keep-alive', 'connection', 'content-length', 'date'],
    ...['location', 'retry-after', 'set-cookie', 'connect', 'signal'],
  ]),
  /** Node's iterator of streams takes a signal, and property descriptors a getter. */
  fetch: new Set(['signal', 'get']),
  'fetch of a URL': new Set(['signal', 'get']),
  'fetch with a redirect': new Set(['signal', 'get']),
  'a new client': new Set(['get']),
};
