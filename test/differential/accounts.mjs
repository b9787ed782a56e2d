/**
 * Explains each row that differs on purpose. `docs` is a sentence of the docs that says so. `cases` names, for each case,
 * exactly the parts that differ: a row that becomes the same fails the run, so that this list shrinks.
 */
export const accounts = [
  {
    docs: 'A POST or PATCH is retried only with an `idempotencyKey`, or when the request was provably not sent.',
    cases: {
      'retry-5xx-post-503': ['status', 'attempts'],
      'retry-5xx-post-reset': ['status', 'attempts'],
      'retry-gateway-error-post-503': ['status', 'attempts'],
      'retry-gateway-error-post-reset': ['status', 'attempts'],
      'retry-reset-post-reset': ['status', 'attempts'],
      'retry-retriable-4xx-post-409': ['status', 'attempts'],
      'retry-5xx-patch-503': ['status', 'attempts'],
      'time-try-post': ['status', 'attempts'],
      'time-try-idle-post': ['status', 'attempts'],
      'time-hedge-post': ['attempts'],
    },
  },
  {
    docs: 'A call is retried at most 10 times.',
    cases: {
      'retry-count-12': ['attempts'],
    },
  },
  {
    docs: 'A status below 400 is never a failure, so it is not retried.',
    cases: {
      'retry-status-200': ['status', 'attempts'],
    },
  },
  {
    docs: 'Headers of an answer neither cause a retry nor prevent one; `envoy-ratelimited` means a 429 or 503 with `Retry-After`.',
    cases: {
      'retry-rate-limited': ['status', 'attempts'],
      'retry-rate-limited-5xx': ['status', 'attempts'],
      'retry-retriable-headers': ['attempts'],
    },
  },
  {
    docs: '`retriable_request_headers` is not read: the method decides whether a call is safe to repeat.',
    cases: {
      'retry-request-headers-no': ['status', 'attempts'],
    },
  },
  {
    docs: 'A retry waits for as long as the server asks for in `Retry-After`, whatever the policy says.',
    cases: {
      'retry-retry-after': ['time'],
    },
  },
  {
    docs: 'A call that is safe to repeat is retried too when its answer is cut short within the body.',
    cases: {
      'retry-reset-body': ['status', 'attempts'],
    },
  },
  {
    docs: 'The number of attempts is in `error.attempts` and in the log line, not in a header of the answer.',
    cases: {
      'retry-attempt-count-answer': ['answerHeaders'],
    },
  },
  {
    docs: 'both count connecting and the body',
    cases: {
      'time-try-body': ['attempts', 'body', 'time'],
    },
  },
  {
    docs: "A server's certificate is always verified, by Node's authorities without `trusted_ca`, and always for the name or address that is called.",
    cases: {
      'tls-no-ca': ['status', 'attempts'],
      'tls-other-name': ['status', 'attempts'],
    },
  },
  {
    docs: 'Without `tls_params`, TLS 1.3 is used with servers that have it.',
    cases: {
      'tls-version-only-13': ['status', 'attempts'],
    },
  },
  {
    docs: 'A call for which a connection is being opened does not count as pending.',
    cases: {
      'limit-pending-0': ['results', 'attempts'],
      'limit-pending-0-one': ['results', 'attempts'],
    },
  },
  {
    docs: 'A call above a rate limit fails with `ERR_RATE_LIMITED` and has no status.',
    cases: {
      'fault-rate-limit': ['status'],
    },
  },
  {
    docs: 'A cap of 0 requests becomes a cap of 1.',
    cases: {
      'limit-requests-0': ['results', 'attempts'],
    },
  },
  {
    docs: 'it stops calls to a destination that fails',
    cases: {
      'limit-failing': ['results', 'attempts'],
      'limit-refused-often': ['results'],
    },
  },
  {
    docs: 'If no endpoint is usable, all of them get calls, also with a panic threshold of 0.',
    cases: {
      'balance-all-unhealthy-calm': ['answer'],
    },
  },
  {
    docs: 'Health checks begin with the first call, and until a check has failed an endpoint counts as healthy.',
    cases: {
      'balance-check-before': ['first'],
    },
  },
  {
    docs: 'An injected delay counts towards `timeouts.total`.',
    cases: {
      'fault-delay-and-timeout': ['status', 'attempts', 'time'],
    },
  },
  {
    docs: 'Dots in a path are resolved before it is sent, as in every URL.',
    cases: {
      'fault-dots': ['requests'],
    },
  },
  {
    docs: 'The caller picks the client: redirects, and the 404 of a request that no route matches, are gone.',
    cases: {
      'route-redirect': ['status', 'attempts'],
      'route-no-match': ['status', 'attempts'],
    },
  },
  {
    docs: 'A virtual host that calls no cluster makes no client.',
    cases: {
      'route-direct': ['status', 'attempts'],
    },
  },
  {
    docs: 'The Host header is that of `baseURL`.',
    cases: {
      'route-caller-host': ['host'],
    },
  },
  {
    docs: 'Values of headers have no operators such as `%REQ(x-user)%`; set such a header in a `perCall` policy.',
    cases: {
      'header-operator': ['headers'],
    },
  },
  {
    docs: 'The header `x-envoy-retriable-status-codes` counts only where `retry.on` has a status or `x-envoy-retry-on` says so.',
    cases: {
      'header-control-codes': ['status', 'attempts'],
    },
  },
  {
    docs: 'A header that gets one value where a call sets it, and another where it does not, is not taken over.',
    cases: {
      'header-absent-and-exists': ['headers'],
    },
  },
  {
    docs: 'Hop-by-hop headers that a call sets itself, such as `te` and `keep-alive`, are sent: there is no proxy that takes them out.',
    cases: {
      'header-hop': ['headers'],
    },
  },
  {
    docs: '`x-envoy-original-path`, `x-envoy-original-host` and `x-forwarded-host`, by which a proxy tells what it rewrote, are not sent.',
    cases: {
      'header-original': ['headers'],
    },
  },
  {
    docs: "A weighted cluster sets headers in place of the call's own, or removes them; it cannot add a value to those of the call.",
    cases: {
      'traffic-target-adds': ['headers'],
    },
  },
  {
    docs: 'Lost connections and bad answers count together for `outlierDetection`, also with `split_external_local_origin_errors`.',
    cases: {
      'balance-outlier-split': ['first'],
    },
  },
  {
    docs: 'Headers of an answer reach the caller as the server sent them, and none is added.',
    cases: {
      'header-answer-added': ['answerHeaders'],
      'header-answer-removed': ['answerHeaders'],
      'header-service-time': ['told'],
    },
  },
  {
    docs: 'Credentials, and POST and PATCH, are left out unless `keepCredentials` and `unsafeMethods` are set.',
    cases: {
      'traffic-post': ['copies'],
      'traffic-credentials': ['copies'],
    },
  },
  {
    docs: 'One of several may be ejected whatever the percentage, but never the last.',
    cases: {
      'balance-outlier-all': ['last'],
    },
  },
];

/** The same for requests through the listener, where they differ otherwise than those of the client; `[]` for not at all. */
export const listenerAccounts = [
  {
    docs: 'the rate limit has nothing to spare; with `x-envoy-ratelimited`, and `retry-after` where it is known',
    cases: {
      'fault-rate-limit': ['local'],
      'fault-rate-limit-refilled': ['local'],
      'fault-rate-limit-retried': ['local'],
    },
  },
  {
    docs: "An answer whose body has begun is not repeated: where the upstream breaks off, the client's connection (with HTTP/2 its stream) is cut",
    cases: {
      'retry-reset-body': [],
      'time-try-body': [],
    },
  },
  {
    docs: 'Headers of the connection, such as `te` and `keep-alive`, are left out in both directions',
    cases: {
      'header-hop': [],
    },
  },
];

/** `{ docs, parts }` for a case whose row differs; `side` is `client` or `listener`. */
export function accountOf(id, side = 'client') {
  const has = ({ cases }) => Object.hasOwn(cases, id);
  const account = (side === 'listener' && listenerAccounts.find(has)) || accounts.find(has);
  if (account === undefined || account.cases[id].length === 0) return undefined;
  return { docs: account.docs, parts: account.cases[id] };
}
