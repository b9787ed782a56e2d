/** The interface of a source of endpoints, such as DNS or the user's own code. */
import type { DiscoveredEndpoint } from './host.js';

/** A source of endpoints, to implement for Consul, the Kubernetes API and the like. */
export interface Discovery {
  /**
   * Calls `update` with the whole list, at once or later, and again on every change; calls `failed` when the list is
   * not available, in which case the last list stays in use. Returns a function that stops watching.
   */
  watch(update: (endpoints: readonly DiscoveredEndpoint[]) => void, failed: (error: Error) => void): () => void;
}
