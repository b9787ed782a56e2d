/** A source of endpoints: DNS, or code of the user's own. */
import type { DiscoveredEndpoint } from './host.js';

/** A source of endpoints, such as Consul or the Kubernetes API. */
export interface Discovery {
  /**
   * Tells the whole list by `update`, at once or later, and again whenever it changes; tells by `failed` that it cannot
   * be told now, in which case the last list stays. The function returned ends it.
   */
  watch(update: (endpoints: readonly DiscoveredEndpoint[]) => void, failed: (error: Error) => void): () => void;
}
