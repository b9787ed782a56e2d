/** All cases, in the order of the table. */
import { faults } from './faults.mjs';
import { retries } from './retries.mjs';
import { timeouts } from './timeouts.mjs';
import { tls } from './tls.mjs';

export const cases = [...faults, ...retries, ...timeouts, ...tls];
