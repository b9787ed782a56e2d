import { redirected } from './cases/index.js';
import { runContract } from './suite.js';

runContract(redirected);
