/** What to check for each code of an error and each status, in one sentence, and the section of docs/runbook.md that says more. */
import { ErrorCode } from '../call/errors.js';

/** One section of the runbook's part `Error codes`; its heading is the list of `codes`. */
export interface Advice {
  /** Codes of errors, or statuses; one that ends in `…` stands for all codes that begin so. */
  readonly codes: readonly string[];
  readonly advice: string;
}

const ofErrors = {
  [ErrorCode.CONFIG]:
    'An option is wrong, and the message says which: check the last change of the configuration or of the code.',
  [ErrorCode.UNKNOWN_CLIENT]: 'The code asks for a client that the configuration does not have: check both names.',
  [ErrorCode.INVALID_URL]: 'The URL cannot be parsed: check the path that the code puts together, and `baseURL`.',
  [ErrorCode.ORIGIN]:
    'The URL or a redirect leaves the origin of `baseURL`: check the URL that the code passes, and where the upstream redirects to.',
  [ErrorCode.DEADLINE]:
    'The whole call took longer than it may: check whether the upstream is slow, then `timeouts.total` and the deadline of the inbound request.',
  [ErrorCode.ATTEMPT_TIMEOUT]:
    'The upstream is connected but does not answer within `timeouts.attempt`: check its latency, its load and what it waits for itself.',
  [ErrorCode.CONNECT_TIMEOUT]:
    'No connection within `timeouts.connect`: check firewall, network policy and route to the upstream, and whether its host is up.',
  [ErrorCode.HTTP2_UNSUPPORTED]:
    'The server does not speak HTTP/2 without TLS: check the port, or remove `allowH2: prior-knowledge`.',
  [ErrorCode.CIRCUIT_OPEN]:
    'The circuit opened because earlier calls failed: look at the cause, mend that, and calls go through again by themselves within seconds.',
  [ErrorCode.LIMIT]:
    'More calls are waiting or in flight than the limits allow: check whether the upstream has become slow, and whether this process gets more traffic than usual.',
  [ErrorCode.NO_ENDPOINT]:
    'No address of the upstream is known: check its name in DNS or in the discovery, and whether the service has any running instance.',
  [ErrorCode.RATE_LIMITED]:
    "This process sends more calls than its `rateLimit`, or the upstream's own answer, allows: check what sends them, and whether the limit still fits.",
  [ErrorCode.BODY_USED]:
    'The request body was a stream that had been read already: the calling code must make it anew for each call.',
  [ErrorCode.CLOSED]: 'The client was closed, mostly because the process shuts down: check why it still gets work.',
  [ErrorCode.TLS_IDENTITY]:
    "The server's certificate is not the one that is expected: check that the name leads to the right server, then `tls.pins` and `tls.subjectAltNames`.",
} satisfies Record<ErrorCode, string>;

const ofNetwork: readonly Advice[] = [
  {
    codes: ['ECONNREFUSED'],
    advice:
      "Nothing listens at the upstream's address and port: check that the service runs, then host and port in `baseURL`.",
  },
  {
    codes: ['ENOTFOUND'],
    advice:
      "The upstream's name does not exist in DNS: check the spelling of the host in `baseURL`, and its DNS entry or Kubernetes service.",
  },
  {
    codes: ['EAI_AGAIN'],
    advice: 'The DNS server does not answer: check the DNS of this host or cluster; the upstream itself may be well.',
  },
  {
    codes: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ERR_NETWORK', 'ERR_STREAM_PREMATURE_CLOSE'],
    advice:
      'The other side closed the connection in the middle: check whether the upstream crashes or restarts, and the load balancer before it.',
  },
  {
    codes: ['ETIMEDOUT', 'ECONNABORTED'],
    advice:
      'The network or the upstream did not answer in time: check firewall and route to it, its load, and the `timeout` of the call.',
  },
  {
    codes: ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'],
    advice:
      "There is no route to the upstream's address: check network, VPN, security groups and whether the address is still right.",
  },
  {
    codes: ['EADDRNOTAVAIL', 'EMFILE', 'ENFILE'],
    advice:
      'This host has no free local port or file descriptor left: check the number of its open connections, and its limits.',
  },
  {
    codes: ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
    advice:
      "The server's certificate is not valid at this time: check its dates, renew it, and check the clock of this host.",
  },
  {
    codes: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
    advice:
      'The server has a certificate that this process does not trust, as it is self-signed: set `tls.ca` to its authority, or check what answers there.',
  },
  {
    codes: ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_GET_ISSUER_CERT'],
    advice:
      "The authority of the server's certificate is not known here, or the server leaves out an intermediate certificate: check `tls.ca` and its chain.",
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
    advice:
      "The server's certificate is for another name: check the host in `baseURL`, and whether the name leads to the right server.",
  },
  {
    codes: ['EPROTO', 'ERR_SSL_…', 'ERR_TLS_…', 'CERT_…'],
    advice:
      'The TLS handshake failed: check that the port speaks TLS, the certificate that the server asks for, and TLS versions on both sides.',
  },
  {
    codes: ['ERR_HTTP2_…', 'REFUSED_STREAM'],
    advice:
      'The HTTP/2 connection or stream was refused or broken: check whether the upstream or a proxy before it restarts, and whether it speaks HTTP/2.',
  },
  {
    codes: ['HPE_…'],
    advice: 'The answer is not HTTP: check that host and port belong to the upstream, and what stands between.',
  },
  {
    codes: ['ERR_BAD_RESPONSE', 'ERR_FR_TOO_MANY_REDIRECTS'],
    advice:
      'The answer cannot be used: check its size against `maxContentLength`, its encoding, and where its redirects lead.',
  },
];

const ofStatuses: readonly Advice[] = [
  {
    codes: ['401', '403'],
    advice:
      'The upstream does not accept the credentials: check token, key or client certificate, when they expire, and what was changed in its permissions.',
  },
  {
    codes: ['404', '410'],
    advice:
      'The upstream does not know the path: check `baseURL` and whether one of the two sides was deployed; for a lookup this may be normal.',
  },
  {
    codes: ['409', '412'],
    advice:
      'The state at the upstream is another than the call expects: check for two writers, and for calls that are sent twice.',
  },
  {
    codes: ['429'],
    advice:
      'The upstream limits this caller: check what sends so many calls, and the quota; `rateLimit` holds calls back before they are refused.',
  },
  {
    codes: ['4xx'],
    advice:
      'The upstream refuses the request: check what was deployed lately on either side, and one such request against its documentation.',
  },
  {
    codes: ['502', '503', '504'],
    advice:
      'The upstream, or a proxy before it, has no instance that answers: check its deployment, its readiness and its own upstreams.',
  },
  {
    codes: ['5xx'],
    advice:
      'The upstream fails by itself: check its logs with the request id of a failed call, and its last deployment.',
  },
];

const unknown: Advice = {
  codes: ['Any other code'],
  advice: 'Read the message; then find the first failed call in the log and what was changed shortly before it.',
};

/** All sections, in the order of the runbook. */
export const sections: readonly Advice[] = [
  ...Object.entries(ofErrors).map(([code, advice]) => ({ codes: [code], advice })),
  ...ofNetwork,
  ...ofStatuses,
  unknown,
];

const byCode = new Map(sections.flatMap((section) => section.codes.map((code) => [code, section])));
const families = sections.flatMap((section) =>
  section.codes.filter((code) => code.endsWith('…')).map((code) => ({ start: code.slice(0, -1), section })),
);

/** The section on a failure: a status from 400 on says more than the code beside it. */
function sectionOn(code: string, status: number | undefined): Advice {
  if (status !== undefined && status >= 400)
    return byCode.get(String(status)) ?? byCode.get(status >= 500 ? '5xx' : '4xx') ?? unknown;
  return byCode.get(code) ?? families.find(({ start }) => code.startsWith(start))?.section ?? unknown;
}

export function adviceOn(code: string, status: number | undefined): string {
  return sectionOn(code, status).advice;
}

/** The path of the section on a failure, below that of the admin handler. */
export function runbookPathOf(code: string, status: number | undefined): string {
  return `runbook#${anchorOf(sectionOn(code, status).codes.join(', '))}`;
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
