/** A wire that answers at once, so that everything but the wire is measured. */
import { AxiosError, AxiosHeaders } from 'axios';
import { answer } from './cases.mjs';

/**
 * Rejects as axios's adapters do, unless it is told not to: the stack judges for itself. The error has no stack frames, as those of
 * pillion's own wire have none: they would be most of what a failure costs.
 */
export const answering = (status) => async (config) => {
  const headers = new AxiosHeaders({ 'content-type': 'application/json' });
  const response = { data: answer, status, statusText: '', headers, config, request: {} };
  if (!config.validateStatus || config.validateStatus(status)) return response;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const message = `Request failed with status code ${status}`;
  const error = new AxiosError(message, AxiosError.ERR_BAD_RESPONSE, config, {}, response);
  Error.stackTraceLimit = stackTraceLimit;
  throw error;
};

/** CPU microseconds of this process for each call of `once`, which resolves whatever becomes of it. */
export async function cpuOf(once, calls) {
  const before = process.cpuUsage();
  for (let call = 1; call <= calls; call++) {
    await once();
    // A wire that answers at once never lets timers and the logger's file have their turn.
    if (call % 100 === 0) await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

/** Each of the forms in turns, in one process, so that what disturbs one disturbs all; resolves to what each took, by round. */
export async function inTurns(forms, measure, { rounds, warmUp = 2 }) {
  const names = Object.keys(forms);
  const taken = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++)
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + warmUp + turn) % names.length];
      const value = await measure(forms[name]);
      if (round >= 0) taken[name].push(value);
    }
  return taken;
}
