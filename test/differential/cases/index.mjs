/** All cases, in the order of the table. */
import { balancing } from './balancing.mjs';
import { connections } from './connections.mjs';
import { faults } from './faults.mjs';
import { headers } from './headers.mjs';
import { limits } from './limits.mjs';
import { retries } from './retries.mjs';
import { routes } from './routes.mjs';
import { timeouts } from './timeouts.mjs';
import { tls } from './tls.mjs';
import { traffic } from './traffic.mjs';

export const cases = [
  ...faults,
  ...retries,
  ...timeouts,
  ...tls,
  ...limits,
  ...routes,
  ...headers,
  ...traffic,
  ...balancing,
  ...connections,
];

/** Cases that wait for seconds; the test of the suite leaves them out. */
const slow =
  /^(time-|balance-check|balance-outlier-(all|back)|balance-panic|balance-priority-failover|connection-(idle|age)|retry-retry-after|retry-rate-limited-back-off|tls-clear)/;

export const quickCases = cases.filter(({ id }) => !slow.test(id));

/** Quick cases that go through the listener too in the test of the suite; a whole run sends all. */
export const throughListenerToo = /^(fault|retry-reset|limit|traffic)/;
