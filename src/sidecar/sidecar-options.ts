/** The options of `serveSidecar`. */
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { IdentityOptions } from '../client/shared-identity.js';
import { type Duration, duration } from '../options/duration.js';
import { accessToken, isLoopback, listenHost, listenPort } from '../options/listening.js';

/**
 * A secret of at least 16 characters that requests send as `Proxy-Authorization: Bearer …`, as the password of a proxy
 * (`HTTP_PROXY=http://any:secret@127.0.0.1:15001`) or in `x-pillion-token`; or a function that allows a request by
 * returning `true`. Any other result, also a promise, and an exception reject the request.
 */
export type SidecarToken = string | ((headers: IncomingHttpHeaders) => boolean);

/** Where the listener listens, who may use it, and its limits. */
export interface SidecarOptions {
  /** Port, from 0 to 65535. Default: 0, which picks a free port. */
  port?: number;
  /** Address or host name to listen on. Default: `127.0.0.1`. Any that is not loopback needs a `token` or `tls`. */
  host?: string;
  /** Path of a unix socket, in place of `port` and `host`. A socket there that nobody listens on is replaced. */
  path?: string;
  /** Asks each request for this token, which is not sent on. Default: none is asked for. */
  token?: SidecarToken;
  /**
   * Mutual TLS: certificate and key of the listener, and the authorities (`ca`) whose client certificates are accepted;
   * paths or PEM texts. Files are read again when they change. Default: plain HTTP.
   */
  tls?: IdentityOptions & Required<Pick<IdentityOptions, 'ca'>>;
  /**
   * Answers requests of web pages, which are those with `Origin` or `Sec-Fetch-Site`. Default: false, as any page that a
   * browser on this machine shows could send requests with the credentials of the clients. Set it to true where a
   * gateway passes on such headers. With a `token` or `tls` such requests are answered anyway.
   */
  allowBrowsers?: boolean;
  /**
   * Bytes that the headers of a request may have, from 1 KiB to 1 MiB; more are answered with 431. Default: 61440, as in
   * Envoy. A request may have 1,000 headers at the most.
   */
  maxHeaderBytes?: number;
  /** Time in which the headers of a request have to arrive, else the answer is 408. Default: 60s, as in Node. */
  headersTimeout?: Duration;
  /**
   * Time in which a whole request has to arrive, and in which a client has to take some more of an answer. Default: 5m,
   * as in Node; 0: no limit, for uploads that never end.
   */
  requestTimeout?: Duration;
  /**
   * Time after which a connection without requests is closed. Default: 5m, which is longer than common clients keep
   * theirs, so that they do not send a request on a connection that is just being closed.
   */
  idleTimeout?: Duration;
  /**
   * Connections that may be open at once; each beyond is closed at once. Default: 4096. Each needs a file descriptor.
   */
  maxConnections?: number;
  /** Requests that a connection may carry before it is closed. Default: 0, no limit. */
  maxRequestsPerConnection?: number;
  /**
   * Lets the process end while the listener is open, for a job that ends by itself. Default: false, as with every server
   * of Node.
   */
  unref?: boolean;
}

const loopback = (host: string) => host.toLowerCase() === 'localhost' || isLoopback(host);

export const sidecarOptions = z.lazy(() =>
  z
    .strictObject({
      port: listenPort.unwrap().optional(),
      host: listenHost.unwrap().optional(),
      path: z.string().min(1).optional(),
      token: accessToken<SidecarToken>(),
      tls: z.looseObject({ ca: z.unknown().refine((ca) => ca !== undefined, { error: 'is missing' }) }).optional(),
      allowBrowsers: z.boolean().default(false),
      maxHeaderBytes: z.int().min(1024).max(1_048_576).default(61_440),
      headersTimeout: duration({ min: 1 }).prefault('60s'),
      requestTimeout: duration().prefault('5m'),
      idleTimeout: duration({ min: 1 }).prefault('5m'),
      maxConnections: z.int().min(1).default(4096),
      maxRequestsPerConnection: z.int().min(0).default(0),
      unref: z.boolean().default(false),
    })
    .refine(({ path, port, host }) => path === undefined || (port === undefined && host === undefined), {
      path: ['path'],
      error: 'give either path or port and host',
    })
    .refine(
      ({ host, token, tls }) => host === undefined || loopback(host) || token !== undefined || tls !== undefined,
      {
        path: ['host'],
        error: 'an address that is not loopback needs a token or tls',
      },
    )
    .transform(({ port = 0, host = '127.0.0.1', tls, ...rest }) => ({
      ...rest,
      port,
      host,
      tls: tls as SidecarOptions['tls'],
    })),
);

export type ParsedSidecarOptions = z.output<typeof sidecarOptions>;
