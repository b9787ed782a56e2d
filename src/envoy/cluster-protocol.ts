/** Reads which version of HTTP an Envoy cluster speaks, and how long its connections live. */
import { isPlain } from '../call/own.js';
import type { Draft, Reader } from './reader.js';

interface Protocol {
  /** The part of the file that asks for HTTP/2. */
  h2: Reader | undefined;
  /** The protocol is chosen in the TLS handshake. */
  auto: boolean;
  connections: Record<string, string>;
  retryPolicy: Reader | undefined;
}

export function readProtocol(cluster: Reader, draft: Draft): Protocol {
  const extensions = cluster.get('typed_extension_protocol_options')?.structure().entries() ?? [];
  const options = extensions.find(([name, each]) => {
    const type = isPlain(each.value) && Object.hasOwn(each.value, '@type') ? each.type() : undefined;
    return type === 'HttpProtocolOptions' || name.endsWith('http.v3.HttpProtocolOptions');
  })?.[1];
  for (const [, each] of extensions) if (each !== options) each.unmapped('there is no counterpart of this extension');
  options?.structure().type();
  const explicit = options?.get('explicit_http_config')?.structure();
  const auto = options?.get('auto_config')?.structure();
  const h2 = [
    cluster.get('http2_protocol_options'),
    explicit?.get('http2_protocol_options'),
    auto?.get('http2_protocol_options') ?? auto,
  ].find(Boolean);
  options
    ?.get('use_downstream_protocol_config')
    ?.whole()
    .differs(
      draft,
      'allowH2',
      'there is no connection to the sidecar whose protocol could be followed: HTTP/1.1 is used',
    );
  (auto ?? explicit)?.get('http_protocol_options')?.exact(draft, 'allowH2');
  const names = options?.get('upstream_http_protocol_options')?.structure();
  names
    ?.get('auto_sni')
    ?.differs(draft, 'tls.serverName', 'the name is the host of baseURL, not the Host header of the call');
  names?.get('auto_san_validation')?.differs(draft, 'tls.serverName', 'the name is always verified');
  const common = options?.get('common_http_protocol_options') ?? cluster.get('common_http_protocol_options');
  common?.structure();
  const connections: Record<string, string> = {};
  const idle = common?.get('idle_timeout');
  const time = idle?.duration() === 0 ? undefined : idle?.spelled(draft, 'connections.keepAliveTimeout');
  if (time !== undefined) connections.keepAliveTimeout = time;
  idle?.differs(
    draft,
    'connections.keepAliveTimeout',
    "a shorter time in the server's Keep-Alive header is respected, which Envoy does not read",
  );
  const age = common?.get('max_connection_duration');
  const oldest = age?.duration() ? age.spelled(draft, 'connections.maxConnectionAge', { least: 1000 }) : undefined;
  if (oldest !== undefined) connections.maxConnectionAge = oldest;
  age?.differs(draft, 'connections.maxConnectionAge', 'each connection is closed up to a fifth earlier, at random');
  for (const each of [common, cluster])
    each
      ?.get('max_requests_per_connection')
      ?.unmapped('connections are closed by age (connections.maxConnectionAge), not by their number of requests');
  return { h2, auto: auto !== undefined, connections, retryPolicy: options?.get('retry_policy') };
}
