/** What happens around the calls: reloads, rotations, restarts, clients that are closed. */
import { chanceOf } from './chance.mjs';

/** Begins at once; resolves, once `stop` was called, when nothing of it is under way any more. */
export function weather(seed, { clients, servers, material, identity }) {
  const chance = chanceOf(seed, -1);
  const counts = { reloads: 0, rotations: 0, restarts: 0, closed: 0 };
  const running = new Set();
  let restarting = false;
  const wild = () => chance.pick(clients.names.filter((name) => name.startsWith('wild')));
  const events = {
    reloads: () => clients.reload(chance.pick(clients.names), chance),
    rotations: () => material.rotate(identity),
    closed: () => clients.replace(wild(), chance.between(0, 100)),
    restarts: async () => {
      if (restarting) return;
      restarting = true;
      const name = chance.pick(['h1', 'tls1', 'h2', 'few']);
      await servers.restart({ name, pause: chance.between(0, 60) });
      restarting = false;
    },
  };
  const timer = setInterval(() => {
    const name = chance.weighted({ reloads: 6, rotations: 2, closed: 3, restarts: 1 });
    counts[name]++;
    const work = Promise.resolve(events[name]());
    running.add(work);
    work.finally(() => running.delete(work));
  }, 60);
  const stop = async () => {
    clearInterval(timer);
    await Promise.all(running);
  };
  return { counts, stop };
}
