import { flows } from './cases/index.js';
import { runContract } from './suite.js';

runContract(flows);
