/** A link of 50 ms each way in front of a server: each chunk is carried that much later. It has no limit of bandwidth. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export const roundTrip = 100;

function carry(from, to) {
  from.on('data', (chunk) => setTimeout(() => to.destroyed || to.write(chunk), roundTrip / 2));
  from.on('close', () => setTimeout(() => to.destroy(), roundTrip / 2));
  from.on('error', () => {});
}

/** Resolves to the port of the near end. */
export async function farLink(port) {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.setNoDelay(true);
    carry(near, far);
    carry(far, near);
  });
  server.unref().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}
