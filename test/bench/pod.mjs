/** The Envoy file of the pod, with addresses and certificates of this machine in place of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** The project's own file where it is beside the repository, else the copy of it here. */
export const podFile = [
  new URL('../../../shared/scenario/envoy-billing.yaml', import.meta.url),
  new URL('envoy-billing.yaml', import.meta.url),
].find(existsSync);

const at = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/**
 * The file as text, for Envoy and for `pillion import-envoy`. Both verify the upstream, which the file alone would leave
 * to the authorities of the machine.
 */
export function podConfig({ port, admin, tlsPort, tls }) {
  const config = parse(readFileSync(podFile, 'utf8'));
  const [listener] = config.static_resources.listeners;
  const [cluster] = config.static_resources.clusters;
  listener.address = at(port);
  config.admin.address = at(admin);
  cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address = at(tlsPort);
  const common = cluster.transport_socket.typed_config.common_tls_context;
  common.tls_certificates = [{ certificate_chain: { filename: tls.cert }, private_key: { filename: tls.key } }];
  common.validation_context = { trusted_ca: { filename: tls.ca } };
  return stringify(config);
}
