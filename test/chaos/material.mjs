/** Certificates: the servers' own, and a client's that is replaced while it is in use. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity } from 'pillion';
import { writeCertificates } from '../bench/certificates.mjs';
import { silent } from './clients.mjs';

export async function openMaterial() {
  const { folder, ca, serverCert, serverKey, cert, key, remove } = await writeCertificates();
  const place = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  // Any certificate of the authority will do for a client.
  const pairs = [
    [cert, key],
    [serverCert, serverKey],
  ];
  let turn = 0;
  const put = () => {
    const [nextCert, nextKey] = pairs[turn++ % pairs.length];
    copyFileSync(nextCert, place.cert);
    copyFileSync(nextKey, place.key);
  };
  put();
  return {
    server: { cert: serverCert, key: serverKey, ca },
    ca,
    folder,
    openIdentity: () => createIdentity({ ...place, ca, reload: { interval: '1h' } }, { logger: silent }),
    /** Puts the other certificate in force. */
    rotate(identity) {
      put();
      identity.refresh();
    },
    remove,
  };
}
