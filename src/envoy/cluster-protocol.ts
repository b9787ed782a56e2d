/** Reads which version of HTTP an Envoy cluster speaks, and how long its connections live. */
import { isPlain } from '../call/own.js';
import { type Draft, given, type Reader } from './reader.js';

interface Protocol {
  /** The part of the file that asks for HTTP/2. */
  h2: Reader | undefined;
  /** The protocol is chosen in the TLS handshake. */
  auto: boolean;
  connections: Record<string, unknown>;
  /** Milliseconds that one attempt may take at most, its body included; undefined: no limit. */
  maxStreamDuration: number | undefined;
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
  const h1 = (auto ?? explicit)?.get('http_protocol_options') ?? cluster.get('http_protocol_options');
  h1?.exact(draft, 'allowH2');
  for (const [name, note] of h1Notes) h1?.get(name)?.whole().unmapped(note);
  for (const name of ['http3_protocol_options', 'alternate_protocols_cache_options'])
    (auto ?? explicit)
      ?.get(name)
      ?.whole()
      .unmapped('HTTP/3 is not supported: allowH2 decides between HTTP/1.1 and HTTP/2');
  options?.get('http_filters')?.unmapped('there are no filters here: write a perAttempt policy');
  const names = options?.get('upstream_http_protocol_options')?.structure();
  names
    ?.get('auto_sni')
    ?.differs(draft, 'tls.serverName', 'the name is the host of baseURL, not the Host header of the call');
  names?.get('auto_san_validation')?.differs(draft, 'tls.serverName', 'the name is always verified');
  const common = options?.get('common_http_protocol_options') ?? cluster.get('common_http_protocol_options');
  common?.structure();
  const connections: Record<string, unknown> = {};
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
  Object.assign(connections, readRequestsPerConnection([common, cluster], draft), readH2Options(h2, draft));
  const longest = common?.get('max_stream_duration');
  longest?.differs(
    draft,
    'timeouts.attempt',
    'where it is shorter than per_try_timeout and than the timeout of the call; a body that the caller reads as a stream may take longer',
  );
  for (const name of ['max_headers_count', 'max_response_headers_kb', 'headers_with_underscores_action'])
    common?.get(name)?.unmapped("the limits on headers of an answer are those of Node's HTTP parser");
  return {
    h2,
    auto: auto !== undefined,
    connections,
    maxStreamDuration: longest?.duration() || undefined,
    retryPolicy: options?.get('retry_policy'),
  };
}

/** The field of the cluster itself is the older one. 0 is no limit. */
function readRequestsPerConnection(places: readonly (Reader | undefined)[], draft: Draft): Record<string, unknown> {
  const option = 'connections.maxRequestsPerConnection';
  const [used, ...others] = places.flatMap((each) => each?.get('max_requests_per_connection') ?? []);
  for (const each of others) each.fault('Envoy refuses it beside that of common_http_protocol_options');
  const most = used?.count() ? used.bounded(draft, option, 1) : undefined;
  used?.exact(draft, option);
  return given('maxRequestsPerConnection', most);
}

/** Fields of `http_protocol_options` that have no counterpart. */
const h1Notes = new Map<string, string>(
  Object.entries({
    header_key_format: 'names of headers are sent as the call spells them',
    accept_http_10: 'it concerns connections of servers only',
    default_host_for_http_10: 'it concerns connections of servers only',
    enable_trailers: 'trailers are not sent; those of an answer are not read',
    allow_absolute_url: 'it concerns connections of servers only',
    allow_chunked_length: "Node's HTTP parser refuses an answer with both Content-Length and Transfer-Encoding",
    override_stream_error_on_invalid_http_message: 'a connection on which an answer cannot be parsed is closed',
  }),
);

const standardWindow =
  "the flow-control windows are those of Node's HTTP/2; a slow reader holds the server back by them as in Envoy";

/** Fields of `http2_protocol_options` that do not change a call here. */
const h2Notes = new Map<string, string>(
  Object.entries({
    initial_stream_window_size: standardWindow,
    initial_connection_window_size: standardWindow,
    connection_keepalive:
      'a PING is sent only after a call was aborted; a connection that does not answer it within 2 s is closed',
    hpack_table_size: "the size of the header table is that of Node's HTTP/2",
    allow_connect: 'CONNECT and upgrades are not supported',
    allow_metadata: 'METADATA frames are ignored',
    custom_settings_parameters: "the SETTINGS are those of Node's HTTP/2",
    max_outbound_frames: "the limits on frames are those of Node's HTTP/2",
    max_outbound_control_frames: "the limits on frames are those of Node's HTTP/2",
    max_consecutive_inbound_frames_with_empty_payload: "the limits on frames are those of Node's HTTP/2",
    max_inbound_priority_frames_per_stream: "the limits on frames are those of Node's HTTP/2",
    max_inbound_window_update_frames_per_data_frame_sent: "the limits on frames are those of Node's HTTP/2",
    override_stream_error_on_invalid_http_message: 'a stream on which an answer cannot be parsed is closed',
    stream_error_on_invalid_http_messaging: 'a stream on which an answer cannot be parsed is closed',
  }),
);

/** Limits of HTTP/2 connections. */
function readH2Options(h2: Reader | undefined, draft: Draft): Record<string, unknown> {
  const option = 'connections.maxConcurrentStreams';
  const streams = h2?.get('max_concurrent_streams');
  const most = streams?.bounded(draft, option, 1, 2_147_483_647);
  streams?.exact(draft, option);
  for (const [name, note] of h2Notes) h2?.get(name)?.whole().unmapped(note);
  return given('maxConcurrentStreams', most);
}
