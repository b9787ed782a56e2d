/** All simulations, in the order they are shown. */
import * as adaptive from './scenarios/adaptive.mjs';
import * as amplification from './scenarios/amplification.mjs';
import * as breaker from './scenarios/breaker.mjs';
import * as falseEjections from './scenarios/false-ejections.mjs';
import * as hedging from './scenarios/hedging.mjs';
import * as metastable from './scenarios/metastable.mjs';
import * as recovery from './scenarios/recovery.mjs';
import * as slowNode from './scenarios/slow-node.mjs';

export const scenarios = [amplification, metastable, slowNode, falseEjections, hedging, breaker, recovery, adaptive];
