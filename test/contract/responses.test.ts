import { responses } from './cases/index.js';
import { runContract } from './suite.js';

runContract(responses);
