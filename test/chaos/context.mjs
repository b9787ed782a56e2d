/** The async context of each call: everything that runs for it has to run in its own. */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage();

export const within = (call, work) => storage.run(call, work);

/** The call that the running code belongs to, by its context. */
export const current = () => storage.getStore();
