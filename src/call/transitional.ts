/** axios's own `transitional` options, for a call that has none. */
import axios from 'axios';

/**
 * axios's `transitional` as it was when loaded: a config without any would be read by the global defaults, which may
 * have been changed.
 */
export const standardTransitional = Object.freeze({ ...axios.defaults.transitional });
