/**
 * A thread that imports bootstraps for all runs, as `pillion import-envoy` does: a process for each would take a second of CPU
 * to start, and imports among the requests would make answers late.
 */
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { importEnvoy } from '../../dist/esm/code/envoy.js';

/** The clients as they stand in a file. @throws Error where `pillion import-envoy` has an exit code other than 0 */
function imported(file) {
  const { config, report } = importEnvoy(readFileSync(file, 'utf8'), file);
  const errors = report.filter(({ status }) => status === 'error');
  if (errors.length > 0) throw new Error(`the import of ${file} has errors: ${JSON.stringify(errors)}`);
  if (Object.keys(config.clients).length === 0) throw new Error(`the import of ${file} made no client`);
  return JSON.parse(JSON.stringify(config));
}

parentPort.on('message', (file) => {
  try {
    parentPort.postMessage({ file, config: imported(file) });
  } catch (error) {
    parentPort.postMessage({ file, error });
  }
});
