import { connected } from './cases/index.js';
import { runContract } from './suite.js';

runContract(connected);
