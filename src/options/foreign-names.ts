/** The names of our options in other tools: Envoy, axios, axios-retry, opossum, got, Resilience4j, Polly and undici. */
import { bare } from './advice.js';

/** Our options with their names in other tools; case and signs do not matter. */
const names: Readonly<Record<string, string>> = {
  baseURL: 'url uri host hostname address upstream prefixUrl origin',
  allowH2: 'http2 h2 h2c httpVersion useHttp2 useH2c http2PriorKnowledge',
  maxRedirects: 'followRedirects followRedirect followRedirection redirects redirect',
  proxy: 'httpProxy httpsProxy useProxy',
  'timeouts.total':
    'timeout timeoutMs requestTimeout totalTimeout globalTimeout callTimeout overallTimeout deadline maxDuration',
  'timeouts.attempt':
    'perTryTimeout perTry attemptTimeout responseTimeout headersTimeout bodyTimeout shouldResetTimeout perTryIdleTimeout tryTimeout',
  'timeouts.connect': 'connectTimeout connectionTimeout connectTimeoutMs connecting',
  retry: 'retryPolicy retryOptions retryConfig retryStrategy axiosRetry',
  'retry.maxRetries':
    'retries numRetries retryCount retryLimit maxAttempts attempts retryAttempts maxRetryAttempts noOfRetries numberOfRetries',
  'retry.on':
    'retryOn retriableStatusCodes retryableStatusCodes retryStatusCodes statusCodes retryCondition statusCodesToRetry retryStatuses',
  'retry.backoff': 'retryBackOff backOff exponentialBackoff',
  'retry.backoff.base':
    'retryDelay baseInterval minTimeout initialDelay baseDelay retryInterval delay waitDuration minDelay',
  'retry.backoff.max': 'maxInterval maxTimeout maxDelay maxRetryDelay backoffLimit',
  'retry.budget': 'retryBudget budgetPercent',
  'retry.budget.minPerSecond': 'minRetryConcurrency minRetriesPerSecond',
  circuitBreaker: 'circuitBreakers breaker circuit opossum',
  'circuitBreaker.errorThresholdPercentage':
    'errorThreshold failureThreshold failureRateThreshold errorPercentage failureRatio errorRate threshold',
  'circuitBreaker.volumeThreshold':
    'minimumNumberOfCalls minimumThroughput requestVolume requestVolumeThreshold minimumRequests',
  'circuitBreaker.rollingWindow':
    'rollingCountTimeout rollingDuration window windowSize samplingDuration slidingWindowSize rollingCountBuckets',
  'circuitBreaker.resetTimeout':
    'breakDuration durationOfBreak sleepWindow waitDurationInOpenState halfOpenAfter openTimeout',
  limits: 'limit thresholds bulkhead pool',
  'limits.maxRequests': 'concurrency maxConcurrent maxConcurrentCalls maxConcurrency capacity',
  'limits.maxPendingRequests': 'maxPending maxQueue queueSize maxQueueSize queueLimit maxWaiting',
  maxContentLength: 'maxResponseSize maxBodySize maxResponseBytes',
  'connections.maxConnections': 'maxSockets',
  'connections.maxConnectionAge': 'maxConnectionDuration maxAge clientTtl connectionTtl',
  'connections.keepAliveTimeout': 'idleTimeout keepAliveMsecs freeSocketTimeout keepAlive idle',
  tracing: 'trace openTelemetry otel telemetry',
  'tracing.requestIdHeader': 'requestId requestIdHeaderName correlationId correlationIdHeader',
  logging: 'log logger logs accessLog',
  'logging.successSampleRate': 'sampleRate sampling sampleRatio',
  tls: 'ssl mtls https httpsAgent transportSocket tlsContext tlsOptions',
  'tls.cert': 'certificate certFile certPath certChain certificateChain crt clientCert',
  'tls.key': 'keyFile keyPath privateKey clientKey',
  'tls.ca': 'caFile caPath caCert trustedCa cacert rootCa authorities',
  'tls.serverName': 'sni servername hostnameOverride',
  'tls.minVersion': 'tlsMinimumProtocolVersion minTlsVersion minimumVersion minimumProtocolVersion secureProtocol',
  'tls.subjectAltNames': 'matchSubjectAltNames matchTypedSubjectAltNames sans san',
  'tls.pins': 'verifyCertificateSpki fingerprint pin publicKeyPins',
  'tls.rejectUnauthorized': 'verify strictSsl insecure insecureSkipVerify skipVerify sslVerify',
  endpoints: 'loadAssignment hosts servers targets addresses lbEndpoints',
  balance: 'loadBalancer loadBalancing lb',
  'balance.strategy': 'lbPolicy loadBalancingPolicy policy algorithm',
  outlierDetection: 'outliers ejection',
  'outlierDetection.consecutiveFailures': 'consecutive5xx consecutiveGatewayFailure consecutiveErrors',
  healthCheck: 'healthChecks health healthz probe',
  split: 'weightedClusters trafficSplit canary',
  requestHeaders: 'requestHeaderModifier requestHeadersToAdd requestHeadersToRemove headerMutation headerModifier',
  'requestHeaders.set.host': 'hostRewriteLiteral hostRewrite',
  mirror: 'requestMirrorPolicies shadow mirrors requestMirrorPolicy',
  hedging: 'hedge hedgePolicy hedges',
  rateLimit: 'rateLimits rateLimiter throttle',
  adaptiveConcurrency: 'concurrencyLimit',
  deadlineHeader: 'timeoutHeader',
  fault: 'faults faultInjection chaos',
};

/** Names that mean another option when they are found in a certain section. */
const inSection: Readonly<Record<string, string>> = {
  ...{
    'retry timeout': 'timeouts.attempt',
    'circuitBreaker timeout': 'timeouts.attempt',
    'retry limit': 'retry.maxRetries',
  },
  ...{ 'retry count': 'retry.maxRetries', 'retry max': 'retry.backoff.max', 'retry min': 'retry.backoff.base' },
  ...{
    'backoff min': 'retry.backoff.base',
    'backoff initial': 'retry.backoff.base',
    'budget percent': 'retry.budget.ratio',
  },
  ...{
    'timeouts request': 'timeouts.total',
    'timeouts response': 'timeouts.attempt',
    'timeouts connection': 'timeouts.connect',
  },
  ...{
    'circuitBreaker maxretries': 'retry.maxConcurrentRetries',
    'circuitBreaker maxpendingrequests': 'limits.maxPendingRequests',
    'circuitBreaker threshold': 'circuitBreaker.errorThresholdPercentage',
  },
  ...{ 'retry statuses': 'retry.on', 'retry codes': 'retry.on', 'retry conditions': 'retry.on' },
  ...{ ' maxretries': 'retry.maxRetries', 'limits timeout': 'timeouts.total' },
};

/** Functions that users look for in the section `retry`, where only data can stand. */
const retryFunctions = ['retryCondition', 'retryDelay', 'onRetry', 'onMaxRetryTimesExceeded', 'validateResponse'];

/** Dependencies of a client, which users look for among its options. */
const dependencies = ['transport', 'logger', 'axios', 'random', 'identity', 'discovery', 'perCall', 'perAttempt'];

/**
 * Where code belongs that was found in a configuration; undefined where it has no place. `section` is undefined for the
 * options of the client itself.
 */
export function placeOfCode(key: string, section: string | undefined): string | undefined {
  if (section === 'retry' && retryFunctions.includes(key)) return `deps.retry.${key}`;
  if (section !== undefined) return undefined;
  if (key === 'adapter') return 'deps.transport';
  return dependencies.includes(key) ? `deps.${key}` : undefined;
}

const byOther = new Map(
  Object.entries(names).flatMap(([ours, others]) => others.split(' ').map((other) => [bare(other), ours] as const)),
);

/** Our options that a foreign name may mean, as full paths; `section` is the section that it was found in. */
export function otherNames(key: string, section: string | undefined): string[] {
  return [inSection[`${section ?? ''} ${bare(key)}`], byOther.get(bare(key))].filter((each) => each !== undefined);
}

/** Options of axios that the configuration of a client has no word for: a client takes them as `deps.axios`. */
export const axiosOptions: ReadonlySet<string> = new Set(
  [
    'allowedSocketPaths auth beforeRedirect cancelToken data decompress env family fetchOptions formDataHeaderPolicy',
    'formSerializer http2Options httpAgent httpVersion httpsAgent insecureHTTPParser lookup maxBodyLength maxRate method',
    'onDownloadProgress onUploadProgress params paramsSerializer parseReviver redact responseEncoding responseType',
    'sensitiveHeaders signal socketPath timeout timeoutErrorMessage transformRequest transformResponse transitional',
    'transport url validateStatus withCredentials withXSRFToken xsrfCookieName xsrfHeaderName',
  ].flatMap((line) => line.split(' ')),
);
