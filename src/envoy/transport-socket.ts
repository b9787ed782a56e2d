/** Decides whether the calls to an Envoy cluster are protected by TLS, and by which TLS context. */
import { isDeepStrictEqual } from 'node:util';
import { isPlain } from '../call/own.js';
import type { Draft, Reader } from './reader.js';
import { readTls, type TlsPart } from './upstream-tls.js';

/** How a cluster is called. `tls` is undefined for a cluster that is called in cleartext. */
export interface ClusterTransport {
  readonly tls: TlsPart | undefined;
}

/**
 * The transport of a cluster; undefined, with an error in the report, if it cannot be told or would be less protected
 * than in Envoy. Only a cluster without any socket, or with a raw buffer, is called in cleartext.
 */
export function readTransport(
  cluster: Reader,
  endpoints: readonly Reader[],
  draft: Draft,
  secrets: ReadonlyMap<string, Reader>,
): ClusterTransport | undefined {
  cluster.get('transport_socket_matcher')?.fault('a transport socket that is chosen by a matcher is not supported');
  const sockets = cluster.get('transport_socket');
  const matches = cluster.get('transport_socket_matches');
  const context = cluster.get('tls_context');
  if (context !== undefined) cluster.file.isOld = true;
  const chosen = matches === undefined ? { socket: sockets } : choose(matches, sockets, endpoints, draft);
  if (chosen === undefined) return undefined;
  const read =
    context === undefined
      ? readSocket(chosen.socket, draft, secrets)
      : { tls: readTls(context, context, draft, secrets) };
  for (const part of [sockets, matches, context]) if (part !== undefined) refuseUnread(part);
  if (read?.tls === undefined) refuseHidden(cluster);
  return cluster.isFaulty() ? undefined : read;
}

/** A field of a TLS context that nobody asked for may be a check of the server, so no part of the context is used. */
function refuseUnread(part: Reader): void {
  for (const path of part.file.unread(part.value, part.path, true))
    part.file.tell('error', path, undefined, 'this field of the transport socket is not known, so no client was made');
}

/** Parts of TLS in a field that the cluster does not have, such as a misspelt one, must not become cleartext. */
function refuseHidden(cluster: Reader): void {
  for (const path of cluster.file.unread(cluster.value, cluster.path, true)) {
    const part = path
      .slice(cluster.path.length)
      .reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], cluster.value);
    const text = JSON.stringify([path.at(-1), part]);
    if (
      path.length === cluster.path.length + 1 &&
      /TlsContext|tls_?(context|certificate|params)|validation_?context|"sni"|transport_?socket/i.test(text)
    )
      cluster.file.tell(
        'error',
        path,
        undefined,
        'it holds TLS, but a cluster has no such field, so no client was made',
      );
  }
}

/** The names of the sockets of Envoy that neither protect nor change what is sent. */
const raw = ['RawBuffer', 'envoy.transport_sockets.raw_buffer', 'raw_buffer'];

/** The TLS contexts within other sockets, by message type. */
const contexts = new Map<string, readonly [string, string]>(
  Object.entries({
    UpstreamStartTlsConfig: ['tls_socket_config', 'TLS is spoken from the start here, and Envoy begins in cleartext'],
    QuicUpstreamTransport: ['upstream_tls_context', 'HTTP/3 is not supported: TLS over TCP is used'],
  }),
);

/** Reads a socket, or the socket within it. */
function readSocket(
  socket: Reader | undefined,
  draft: Draft,
  secrets: ReadonlyMap<string, Reader>,
): ClusterTransport | undefined {
  if (socket === undefined) return { tls: undefined };
  const name = socket.name('name');
  const { type, fields } = socket.extension();
  const kind = type ?? name ?? '';
  if (type === undefined && fields === undefined && !raw.includes(kind))
    return socket.fault('it has no typed_config, so its protection is not known, and no client was made');
  if (raw.includes(kind)) {
    socket.exact(draft, 'baseURL');
    return { tls: undefined };
  }
  if (kind === 'UpstreamTlsContext' || (type === undefined && /^(envoy\.transport_sockets\.)?tls$/.test(kind)))
    return fields && { tls: readTls(fields, socket, draft, secrets) };
  const [field, note] = contexts.get(kind) ?? [];
  const context = field === undefined ? undefined : fields?.get(field);
  if (context !== undefined && note !== undefined) {
    socket.remark(draft, 'tls', note);
    fields?.get('cleartext_socket_config')?.whole().structure();
    fields?.get('enable_early_data')?.structure();
    return { tls: readTls(context, socket, draft, secrets) };
  }
  const inner = fields?.get('transport_socket');
  if (inner === undefined)
    return socket.fault(`the transport ${kind || 'socket'} is not supported, so no client was made`);
  for (const each of ['config', 'common_config', 'default_proxy_address', 'passthrough_metadata', 'update_period'])
    fields?.get(each)?.whole().structure();
  socket.remark(draft, 'baseURL', `${kind} is not supported; only the transport within it is used`);
  return readSocket(inner, draft, secrets);
}

/** The one socket that all endpoints use, by their metadata; undefined, with an error, if there are several. */
function choose(
  matches: Reader,
  otherwise: Reader | undefined,
  endpoints: readonly Reader[],
  draft: Draft,
): { socket: Reader | undefined } | undefined {
  const rules = matches.items().map((rule) => {
    rule.name('name');
    return { match: rule.get('match')?.whole().structure(), socket: rule.get('transport_socket') };
  });
  const socketOf = (endpoint: Reader) => {
    const wanted = endpoint.at('metadata', 'filter_metadata', 'envoy.transport_socket_match')?.whole().structure();
    return rules.find(({ match }) => matchesAll(match?.value ?? {}, wanted?.value ?? {}))?.socket ?? otherwise;
  };
  const candidates = [...rules.map(({ socket }) => socket), otherwise];
  const used = endpoints.length > 0 ? endpoints.map(socketOf) : candidates;
  const [first] = used;
  if (candidates.every(isRaw)) {
    for (const each of candidates) each?.whole().structure();
    matches.exact(draft, 'baseURL');
    return { socket: undefined };
  }
  if (used.some((each) => isRaw(each) || !isDeepStrictEqual(each?.value, first?.value)))
    return matches.fault(
      'its endpoints do not all have the same protection, and a client has one: write a client for each kind, so no client was made',
    );
  for (const each of candidates) if (each !== first) each?.whole().structure();
  matches.differs(draft, 'tls', 'all endpoints in the file use the same socket, so it is written into the client');
  return { socket: first };
}

function matchesAll(match: unknown, metadata: unknown): boolean {
  return (
    isPlain(match) &&
    Object.entries(match).every(([key, value]) => isPlain(metadata) && isDeepStrictEqual(metadata[key], value))
  );
}

function isRaw(socket: Reader | undefined): boolean {
  if (socket === undefined) return true;
  const { type } = socket.extension();
  return raw.includes(type ?? socket.name('name') ?? '');
}
