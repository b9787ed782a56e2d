import { requests } from './cases/index.js';
import { runContract } from './suite.js';

runContract(requests);
