/** Headers that are worth keeping in a fixture. */

/** About one connection, or another at each recording. */
const passing = new Set([
  ...['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'content-encoding', 'accept-encoding'],
  ...['date', 'age', 'server-timing', 'host', 'user-agent'],
  ...['traceparent', 'tracestate', 'baggage', 'x-request-id', 'x-request-timeout-ms', 'x-envoy-attempt-count'],
]);

/** Those that say the same at each recording. */
export function keptHeaders<Value>(headers: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]): [string, Value] => [name.toLowerCase(), value])
      .filter(([name]) => !passing.has(name)),
  );
}
