/** Makes one Envoy bootstrap of many cases: a virtual host for each, and a listener of its own where a case needs one. */
import { stringify } from 'yaml';

export const typed = (type, fields) => ({ '@type': `type.googleapis.com/envoy.${type}`, ...fields });
const address = (port) => ({ address: { socket_address: { address: '127.0.0.1', port_value: port } } });

/** Local replies carry Envoy's response flags, so that they differ from what an upstream said. */
const flags = {
  mappers: [
    {
      filter: { status_code_filter: { comparison: { op: 'GE', value: { default_value: 100, runtime_key: 'none' } } } },
      headers_to_add: [{ header: { key: 'x-local', value: '%RESPONSE_FLAGS%' } }],
    },
  ],
};

/** The cluster of a case; `fields` of the case come last and win. */
export function clusterOf(name, ports, fields = {}) {
  const { endpoint = {}, locality = {}, hosts = [], ...rest } = fields;
  const lb = ports.map((port, index) => ({
    endpoint: { ...address(port), ...endpoint },
    ...(typeof hosts[index] === 'object' && hosts[index]),
  }));
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ ...locality, lb_endpoints: lb }] },
    ...rest,
  };
}

/** The virtual host of a case, for its domain `<id>.test`. */
function hostOf({ id, routes, vhost }) {
  return { name: id, domains: [`${id}.test`], routes, ...vhost };
}

function managerOf(hosts, { filters = [], manager = {}, table = {} } = {}) {
  const router = { name: 'envoy.filters.http.router', typed_config: typed('extensions.filters.http.router.v3.Router') };
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: typed('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: 'differential',
      local_reply_config: flags,
      // Otherwise an answer that is cut short ends a second later.
      delayed_close_timeout: '0s',
      route_config: { name: 'routes', ...table, virtual_hosts: hosts },
      http_filters: [...filters, router],
      ...manager,
    }),
  };
}

/** The bootstrap as YAML. Each of `parts` is `{ id, routes, vhost, clusters, listener }`; `ports` are free ones. */
export function bootstrapOf(parts, { admin, shared, own }) {
  const listener = (name, port, hosts, settings) => ({
    name,
    ...address(port),
    filter_chains: [{ filters: [managerOf(hosts, settings)] }],
  });
  const common = parts.filter((part) => part.listener === undefined);
  const alone = parts.filter((part) => part.listener !== undefined);
  const listeners = [
    ...(common.length > 0 ? [listener('shared', shared, common.map(hostOf))] : []),
    ...alone.map((part) => listener(part.id, own.get(part.id), [hostOf(part)], part.listener)),
  ];
  const text = stringify(
    { admin: address(admin), static_resources: { listeners, clusters: parts.flatMap(({ clusters }) => clusters) } },
    { aliasDuplicateObjects: false, lineWidth: 0 },
  );
  return text;
}
