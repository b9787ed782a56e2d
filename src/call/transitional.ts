/** axios's own `transitional` options, which a call without any is read by. */
import axios from 'axios';

/** axios's `transitional` as it was loaded: a config that has none would be read by that of the global defaults. */
export const standardTransitional = Object.freeze({ ...axios.defaults.transitional });
