/** The certificates of the cases: two authorities, servers of several names, and a client, as files for Envoy. */
import { authority } from '../bench/certificates.mjs';
import { written } from './envoy.mjs';

/** `server`, `other` and `stranger` are for an upstream; the rest are paths of files. */
export async function writeCertificates(folder) {
  const [ours, foreign] = await Promise.all([authority(), authority()]);
  const names = (...all) => all.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value }));
  const server = await ours.issue('upstream', names('localhost', '127.0.0.1', 'billing.test'));
  const other = await ours.issue('other', names('other.test'));
  const stranger = await foreign.issue('stranger', names('localhost', '127.0.0.1', 'billing.test'));
  const client = await ours.issue('client', names('client.test'));
  return {
    server,
    other,
    stranger,
    ca: ours.cert,
    files: {
      ca: written(folder, 'ca.pem', ours.cert),
      cert: written(folder, 'client.pem', client.cert),
      key: written(folder, 'client-key.pem', client.key),
    },
  };
}
