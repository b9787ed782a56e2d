/** `pillion/sidecar`: the policies of clients for calls that other HTTP clients make. */
export { type Sidecar, serveSidecar } from './serve-sidecar.js';
export type { SidecarOptions, SidecarToken } from './sidecar-options.js';
