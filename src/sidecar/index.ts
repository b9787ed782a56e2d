/** `pillion/sidecar`: the policies of clients for calls that other HTTP clients make. */
export { createDispatcher, type DispatcherOptions } from './dispatcher.js';
export { installFetch } from './install-fetch.js';
