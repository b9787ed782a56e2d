/** `pillion/sidecar`: the policies of clients for calls that other HTTP clients make. */
export { type AnyDispatcher, createDispatcher, type DispatcherOptions } from './dispatcher.js';
export { installFetch } from './install-fetch.js';
