/** `pillion/sidecar`: the policies of clients for calls that other HTTP clients make. */
export { type AnyDispatcher, createDispatcher, type DispatcherOptions } from './dispatcher.js';
export { installFetch } from './install-fetch.js';
export { type Sidecar, serveSidecar } from './serve-sidecar.js';
export type { SidecarOptions, SidecarToken } from './sidecar-options.js';
